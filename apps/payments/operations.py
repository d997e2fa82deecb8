"""Payments: a consumer's money from the bank's promise to the last refund.

Whoever wants something of the gateway notes it here as an attempt, in their own transaction.
A subscriber opens the attempts of a payment one after another, a task asks holding no lock, and
`record` writes down the answer, books it and tells the city.  What is asked next follows
from the state in which the answer left the payment, never from the order in which the news came.
A crash anywhere leaves a row that says what to do next.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.kernel.money import Money
from apps.ledger import operations as ledger
from apps.payments import queries
from apps.payments.gateway import Answer
from apps.payments.models import Attempt, Card, Payment, PayoutAccount, Transfer

type Split = Sequence[tuple[str, int]]

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


class NoSuchCard(LookupError):
    """The card is not the payer's, or was taken away."""


class KeyReused(Exception):
    """The same thing was asked for before, and with another body."""


class Ended(Exception):
    """The payment is being captured or given back already, and can end only once."""


class TooMuch(ValueError):
    """More than there is: than was authorised, or than is left of what was captured."""


class NotCaptured(Exception):
    """There is nothing to refund: the money was never taken."""


@transaction.atomic
def open(
    *,
    holder: UUID,
    payer_id: int,
    card_id: int,
    amount: Money,
    by: Actor,
    at: datetime,
    label: str = "",
) -> Payment:
    """Say that the payer is to pay this much for `holder` with that card.

    `label` is what the gateway's own books call it, such as an order's code.

    Opened twice with the same body, it is one payment.  Raises `KeyReused` when the holder has
    another payment, `NoSuchCard` when the card is not the payer's, `ValueError` for no amount.
    """
    if amount.minor <= 0:
        raise ValueError(f"nothing to pay: {amount}")
    if not Card.objects.filter(pk=card_id, user_id=payer_id, removed_at=None).exists():
        raise NoSuchCard(card_id)
    facts = {
        "payer_id": payer_id,
        "card_id": card_id,
        "amount_minor": amount.minor,
        "currency": amount.currency,
    }
    payment, is_new = Payment.objects.get_or_create(
        holder=holder, defaults={**facts, "label": label, "opened_at": at}
    )
    if not is_new:
        if any(getattr(payment, name) != value for name, value in facts.items()):
            raise KeyReused(holder)
        return payment
    _note(payment, Kind.AUTHORISE, amount.minor, by=by, at=at)
    bus.publish("payments.opened", by=by, at=at, payment=payment.pk, holder=str(holder))
    return payment


@transaction.atomic
def capture(
    *, holder: UUID, amount_minor: int, split: Split, about: UUID | None, by: Actor, at: datetime
) -> Payment:
    """Take the money, or part of it: `split` says which accounts it is credited to.

    The rest of the promise is given back; a capture of nothing gives back all of it.  Asked while
    the bank still thinks, it waits for the promise.  Repeated with the same body it is harmless.
    Raises `TooMuch` above the promise, `Ended` when the payment is being given back,
    `KeyReused` when it is being captured with another body, `ValueError` when the parts of the
    split are not positive or do not sum to the amount.
    """
    payment = Payment.objects.locked().get(holder=holder)
    if amount_minor == 0 and not split:
        return _end(payment, Kind.CANCEL, 0, [], about, by=by, at=at)
    _check_split(amount_minor, split)
    if amount_minor > payment.amount_minor:
        raise TooMuch(f"{amount_minor} of {payment.amount}")
    return _end(payment, Kind.CAPTURE, amount_minor, split, about, by=by, at=at)


@transaction.atomic
def cancel(*, holder: UUID, by: Actor, at: datetime) -> Payment:
    """Give the promise back: nothing is taken.  Repeated it is harmless.

    Asked while the bank still thinks, it waits for the answer and gives back what was promised.
    Raises `Ended` when the money is being or has been captured.
    """
    payment = Payment.objects.locked().get(holder=holder)
    if payment.state == State.REFUSED:
        return payment
    return _end(payment, Kind.CANCEL, 0, [], None, by=by, at=at)


@transaction.atomic
def refund(
    *,
    holder: UUID,
    amount_minor: int,
    split: Split,
    about: UUID | None,
    by: Actor,
    at: datetime,
    key: UUID | None = None,
    reason: str = "",
) -> Attempt:
    """Give back some of what was captured; `split` says which accounts give it.

    The same `key` is one refund; without a key each call is another.  Raises `NotCaptured`,
    `TooMuch` above what is left, `KeyReused`, and `ValueError` for a split that does not sum to the
    amount.
    """
    _check_split(amount_minor, split)
    payment = Payment.objects.locked().get(holder=holder)
    parts = [[code, minor] for code, minor in split]
    if key and (before := Attempt.objects.filter(key=key).first()):
        facts = (before.payment_id, before.kind, before.amount_minor, before.split)
        if facts != (payment.pk, Kind.REFUND, amount_minor, parts):
            raise KeyReused(key)
        return before
    if payment.state != State.CAPTURED:
        raise NotCaptured(holder)
    left = queries.refundable(payment)
    if amount_minor > left:
        raise TooMuch(f"{amount_minor} of {left}")
    return _note(
        payment,
        Kind.REFUND,
        amount_minor,
        split=parts,
        about=about,
        key=key or uuid4(),
        reason=reason,
        by=by,
        at=at,
    )


@transaction.atomic
def open_transfer(
    *, holder: UUID, provider_id: int, amount: Money, by: Actor, at: datetime
) -> Transfer:
    """Send money to a provider's bank.  Opened twice with the same body, it is sent once.

    A transfer that failed is tried once more, under a new key.  Raises `KeyReused` when the
    holder has another transfer.
    """
    if amount.minor <= 0:
        raise ValueError(f"nothing to send: {amount}")
    facts = {
        "provider_id": provider_id,
        "amount_minor": amount.minor,
        "currency": amount.currency,
    }
    Transfer.objects.get_or_create(
        holder=holder, defaults={**facts, "opened_at": at, "state": Transfer.State.FAILED}
    )
    transfer = Transfer.objects.locked().get(holder=holder)
    if any(getattr(transfer, name) != value for name, value in facts.items()):
        raise KeyReused(holder)
    if transfer.state == Transfer.State.FAILED:
        transfer.state = Transfer.State.OPENED
        transfer.refusal = ""
        transfer.save(update_fields=["state", "refusal"])
        _note(transfer, Kind.TRANSFER, amount.minor, by=by, at=at)
    return transfer


@transaction.atomic
def begin(*, attempt_id: int, by: Actor, at: datetime) -> Attempt | None:
    """Open the next question about whatever this attempt is about.

    None when one is open already, whose answer will lead on to the next, or when the state says
    that there is nothing to ask.
    """
    attempt = Attempt.objects.get(pk=attempt_id)
    about = _locked(attempt)
    while not about.attempts.open().exists():
        attempt_or_none = about.attempts.waiting().order_by("pk").first()
        if attempt_or_none is None:
            return None
        if _settles_itself(attempt_or_none, about, by, at):
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


@transaction.atomic
def keep_payout_account(*, provider_id: int, reference: str) -> PayoutAccount:
    """Keep a provider's account with the gateway; the first one kept is theirs."""
    account, _ = PayoutAccount.objects.get_or_create(
        provider_id=provider_id, defaults={"reference": reference}
    )
    return account


def _check_split(amount_minor: int, split: Split) -> None:
    if amount_minor <= 0 or any(minor <= 0 for _, minor in split):
        raise ValueError(f"not an amount to move: {amount_minor}, {split}")
    if sum(minor for _, minor in split) != amount_minor:
        raise ValueError(f"the parts do not sum to {amount_minor}: {split}")


def _note(
    about: Payment | Transfer,
    kind: Kind,
    amount_minor: int,
    /,
    *,
    by: Actor,
    at: datetime,
    **rest: Any,
) -> Attempt:
    name = "payment" if isinstance(about, Payment) else "transfer"
    attempt = Attempt.objects.create(
        kind=kind, amount_minor=amount_minor, noted_at=at, **{name: about}, **rest
    )
    bus.publish("payments.noted", by=by, at=at, attempt=attempt.pk)
    return attempt


def _end(
    payment: Payment,
    kind: Kind,
    amount_minor: int,
    split: Split,
    about: UUID | None,
    *,
    by: Actor,
    at: datetime,
) -> Payment:
    """Note how a locked payment ends; the first ending noted is the one that counts."""
    parts = [[code, minor] for code, minor in split]
    ending = payment.attempts.filter(kind__in=[Kind.CAPTURE, Kind.CANCEL]).first()
    if ending is None:
        if payment.state not in (State.OPENED, State.AUTHORISED):
            raise Ended(f"{payment.holder} is {payment.state}")
        _note(payment, kind, amount_minor, split=parts, about=about, by=by, at=at)
    elif ending.kind != kind:
        raise Ended(f"{payment.holder}: {ending.kind}")
    elif (ending.amount_minor, ending.split) != (amount_minor, parts):
        raise KeyReused(payment.holder)
    return payment


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
    if state == State.AUTHORISED or (kind == Kind.REFUND and state == State.CAPTURED):
        return False
    _answer(attempt, succeeded=kind == Kind.CANCEL, error=state.lower(), at=at)
    if kind == Kind.CAPTURE:
        _tell("payments.capture_refused", about, by, at, refusal=state.lower())
    return True


def _answer(attempt: Attempt, *, succeeded: bool, error: str, at: datetime) -> None:
    attempt.asked_at = attempt.answered_at = at
    attempt.succeeded, attempt.error = succeeded, error
    attempt.save(update_fields=["asked_at", "answered_at", "succeeded", "error"])


def _authorised(payment: Payment, attempt: Attempt, by: Actor, at: datetime) -> None:
    payment.reference = attempt.reference
    if attempt.succeeded:
        payment.state = State.AUTHORISED
        payment.save(update_fields=["state", "reference"])
        _tell("payments.authorised", payment, by, at)
    else:
        payment.state = State.REFUSED
        payment.refusal = attempt.error
        payment.save(update_fields=["state", "reference", "refusal"])
        _tell("payments.refused", payment, by, at, refusal=attempt.error)


def _captured(payment: Payment, attempt: Attempt, by: Actor, at: datetime) -> None:
    if not attempt.succeeded:
        # The bank let the promise lapse: there is nothing left to take.
        payment.state = State.CANCELLED
        payment.refusal = attempt.error
        payment.save(update_fields=["state", "refusal"])
        _tell("payments.capture_refused", payment, by, at, refusal=attempt.error)
        return
    payment.state = State.CAPTURED
    payment.captured_minor = attempt.amount_minor
    payment.save(update_fields=["state", "captured_minor"])
    ledger.post(
        key=f"capture:{payment.holder}",
        kind="capture",
        about=attempt.about,
        lines=[
            (CLEARING, attempt.amount_minor),
            *((code, -minor) for code, minor in attempt.split),
        ],
        currency=payment.currency,
        by=by,
        at=at,
    )
    _tell("payments.captured", payment, by, at, amount_minor=attempt.amount_minor)


def _cancelled(payment: Payment, attempt: Attempt, by: Actor, at: datetime) -> None:
    payment.state = State.CANCELLED
    payment.save(update_fields=["state"])
    _tell("payments.cancelled", payment, by, at)


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
    transfer.save(update_fields=["state", "reference"])
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


_RECORDERS = {
    Kind.AUTHORISE: _authorised,
    Kind.CAPTURE: _captured,
    Kind.CANCEL: _cancelled,
    Kind.REFUND: _refunded,
}
