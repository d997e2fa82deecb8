"""A bank that wants to hear from the payer before it promises anything."""

from datetime import datetime, timedelta

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.payments.gateway import Confirm
from apps.payments.models import Attempt, Payment

# So long the payer has, and whatever is to be paid waits for them.
CONFIRM_WITHIN = timedelta(minutes=10)

# Whoever confirms and does not come back is found out after this long.
LOOK_AGAIN = timedelta(seconds=20)

State = Payment.State
Kind = Attempt.Kind


@transaction.atomic
def await_payer(*, attempt_id: int, wanted: Confirm, by: Actor, at: datetime) -> None:
    """Note that the bank's answer depends on the payer; the question stays open until it comes.

    It is put again before long, so that nothing hangs on the payer coming back to us.
    """
    payment = Payment.objects.locked().get(attempts=attempt_id)
    attempt = payment.attempts.open().filter(pk=attempt_id).first()
    if attempt is None or payment.state not in (State.OPENED, State.CONFIRM):
        return
    is_new = payment.state == State.OPENED
    if is_new:
        payment.state, payment.confirm_by = State.CONFIRM, at + CONFIRM_WITHIN
    payment.reference, payment.confirm_page = wanted.reference, wanted.page
    payment.save(update_fields=["state", "reference", "confirm_page", "confirm_by"])
    assert payment.confirm_by is not None  # set when the state was
    # The gateway did answer, so that its silence is counted anew.
    attempt.tries, attempt.error = 1, ""
    attempt.due_at = max(at, min(at + LOOK_AGAIN, payment.confirm_by))
    attempt.save(update_fields=["tries", "error", "due_at"])
    if is_new:
        holder = str(payment.holder)
        bus.publish("payments.confirm_wanted", by=by, at=at, payment=payment.pk, holder=holder)
        if following := payment.attempts.waiting().order_by("pk").first():
            # Given back while the bank was being asked: nobody has to confirm anything.
            bus.publish("payments.noted", by=by, at=at, attempt=following.pk)
