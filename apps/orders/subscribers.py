from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.orders import changes, live, operations, telling, verticals
from apps.orders.models import Order

ORDERS = Actor.system("orders")


@bus.subscribe("payments.authorised")
@bus.subscribe("orders.nothing_to_pay")
def go_ahead(*, holder: str, at: datetime, **_: Any) -> None:
    for order in _waiting(holder):
        step = verticals.get(order.vertical).goes_on(order)
        operations.advance(order_id=order.pk, step=step, by=ORDERS, at=at)


@bus.subscribe("payments.refused")
def call_off(*, holder: str, at: datetime, refusal: str = "", **_: Any) -> None:
    for order in _waiting(holder):
        data = {"reason": refusal}
        operations.advance(order_id=order.pk, step="refuse", by=ORDERS, at=at, data=data)


@bus.subscribe("payments.confirm_wanted")
def ask_to_confirm(*, holder: str, at: datetime, **_: Any) -> None:
    """The bank wants to hear from the consumer: the order waits, and they are told."""
    for order in _waiting(holder):
        telling.ask_to_confirm(order, by=ORDERS, at=at)
        live.tell(order.ref)


@bus.subscribe("payments.authorised")
def agree_to_change(*, holder: str, at: datetime, **_: Any) -> None:
    changes.agree(holder=UUID(holder), by=ORDERS, at=at)


@bus.subscribe("payments.refused")
def refuse_change(*, holder: str, at: datetime, refusal: str = "", **_: Any) -> None:
    changes.refuse(holder=UUID(holder), refusal=refusal, by=ORDERS, at=at)


@bus.subscribe("payments.renewal_refused")
def tell_that_the_hold_ends(*, payment: int, at: datetime, **_: Any) -> None:
    telling.tell_that_the_hold_ends(payment_id=payment, by=ORDERS, at=at)


def _waiting(holder: str) -> Iterable[Order]:
    # A consumer who cancelled meanwhile was faster than the bank, and that is all right.
    return Order.objects.filter(basket__ref=holder, state=Order.State.PLACED).order_by("pk")


@bus.subscribe("payments.captured")
@bus.subscribe("payments.unpaid")
@bus.subscribe("payments.let_go")
def tell_what_was_paid(*, topic: str, payment: int, at: datetime, **_: Any) -> None:
    """The consumer hears what was taken, what is owed, and that nothing is owed any more."""
    telling.tell_payer(topic=topic, payment_id=payment, by=ORDERS, at=at)


@bus.subscribe("orders.placed")
@bus.subscribe("orders.authorised")
@bus.subscribe("orders.confirmed")
@bus.subscribe("orders.started")
@bus.subscribe("orders.completed")
@bus.subscribe("orders.cancelled")
@bus.subscribe("orders.stepped")
@bus.subscribe("orders.change_asked")
@bus.subscribe("orders.changed")
@bus.subscribe("orders.change_ended")
def tell_who_watches(*, ref: str, **_: Any) -> None:
    live.tell(ref)
