"""What was to be paid in cash and was not: it stays open until an officer says how it ended."""

from datetime import datetime

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.payments.models import Attempt, Payment
from apps.payments.operations import answers


class NotOwed(Exception):
    """Nothing is owed here, or not any more."""


@transaction.atomic
def note_paid(*, payment_id: int, reason: str, by: Actor, at: datetime) -> Payment:
    """The provider has the cash after all: it is booked as if it had been paid at once.

    Raises `NotOwed`, and `ValueError` without a reason.
    """
    payment = _owed(payment_id, reason)
    payment.refusal = ""
    payment.save(update_fields=["refusal"])
    _explain(payment, reason)
    taken = payment.attempts.get(kind=Attempt.Kind.CAPTURE)
    answers.book_capture(payment, taken, by, at)
    return payment


@transaction.atomic
def let_go(*, payment_id: int, reason: str, by: Actor, at: datetime) -> Payment:
    """Nobody asks for it any more.  Raises `NotOwed`, and `ValueError` without a reason."""
    payment = _owed(payment_id, reason)
    payment.state = Payment.State.CANCELLED
    payment.save(update_fields=["state"])
    _explain(payment, reason)
    bus.publish("payments.let_go", by=by, at=at, payment=payment.pk, holder=str(payment.holder))
    return payment


def _owed(payment_id: int, reason: str) -> Payment:
    if not reason.strip():
        raise ValueError("an officer who steps in says why")
    payment = Payment.objects.locked().get(pk=payment_id)
    if payment.state != Payment.State.UNPAID:
        raise NotOwed(payment.state)
    return payment


def _explain(payment: Payment, reason: str) -> None:
    payment.attempts.filter(kind=Attempt.Kind.CAPTURE).update(reason=reason.strip()[:200])
