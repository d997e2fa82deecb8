"""What comes of a wish: its turn, its tries, and the gateway's answer, written down and booked."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.ledger import operations as ledger
from apps.payments.gateway import Answer
from apps.payments.models import Attempt, Payment, Transfer
from apps.payments.operations.renewing import HOLD_LASTS, renewed
from apps.payments.operations.wishes import NOT_PAID

CLEARING = "clearing:cards"
IN_TRANSIT = "payouts:in-transit"
BANK = "bank:payouts"

# The gateway keeps a key for a day.  A question older than this is not put again by itself.
KEY_LASTS = timedelta(hours=23)

# An attempt without an answer is put again after this long, then after twice as long, ...
PATIENCE = timedelta(seconds=15)
LONGEST_PATIENCE = timedelta(minutes=16)

State = Payment.State
Kind = Attempt.Kind


@transaction.atomic
def begin(*, attempt_id: int, by: Actor, at: datetime) -> Attempt | None:
    """Open the next question about whatever this attempt is about.

    None when one is open already, whose answer will lead on to the next, or when the state says
    that there is nothing to ask.
    """
    attempt = Attempt.objects.get(pk=attempt_id)
    about = _locked(attempt)
    _give_up_hope(about, at)
    while not about.attempts.open().exists():
        attempt_or_none = about.attempts.waiting().order_by("pk").first()
        if attempt_or_none is None:
            return None
        if _settles_itself(attempt_or_none, about, by, at):
            continue
        if isinstance(about, Payment) and about.method == Payment.Method.CASH:
            # No bank has a part in it: the promise is the payer's own.
            _answer(attempt_or_none, succeeded=True, error="", at=at)
            _RECORDERS[Kind(attempt_or_none.kind)](about, attempt_or_none, by, at)
            continue
        attempt_or_none.asked_at = at
        attempt_or_none.due_at = at + PATIENCE
        attempt_or_none.save(update_fields=["asked_at", "due_at"])
        return attempt_or_none
    return None


@transaction.atomic
def record(*, attempt_id: int, answer: Answer, by: Actor, at: datetime) -> None:
    """Note what the gateway said, book it and tell the city.  Noting it twice is harmless."""
    about = _locked(Attempt.objects.get(pk=attempt_id))
    if not Attempt.objects.filter(pk=attempt_id, answered_at=None).update(
        answered_at=at,
        succeeded=answer.is_yes,
        reference=answer.reference,
        error=answer.refusal,
        dead_at=None,
    ):
        return
    attempt = Attempt.objects.get(pk=attempt_id)
    if isinstance(about, Transfer):
        _record_transfer(about, attempt, by, at)
    else:
        if answer.is_yes and attempt.kind in (Kind.AUTHORISE, Kind.RENEW):
            about.holds_until = answer.holds_until or at + HOLD_LASTS
            about.save(update_fields=["holds_until"])
        _RECORDERS[Kind(attempt.kind)](about, attempt, by, at)
    following = about.attempts.waiting().order_by("pk").first()
    if following:
        bus.publish("payments.noted", by=by, at=at, attempt=following.pk)


@transaction.atomic
def try_now(*, attempt_id: int, at: datetime) -> Attempt | None:
    """Count a try and put the next one off, or return None when there is nothing to ask."""
    attempt = Attempt.objects.locked().open().filter(pk=attempt_id, dead_at=None).first()
    if attempt is None:
        return None
    if attempt.tries == 0:
        attempt.asked_at = at
    attempt.due_at = at + min(PATIENCE * 2 ** min(attempt.tries, 10), LONGEST_PATIENCE)
    attempt.tries += 1
    attempt.save(update_fields=["asked_at", "due_at", "tries"])
    return attempt


@transaction.atomic
def put_off(*, attempt_id: int, key: UUID, error: str, at: datetime, said_no: bool = False) -> None:
    """Note why the gateway, asked with this key, gave no answer; the attempt is put again later.

    `said_no`: it did answer, with "not yet", so that the old key would only hear that again.
    """
    attempt = Attempt.objects.locked().filter(pk=attempt_id, answered_at=None).first()
    if attempt is None or attempt.key != key:
        return
    attempt.error = error[:200]
    if said_no:
        attempt.key, attempt.asked_at = uuid4(), at
    attempt.save(update_fields=["error", "key", "asked_at"])


@transaction.atomic
def give_up(*, attempt_id: int, error: str, by: Actor, at: datetime) -> None:
    """Note that the gateway did not understand the question: asking again needs an officer."""
    dead = Attempt.objects.filter(pk=attempt_id, answered_at=None, dead_at=None)
    if dead.update(dead_at=at, error=error[:200]):
        bus.publish("payments.stuck", by=by, at=at, attempt=attempt_id, error=error[:200])


@transaction.atomic
def ask_again(*, attempt_id: int, by: Actor, at: datetime) -> bool:
    """Put an open question once more, under its old key.  False when it has its answer.

    Whoever asks for a question that the gateway may have forgotten has looked there first.
    """
    unanswered = Attempt.objects.open().filter(pk=attempt_id)
    if not unanswered.update(dead_at=None, due_at=at, asked_at=at):
        return False
    bus.publish("payments.asked_again", by=by, at=at, attempt=attempt_id)
    return True


def _locked(attempt: Attempt) -> Payment | Transfer:
    if attempt.payment_id is not None:
        return Payment.objects.locked().get(pk=attempt.payment_id)
    assert attempt.transfer_id is not None
    return Transfer.objects.locked().get(pk=attempt.transfer_id)


def _settles_itself(attempt: Attempt, about: Payment | Transfer, by: Actor, at: datetime) -> bool:
    """Answer without the gateway what the state answers."""
    if isinstance(about, Transfer):
        return False
    kind, state = attempt.kind, about.state
    if kind == Kind.AUTHORISE:
        # Given back before anybody asked the bank.
        given_back = about.attempts.waiting().filter(kind=Kind.CANCEL).first()
        if given_back is None:
            return False
        _answer(attempt, succeeded=False, error="withdrawn", at=at)
        _answer(given_back, succeeded=True, error="", at=at)
        _cancelled(about, given_back, by, at)
        return True
    if kind == Kind.GIVE_BACK:
        return False  # however the payment ended: it is another promise
    if kind == Kind.RENEW:
        ending = about.attempts.waiting().filter(kind__in=[Kind.CAPTURE, Kind.CANCEL])
        if state == State.AUTHORISED and not ending.exists():
            return False
        _answer(attempt, succeeded=False, error="withdrawn", at=at)
        return True
    if state == State.AUTHORISED or (kind, state) in _WITHOUT_PROMISE:
        return False
    _answer(attempt, succeeded=kind == Kind.CANCEL, error=state.lower(), at=at)
    if kind == Kind.CAPTURE:
        _tell("payments.capture_refused", about, by, at, refusal=state.lower())
    return True


def _give_up_hope(about: Payment | Transfer, at: datetime) -> None:
    """Wait no longer for a payer's word to their bank when the promise is not wanted any more.

    What the bank says of it meanwhile is heard by nobody; the cancellation gives it back.
    """
    if not isinstance(about, Payment) or about.state != State.CONFIRM:
        return
    if about.attempts.waiting().filter(kind=Kind.CANCEL).exists():
        unsure = about.attempts.open().filter(kind=Kind.AUTHORISE)
        unsure.update(answered_at=at, succeeded=False, error="withdrawn", dead_at=None)


def _answer(attempt: Attempt, *, succeeded: bool, error: str, at: datetime) -> None:
    attempt.asked_at = attempt.answered_at = at
    attempt.succeeded, attempt.error = succeeded, error
    attempt.save(update_fields=["asked_at", "answered_at", "succeeded", "error"])


def _authorised(payment: Payment, attempt: Attempt, by: Actor, at: datetime) -> None:
    payment.reference = attempt.reference
    payment.confirm_page = ""
    if attempt.succeeded:
        payment.state = State.AUTHORISED
        payment.save(update_fields=["state", "reference", "confirm_page"])
        _tell("payments.authorised", payment, by, at)
    else:
        payment.state = State.REFUSED
        payment.refusal = attempt.error
        payment.save(update_fields=["state", "reference", "refusal", "confirm_page"])
        _tell("payments.refused", payment, by, at, refusal=attempt.error)


def book_capture(payment: Payment, attempt: Attempt, by: Actor, at: datetime) -> None:
    if not attempt.succeeded:
        # The bank let the promise lapse: there is nothing left to take.
        payment.state = State.CANCELLED
        payment.refusal = attempt.error
        payment.save(update_fields=["state", "refusal"])
        _tell("payments.capture_refused", payment, by, at, refusal=attempt.error)
        return
    if payment.refusal == NOT_PAID:
        payment.state = State.UNPAID
        payment.save(update_fields=["state"])
        _tell("payments.unpaid", payment, by, at, amount_minor=attempt.amount_minor)
        return
    payment.state = State.CAPTURED
    payment.captured_minor = attempt.amount_minor
    payment.save(update_fields=["state", "captured_minor"])
    is_cash = payment.method == Payment.Method.CASH
    ledger.post(
        key=f"capture:{payment.holder}",
        kind=payment.booked_as,
        about=attempt.about,
        lines=[
            (in_hand(payment.collected_by_id) if is_cash else CLEARING, attempt.amount_minor),
            *((code, -minor) for code, minor in attempt.split),
        ],
        currency=payment.currency,
        by=by,
        at=at,
    )
    if is_cash:
        _keep_cash(payment, attempt, by, at)
    _tell("payments.captured", payment, by, at, amount_minor=attempt.amount_minor)


def in_hand(provider_id: int | None) -> str:
    """The code of the account of what a provider's people have collected in cash.

    They keep it, so that it is empty again at once; what went over it is what they took.
    """
    return f"provider:{provider_id}:cash"


def _keep_cash(payment: Payment, attempt: Attempt, by: Actor, at: datetime) -> None:
    """The cash pays the provider: what is more than their own part they owe from now on."""
    ledger.post(
        key=f"cash-kept:{payment.holder}",
        kind="cash_kept",
        about=attempt.about,
        lines=[
            (f"provider:{payment.collected_by_id}:payable", attempt.amount_minor),
            (in_hand(payment.collected_by_id), -attempt.amount_minor),
        ],
        currency=payment.currency,
        by=by,
        at=at,
    )


def _cancelled(payment: Payment, attempt: Attempt, by: Actor, at: datetime) -> None:
    payment.state, payment.confirm_page = State.CANCELLED, ""
    payment.save(update_fields=["state", "confirm_page"])
    _tell("payments.cancelled", payment, by, at)


def _given_back(payment: Payment, attempt: Attempt, by: Actor, at: datetime) -> None:
    """An old promise is gone; nothing of the payment changes."""


def _refunded(payment: Payment, attempt: Attempt, by: Actor, at: datetime) -> None:
    if not attempt.succeeded:
        _tell("payments.refund_refused", payment, by, at, refusal=attempt.error)
        return
    Payment.objects.filter(pk=payment.pk).update(
        refunded_minor=F("refunded_minor") + attempt.amount_minor
    )
    ledger.post(
        key=f"refund:{attempt.key}",
        kind="refund",
        about=attempt.about,
        lines=[
            *((code, minor) for code, minor in attempt.split),
            (CLEARING, -attempt.amount_minor),
        ],
        currency=payment.currency,
        by=by,
        at=at,
    )
    _tell("payments.refunded", payment, by, at, amount_minor=attempt.amount_minor)


def _record_transfer(transfer: Transfer, attempt: Attempt, by: Actor, at: datetime) -> None:
    transfer.reference = attempt.reference
    if not attempt.succeeded:
        transfer.state = Transfer.State.FAILED
        transfer.refusal = attempt.error[:100]
        transfer.save(update_fields=["state", "reference", "refusal"])
        _tell("payments.transfer_failed", transfer, by, at, error=attempt.error)
        return
    transfer.state = Transfer.State.SENT
    transfer.refusal = attempt.error[:100]
    transfer.save(update_fields=["state", "reference", "refusal"])
    ledger.post(
        key=f"transfer:{transfer.holder}",
        kind="transfer",
        about=transfer.holder,
        lines=[(IN_TRANSIT, attempt.amount_minor), (BANK, -attempt.amount_minor)],
        currency=transfer.currency,
        by=by,
        at=at,
    )
    _tell("payments.transferred", transfer, by, at)


def _tell(topic: str, about: Payment | Transfer, by: Actor, at: datetime, **facts: Any) -> None:
    name = "payment" if isinstance(about, Payment) else "transfer"
    bus.publish(topic, by=by, at=at, holder=str(about.holder), **{name: about.pk}, **facts)


# What the gateway is asked though no promise stands.
_WITHOUT_PROMISE = (
    (Kind.REFUND, State.CAPTURED),
    (Kind.CANCEL, State.CONFIRM),
)

_RECORDERS = {
    Kind.AUTHORISE: _authorised,
    Kind.CAPTURE: book_capture,
    Kind.CANCEL: _cancelled,
    Kind.REFUND: _refunded,
    Kind.RENEW: renewed,
    Kind.GIVE_BACK: _given_back,
}
