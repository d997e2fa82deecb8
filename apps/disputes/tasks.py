"""What is said to a payer's bank, holding nothing while it listens."""

import logging
from dataclasses import asdict
from typing import Any

from celery import shared_task
from django.core.exceptions import ImproperlyConfigured
from kombu.exceptions import OperationalError

from apps.disputes import operations
from apps.disputes.models import Dispute
from apps.kernel import clock
from apps.kernel.actors import Actor
from apps.payments import gateway

DISPUTES = Actor.system("disputes")

logger = logging.getLogger(__name__)


def start(*, dispute_id: int) -> None:
    """Hand what an officer wants to the workers.  With the broker down the sweep finds it."""
    try:
        put.apply_async(kwargs={"dispute_id": dispute_id}, retry=False)
    except OperationalError:
        logger.warning("no broker: dispute %s waits for the sweep", dispute_id)


@shared_task
def put_waiting(**_: Any) -> None:
    """Fan out what officers want and the bank has not heard, each on its own."""
    waiting = Dispute.objects.exclude(wish="").order_by("wished_at")
    for dispute_id in waiting.values_list("pk", flat=True)[:1000]:
        start(dispute_id=dispute_id)


@shared_task
def put(*, dispute_id: int, **_: Any) -> None:
    """Say it under its key; however often it is said, the bank hears it once."""
    dispute = Dispute.objects.exclude(wish="").filter(pk=dispute_id).first()
    if dispute is None or dispute.wish_key is None:
        return
    reference, key = dispute.reference, str(dispute.wish_key)
    try:
        bank = gateway.ours()
        if dispute.wish == Dispute.Wish.ANSWER:
            facts = bank.answer_dispute(reference=reference, evidence=dispute.sent, key=key)
        else:
            facts = bank.close_dispute(reference=reference, key=key)
        # The answer may be an old one, kept under the key.
        facts = bank.dispute(reference=facts.reference)
    except (gateway.GatewayDown, ImproperlyConfigured) as error:
        logger.warning("%s waits: %s", dispute, error)
    except gateway.NotUnderstood as error:
        logger.error("%s: %s", dispute, error)
        operations.note_refused(
            dispute_id=dispute_id, key=dispute.wish_key, error=str(error), by=DISPUTES,
            at=clock.now(),
        )  # fmt: skip
    else:
        operations.heed(facts=asdict(facts), by=DISPUTES, at=clock.now())


@shared_task
def remind(**_: Any) -> None:
    """Remind of the disputes whose day is near."""
    near = Dispute.objects.filter(
        state=Dispute.State.NEEDS_RESPONSE, due_by__lte=clock.now() + operations.REMIND
    )
    for dispute_id in near.order_by("pk").values_list("pk", flat=True):
        operations.remind(dispute_id=dispute_id, by=DISPUTES, at=clock.now())
