"""What is wanted of the gateway: each wish a row, in the transaction of whoever wants it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.kernel.money import Money
from apps.payments import queries
from apps.payments.models import Attempt, Card, Payment, PayoutAccount, Transfer

type Split = Sequence[tuple[str, int]]

# Why a payment in cash came to nothing: a word that the payment keeps while it is owed.
NOT_PAID = "not_paid"

State = Payment.State
Method = Payment.Method
Kind = Attempt.Kind


class NoSuchCard(LookupError):
    """The card is not the payer's, or was taken away."""


class KeyReused(Exception):
    """The same thing was asked for before, and with another body."""


class Ended(Exception):
    """The payment is being captured or given back already, and can end only once."""


class TooMuch(ValueError):
    """More than there is: than was authorised, or than is left of what was captured."""


class Disputed(Exception):
    """The payer's bank has a dispute open about this payment, and the money until it is decided."""


class NotCaptured(Exception):
    """There is nothing to refund: the money was never taken."""


@transaction.atomic
def open(
    *,
    holder: UUID,
    payer_id: int,
    card_id: int | None,
    amount: Money,
    by: Actor,
    at: datetime,
    label: str = "",
    booked_as: str = "capture",
    back: str = "",
    key: UUID | None = None,
) -> Payment:
    """Say that the payer is to pay this much for `holder`, with that card or, without one, in cash.

    `label` is what the gateway's own books call it, such as an order's code; `booked_as` what
    ours call it when it is taken; `key` the question's own, for whoever has promised one; `back`
    our page to which the payer comes back from their bank's, if they are there to be led to it.

    Opened twice with the same body, it is one payment.  Raises `KeyReused` when the holder has
    another payment, `NoSuchCard` when the card is not the payer's, `ValueError` for no amount.
    """
    if amount.minor <= 0:
        raise ValueError(f"nothing to pay: {amount}")
    if (
        card_id is not None
        and not Card.objects.filter(pk=card_id, user_id=payer_id, removed_at=None).exists()
    ):
        raise NoSuchCard(card_id)
    facts = {
        "payer_id": payer_id,
        "method": Method.CASH if card_id is None else Method.CARD,
        "card_id": card_id,
        "amount_minor": amount.minor,
        "currency": amount.currency,
        "booked_as": booked_as,
    }
    payment, is_new = Payment.objects.get_or_create(
        holder=holder, defaults={**facts, "label": label, "back": back, "opened_at": at}
    )
    if not is_new:
        if any(getattr(payment, name) != value for name, value in facts.items()):
            raise KeyReused(holder)
        return payment
    note(payment, Kind.AUTHORISE, amount.minor, key=key or uuid4(), by=by, at=at)
    bus.publish("payments.opened", by=by, at=at, payment=payment.pk, holder=str(holder))
    return payment


@transaction.atomic
def revise_cash(*, holder: UUID, amount_minor: int, by: Actor, at: datetime) -> Payment:
    """Say that another sum is to be paid in cash.  The same again changes nothing.

    Raises `Ended` when it is paid or called off, `ValueError` for no amount or for a card, whose
    bank has promised one sum and no other.
    """
    payment = Payment.objects.locked().get(holder=holder)
    if amount_minor <= 0 or payment.method != Method.CASH:
        raise ValueError(f"{amount_minor} by {payment.method}")
    is_ending = payment.attempts.filter(kind__in=[Kind.CAPTURE, Kind.CANCEL]).exists()
    if is_ending or payment.state not in (State.OPENED, State.AUTHORISED):
        raise Ended(f"{holder} is {payment.state}")
    if payment.amount_minor != amount_minor:
        payment.amount_minor = amount_minor
        payment.save(update_fields=["amount_minor"])
        bus.publish("payments.revised", by=by, at=at, payment=payment.pk, amount_minor=amount_minor)
    return payment


@transaction.atomic
def capture(
    *,
    holder: UUID,
    amount_minor: int,
    split: Split,
    about: UUID | None,
    by: Actor,
    at: datetime,
    collected_by: int | None = None,
    was_paid: bool = True,
) -> Payment:
    """Take the money, or part of it: `split` says which accounts it is credited to.

    Cash is taken by a provider, who keeps it: `collected_by` says which.  Not `was_paid`, nothing
    is booked, and the payment waits for an officer as what the payer owes.

    The rest of the promise is given back; a capture of nothing gives back all of it.  Asked while
    the bank still thinks, it waits for the promise.  Repeated with the same body it is harmless.
    Raises `TooMuch` above the promise, `Ended` when the payment is being given back,
    `KeyReused` when it is being captured with another body, `ValueError` when the parts of the
    split are not positive or do not sum to the amount, or nobody has the cash.
    """
    payment = Payment.objects.locked().get(holder=holder)
    if amount_minor == 0 and not split:
        return _end(payment, Kind.CANCEL, 0, [], about, by=by, at=at)
    _check_split(amount_minor, split)
    if amount_minor > payment.amount_minor:
        raise TooMuch(f"{amount_minor} of {payment.amount}")
    if payment.method == Method.CASH and payment.collected_by_id is None:
        if collected_by is None:
            raise ValueError("cash is in somebody's hand")
        payment.collected_by_id, payment.refusal = collected_by, "" if was_paid else NOT_PAID
        payment.save(update_fields=["collected_by", "refusal"])
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

    The same `key` is one refund; without a key each call is another.  Raises `NotCaptured`, also
    for cash, which whoever has it gives back by hand, `Disputed` while the payer's bank is about
    to take it back by itself, `TooMuch` above what is left, `KeyReused`,
    and `ValueError` for a split that does not sum to the amount.
    """
    _check_split(amount_minor, split)
    payment = Payment.objects.locked().get(holder=holder)
    parts = [[code, minor] for code, minor in split]
    if key and (before := Attempt.objects.filter(key=key).first()):
        facts = (before.payment_id, before.kind, before.amount_minor, before.split)
        if facts != (payment.pk, Kind.REFUND, amount_minor, parts):
            raise KeyReused(key)
        return before
    if payment.state != State.CAPTURED or payment.method == Method.CASH:
        raise NotCaptured(holder)
    if payment.disputed_minor:
        raise Disputed(holder)
    left = queries.refundable(payment)
    if amount_minor > left:
        raise TooMuch(f"{amount_minor} of {left}")
    return note(
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
    *,
    holder: UUID,
    provider_id: int | None,
    amount: Money,
    destination: str = "",
    is_instant: bool = False,
    by: Actor,
    at: datetime,
) -> Transfer:
    """Send money to a provider's bank, or to an account that the gateway knows by `destination`.

    Opened twice with the same body, it is sent once.  `is_instant`: the bank is to have it at once.

    A transfer that failed is tried once more, under a new key, and may go elsewhere or slower this
    time.  Raises `KeyReused` when the holder has another transfer.
    """
    if amount.minor <= 0:
        raise ValueError(f"nothing to send: {amount}")
    facts = {
        "provider_id": provider_id,
        "destination": destination,
        "is_instant": is_instant,
        "amount_minor": amount.minor,
        "currency": amount.currency,
    }
    if provider_id is None and not destination:
        raise ValueError("money goes to somebody")
    Transfer.objects.get_or_create(
        holder=holder, defaults={**facts, "opened_at": at, "state": Transfer.State.FAILED}
    )
    transfer = Transfer.objects.locked().get(holder=holder)
    if transfer.state == Transfer.State.FAILED:
        transfer.destination, transfer.is_instant = destination, is_instant
    if any(getattr(transfer, name) != value for name, value in facts.items()):
        raise KeyReused(holder)
    if transfer.state == Transfer.State.FAILED:
        transfer.state = Transfer.State.OPENED
        transfer.refusal = ""
        transfer.save(update_fields=["state", "refusal", "destination", "is_instant"])
        note(transfer, Kind.TRANSFER, amount.minor, by=by, at=at)
    return transfer


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
        # What ran out unasked is answered by itself, and told to whoever wanted the money.
        has_lapsed = payment.state == State.CANCELLED and payment.refusal == "lapsed"
        alive = (State.OPENED, State.CONFIRM, State.AUTHORISED)
        if payment.state not in alive and not has_lapsed:
            raise Ended(f"{payment.holder} is {payment.state}")
        note(payment, kind, amount_minor, split=parts, about=about, by=by, at=at)
    elif ending.kind != kind:
        raise Ended(f"{payment.holder}: {ending.kind}")
    elif (ending.amount_minor, ending.split) != (amount_minor, parts):
        raise KeyReused(payment.holder)
    return payment


def note(
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
