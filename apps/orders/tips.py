"""Tips: what a consumer adds once an order is done, all of it for whoever did it."""

from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.db import transaction

from apps.kernel.actors import Actor
from apps.kernel.money import EXPONENTS, Money
from apps.orders.models import Order
from apps.payments import operations as payments
from apps.payments.models import Payment

OPEN_FOR = timedelta(days=7)
MOST_TIMES = 2
# A card that was refused may be followed by another, but not by a hundred.
TRIES = 5
BOOKED_AS = "tip"

State = Payment.State


class NotOpen(Exception):
    """The order is not done, was not paid, or is too long ago."""


class TooMuch(ValueError):
    """Nothing, or more than twice what the order cost."""


class Given(Exception):
    """There is a tip for this order already, or as many cards were refused as may be tried."""


@transaction.atomic
def give(
    *, ref: UUID, amount_minor: int, card_id: int, key: UUID, by: Actor, at: datetime
) -> Payment:
    """Pay a tip with a card: promised and taken in one go, once per order.

    The same key is one tip; after a refusal another key asks again.  Raises `NotOpen`, `TooMuch`,
    `Given`, and what `payments.open` raises: `NoSuchCard`, `KeyReused`.
    """
    order = Order.objects.locked().get(ref=ref)
    if before := Payment.objects.filter(attempts__key=key).first():
        asked = (before.holder in _holders(order), before.amount_minor, before.card_id)
        if asked != (True, amount_minor, card_id):
            raise payments.KeyReused(key)
        return before
    if not is_open(order, at):
        raise NotOpen(ref)
    if not 0 < amount_minor <= most(order).minor:
        raise TooMuch(amount_minor)
    before = of(order)
    if before and before.state not in (State.REFUSED, State.CANCELLED):
        raise Given(ref)
    holders = _holders(order)
    turn = 0 if before is None else holders.index(before.holder) + 1
    if turn == TRIES:
        raise Given(ref)
    payment = payments.open(
        holder=holders[turn],
        payer_id=order.consumer_id,
        card_id=card_id,
        amount=Money(amount_minor, order.currency),
        label=f"{order.code} {BOOKED_AS}",
        booked_as=BOOKED_AS,
        key=key,
        by=by,
        at=at,
    )
    payments.capture(
        holder=payment.holder,
        amount_minor=amount_minor,
        split=[(f"provider:{order.provider_id}:payable", amount_minor)],
        about=order.ref,
        by=by,
        at=at,
    )
    return payment


def is_open(order: Order, at: datetime) -> bool:
    """Whether the consumer may tip now: for a week after an order that was done and paid."""
    return (
        order.state == Order.State.COMPLETED
        and order.reason != payments.NOT_PAID
        and order.ended_at is not None
        and at <= order.ended_at + OPEN_FOR
    )


def of(order: Order) -> Payment | None:
    """The order's tip, or the last that was refused."""
    found = Payment.objects.filter(holder__in=_holders(order)).select_related("card")
    return found.order_by("-pk").first()


def most(order: Order) -> Money:
    """A bound against slips of the finger: twice what the order cost."""
    return Money(MOST_TIMES * (order.charged_minor or 0), order.currency)


def suggested(order: Order) -> list[Money]:
    """Two round sums that people give, in the currency's coins: CLP 300 and 500, EUR 1 and 2."""
    places = EXPONENTS[order.currency]
    sums = (300, 500) if places == 0 else (10**places, 2 * 10**places)
    return [Money(minor, order.currency) for minor in sums if minor <= most(order).minor]


def _holders(order: Order) -> list[UUID]:
    """The payments that the order's tip may be, one after the other; each holder pays once."""
    return [uuid5(order.ref, f"{BOOKED_AS}:{turn}") for turn in range(TRIES)]
