"""From an event that was kept to what follows from it: asks the gateway how the thing stands."""

import json
import logging
from dataclasses import asdict
from datetime import datetime, timedelta

from django.conf import settings

from apps.kernel import clock
from apps.kernel.actors import Actor
from apps.payments import inbox, operations, queries
from apps.payments.gateway import Gateway
from apps.payments.models import GatewayEvent, Listening

PAYMENTS = Actor.system("payments")
# What happened just before the last comparison may have been listed just after it.
OVERLAP = timedelta(hours=1)
# For how long the gateway keeps its list, and how far back we look in it the first time.
LISTED = timedelta(days=30)
FIRST_LOOK = timedelta(days=3)

logger = logging.getLogger(__name__)


def heed(bank: Gateway, event: GatewayEvent) -> None:
    """Do what an event asks for.  Raises what the gateway raises; the event is then due again.

    What it says of the thing itself may be old: how that stands is asked, and everything follows
    from the answer, so that order, repetition and lateness change nothing.
    """
    thing = json.loads(event.body)["data"]["object"]
    match event.type.split(".")[0]:
        case "payment_intent":
            attempt = str((thing.get("metadata") or {}).get("attempt", ""))
            ended = event.type == "payment_intent.canceled"
            if queries.waits_for(event.about, attempt, ended=ended):
                facts = bank.intent(reference=event.about)
                operations.heed_intent(facts=facts, by=PAYMENTS, at=clock.now())
        case "refund":
            _heed_refund(bank, event)
        case "account":
            account = bank.account_facts(reference=event.about)
            operations.heed_account(facts=account, by=PAYMENTS, at=clock.now())
        case "payout":
            operations.pass_on(
                event_id=event.pk,
                topic="payments.payout_failed",
                by=PAYMENTS,
                at=clock.now(),
                account=event.account,
                payout=event.about,
                amount_minor=thing["amount"],
                currency=thing["currency"].upper(),
                error=str(thing.get("failure_code") or ""),
            )
        case "charge" if event.type.startswith("charge.dispute."):
            dispute = bank.dispute(reference=event.about)
            operations.pass_on(
                event_id=event.pk,
                topic="payments.disputed",
                by=PAYMENTS,
                at=clock.now(),
                dispute=dispute.reference,
                facts=asdict(dispute),
            )
        case "charge":
            _heed_refund(bank, event)
    operations.note_done(event_id=event.pk, at=clock.now())


def _heed_refund(bank: Gateway, event: GatewayEvent) -> None:
    facts = bank.refund_facts(reference=event.about)
    operations.heed_refund(facts=facts, by=PAYMENTS, at=clock.now())


def find_missing(bank: Gateway, *, at: datetime, account: str = "") -> list[GatewayEvent]:
    """Take in what the gateway has listed and nobody told us.  Return what was missing.

    Up to when the two were compared is kept, so that however long the line was down, nothing
    between then and now is left out, as far as the gateway itself remembers.
    """
    last = Listening.objects.filter(account=account).values_list("upto", flat=True).first()
    since = max((last or at - FIRST_LOOK) - OVERLAP, at - LISTED)
    found: list[GatewayEvent] = []
    newest = since
    for told in bank.events(since=int(since.timestamp()), account=account):
        try:
            letter = inbox.read(told, json.dumps(told), live=settings.MODE == "production")
        except inbox.Refused as refused:
            logger.warning("event %r of the gateway's list: %s", told.get("id"), refused)
            continue
        newest = max(newest, letter.happened_at)
        kept = operations.keep(letter=letter, by=PAYMENTS, at=at, way=GatewayEvent.Way.FOUND)
        if kept:
            found.append(kept)
    # By the gateway's own clock, which need not be ours.
    operations.note_listed(account=account, upto=newest)
    return [event for event in found if event.concerns_us]
