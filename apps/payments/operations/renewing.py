"""A bank's promise lasts some days.  What is still wanted then is promised anew, in good time.

The new promise stands before the old one is given back: there is never a moment without one, and
what is captured meanwhile is captured once, from whichever is the payment's own by then.
"""

from datetime import datetime, timedelta

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.payments.models import Attempt, Payment
from apps.payments.operations.wishes import note

# How long a bank's promise lasts where the gateway does not say: the least of the card networks'
# usual times (Stripe, "Place a hold on a payment method": Visa 5 days where the payer was away).
HOLD_LASTS = timedelta(days=5) - timedelta(hours=6)
# So long before its end a promise is renewed; there is time to try again.
AHEAD = timedelta(days=1)

State = Payment.State
Kind = Attempt.Kind


def due(at: datetime) -> list[int]:
    """The payments whose promise ends before long, and that nobody has taken or given back."""
    payments = Payment.objects.filter(
        state=State.AUTHORISED,
        method=Payment.Method.CARD,
        holds_until__lte=at + AHEAD,
        renewal_refused_at=None,
    ).exclude(attempts__answered_at=None)
    return list(payments.order_by("holds_until").values_list("pk", flat=True)[:1000])


@transaction.atomic
def renew(*, payment_id: int, by: Actor, at: datetime) -> Attempt | None:
    """Ask the bank to promise the same sum anew.  None when there is nothing to renew.

    Asked twice it is one question.
    """
    payment = Payment.objects.locked().get(pk=payment_id)
    if payment.pk not in due(at):
        return None
    return note(payment, Kind.RENEW, payment.amount_minor, by=by, at=at)


def renewed(payment: Payment, attempt: Attempt, by: Actor, at: datetime) -> None:
    """What the bank said to it, for a locked payment."""
    told = {"payment": payment.pk, "holder": str(payment.holder)}
    if not attempt.succeeded:
        if attempt.error == "withdrawn":
            return
        # Once for each promise: the bank will not say something else tomorrow.
        payment.renewal_refused_at = at
        payment.save(update_fields=["renewal_refused_at"])
        bus.publish("payments.renewal_refused", by=by, at=at, refusal=attempt.error, **told)
        return
    old, payment.reference = payment.reference, attempt.reference
    payment.save(update_fields=["reference"])
    note(payment, Kind.GIVE_BACK, payment.amount_minor, reference=old, by=by, at=at)
    bus.publish("payments.renewed", by=by, at=at, **told)
