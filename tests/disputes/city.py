"""A ride at a real sandbox bank whose payer's bank takes the money back."""

import json
from uuid import UUID

from apps.payments.models import Payment
from tests.payments.city import Town, fresh, relay, split_of


def disputed(town: Town, about: UUID | None = None) -> Payment:
    """A captured fare about which the bank has a dispute open that nobody has told us of."""
    payment = town.authorised(card=town.card_like("pm_card_createDispute"))
    town.capture(payment, split=split_of(town.provider), about=about)
    relay()
    return fresh(payment)


def reference_of(town: Town, payment: Payment) -> str:
    api = town.bank.client()
    (found,) = api.v1.disputes.list({"payment_intent": payment.reference}).data
    return str(found.id)


def decide(town: Town, payment: Payment, word: str) -> None:
    """Have the bank decide, by the test words for evidence."""
    town.bank.client().v1.disputes.update(
        reference_of(town, payment), {"evidence": {"uncategorized_text": word}, "submit": True}
    )


def events(town: Town, payment: Payment, *kinds: str) -> list[dict]:
    """What the bank has to tell of one payment, oldest first."""
    found = town.bank.client().v1.events.list({"limit": 100}).data
    told = [json.loads(json.dumps(one.to_dict())) for one in found[::-1]]
    return [
        one
        for one in told
        if one["type"].startswith(kinds)
        and payment.reference
        in (one["data"]["object"].get("payment_intent"), one["data"]["object"]["id"])
    ]
