"""A change of an order under way: a new quote in place of the one in force.

The consumer accepts the new price while it is valid.  What it is dearer than what the bank has
promised is promised first, in a payment of its own: the bank is asked by a task, and until it has
said yes the order stays what it was.  An order keeps every quote that it ever had.
"""

from datetime import datetime
from uuid import UUID, uuid5

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor, Kind
from apps.kernel.money import Money
from apps.orders import charging, verticals
from apps.orders.models import Change, Order
from apps.orders.verticals import OutOfTurn
from apps.payments import operations as payments
from apps.payments.models import Payment
from apps.pricing.models import Quote, VoucherUse
from apps.pricing.operations import QUOTE_LASTS

State = Change.State
# What the books call what a change costs more.
BOOKED_AS = "change"


class PriceGone(Exception):
    """The new price is not there, is not of this order, or is too old."""


class Pending(Exception):
    """Another change of this order waits for the bank."""


@transaction.atomic
def accept(*, ref: UUID, quote_ref: UUID, by: Actor, at: datetime) -> Change:
    """Take the new price in place of the one in force.  Accepting it twice is one change.

    It stands at once if nothing more is to be promised; otherwise when the bank has said yes.
    Raises `OutOfTurn` when the order cannot be changed, or not by them, `PriceGone`, `Pending`,
    and `payments.NoSuchCard` when the card that pays was removed.
    """
    order = Order.objects.locked().select_related("quote", "city", "basket").get(ref=ref)
    if by.kind != Kind.CONSUMER or by.id != str(order.consumer_id):
        raise OutOfTurn(f"{order} is not for {by} to change")
    if before := order.changes.filter(after__ref=quote_ref).first():
        return before
    if not may_change(order):
        raise OutOfTurn(f"no change while {order.stage}")
    if order.changes.filter(state=State.ASKED).exists():
        raise Pending(ref)
    quote = _new_price(order, quote_ref, at)
    number = order.changes.count() + 1
    change = Change(order=order, number=number, before=order.quote, after=quote, asked_at=at)
    _promise(change, by, at)
    change.save()
    bus.publish("orders.change_asked", by=by, at=at, order=order.pk, ref=order.ref, change=number)
    if change.holder is None:
        _apply(change, order, by, at)
    return change


@transaction.atomic
def agree(*, holder: UUID, by: Actor, at: datetime) -> None:
    """The bank has promised what a change costs more: it stands, unless the order has moved on.

    Harmless for what is no change, and when repeated.
    """
    change, order = _asked(holder)
    if change is None or order is None:
        return
    if may_change(order) and at <= change.asked_at + QUOTE_LASTS:
        _apply(change, order, by, at)
    else:
        _end(change, order, State.LAPSED, "too_late", by, at)


@transaction.atomic
def refuse(*, holder: UUID, refusal: str, by: Actor, at: datetime) -> None:
    """The bank refused what a change costs more: the order stays what it was."""
    change, order = _asked(holder)
    if change is not None and order is not None:
        _end(change, order, State.REFUSED, refusal, by, at)


def lapse(order: Order, by: Actor, at: datetime) -> None:
    """End what still waits for the bank, because the locked order ends."""
    for change in order.changes.filter(state=State.ASKED):
        _end(change, order, State.LAPSED, "too_late", by, at)


def may_change(order: Order) -> bool:
    """Whether an order is where its kind of service lets it be changed."""
    # What is paid together with other things was promised for all of them.
    is_alone = order.basket.orders.count() == 1
    if order.stage not in verticals.get(order.vertical).changeable or not is_alone:
        return False
    # For a ride that the city or a voucher pays whole nobody was asked to promise anything.
    return bool(charging.promises(order))


def _new_price(order: Order, quote_ref: UUID, at: datetime) -> Quote:
    quote = Quote.objects.select_related("listing").filter(ref=quote_ref).first()
    # One that was made before another change is for a way that is driven no more.
    if quote is None or quote.replaces_id != order.quote_id:
        raise PriceGone("unknown")
    if quote.expires_at <= at:
        raise PriceGone("expired")
    return quote


def _promise(change: Change, by: Actor, at: datetime) -> None:
    """Have promised what the new price is dearer than the promises; cash is the payer's word."""
    order, total = change.order, change.after.total_minor
    promised = charging.promises(order)
    if promised[0].method == Payment.Method.CASH:
        payments.revise_cash(holder=order.basket.ref, amount_minor=total, by=by, at=at)
        return
    by_voucher = VoucherUse.objects.filter(holder=order.ref).first()
    missing = total - sum(one.amount_minor for one in promised)
    missing -= by_voucher.promised_minor if by_voucher else 0
    if missing <= 0:
        return
    change.holder = uuid5(order.ref, f"change:{change.number}")
    payments.open(
        holder=change.holder,
        payer_id=order.consumer_id,
        card_id=promised[0].card_id,
        amount=payments.chargeable(Money(missing, order.currency)),
        label=f"{order.code} +{change.number}",
        booked_as=BOOKED_AS,
        by=by,
        at=at,
    )


def _asked(holder: UUID) -> tuple[Change | None, Order | None]:
    """A change that waits for the bank, and its order, locked before anybody looks."""
    found = Change.objects.filter(holder=holder).first()
    if found is None:
        return None, None
    order = Order.objects.locked().select_related("quote", "city", "basket").get(pk=found.order_id)
    change = order.changes.select_related("before", "after__listing").get(pk=found.pk)
    return (change, order) if change.state == State.ASKED else (None, None)


def _apply(change: Change, order: Order, by: Actor, at: datetime) -> None:
    order.quote, order.total_minor, order.changed_at = change.after, change.after.total_minor, at
    order.save(update_fields=["quote", "total_minor", "changed_at"])
    change.state, change.answered_at = State.AGREED, at
    change.save(update_fields=["state", "answered_at"])
    verticals.get(order.vertical).changed(order, by, at)
    _tell("orders.changed", change, order, by, at)


def _end(change: Change, order: Order, state: State, reason: str, by: Actor, at: datetime) -> None:
    change.state, change.reason, change.answered_at = state, reason[:50], at
    change.save(update_fields=["state", "reason", "answered_at"])
    if change.holder and state == State.LAPSED:
        payments.cancel(holder=change.holder, by=by, at=at)
    _tell("orders.change_ended", change, order, by, at, reason=change.reason)


def _tell(topic: str, change: Change, order: Order, by: Actor, at: datetime, **more: str) -> None:
    bus.publish(topic, by=by, at=at, order=order.pk, ref=order.ref, change=change.number, **more)
