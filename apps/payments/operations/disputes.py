"""What a dispute does to a payment: no refund while it is open, and the loss if it is lost."""

from datetime import datetime

from django.db import transaction

from apps.kernel.actors import Actor
from apps.payments import queries
from apps.payments.models import Attempt, Payment


@transaction.atomic
def withhold(*, payment_id: int, amount_minor: int) -> Payment:
    """Say how much of a payment banks dispute right now: nothing of it is refunded meanwhile."""
    payment = Payment.objects.locked().get(pk=payment_id)
    if payment.disputed_minor != amount_minor:
        payment.disputed_minor = amount_minor
        payment.save(update_fields=["disputed_minor"])
    return payment


@transaction.atomic
def note_loss(
    *, payment_id: int, amount_minor: int, reason: str, by: Actor, at: datetime
) -> list[tuple[str, int]]:
    """Money of a payment that stays with the payer's bank: who gives how much of it back.

    Whoever has a dispute notes its loss once; there is no key that would make it one.
    """
    payment = Payment.objects.locked().get(pk=payment_id)
    split = queries.split_back(payment, amount_minor)
    Attempt.objects.create(
        kind=Attempt.Kind.LOSS,
        payment=payment,
        amount_minor=amount_minor,
        split=[[code, minor] for code, minor in split],
        reason=reason[:200],
        noted_at=at,
        asked_at=at,
        answered_at=at,
        succeeded=True,
    )
    return split
