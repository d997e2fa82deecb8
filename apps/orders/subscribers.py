from datetime import datetime
from typing import Any

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.orders import live, operations
from apps.orders.models import Order

ORDERS = Actor.system("orders")


@bus.subscribe("payments.authorised")
def go_ahead(*, holder: str, at: datetime, **_: Any) -> None:
    _step("authorise", holder, at)


@bus.subscribe("payments.refused")
def call_off(*, holder: str, at: datetime, refusal: str = "", **_: Any) -> None:
    _step("refuse", holder, at, reason=refusal)


def _step(step: str, holder: str, at: datetime, **data: str) -> None:
    # A consumer who cancelled meanwhile was faster than the bank, and that is all right.
    waiting = Order.objects.filter(basket__ref=holder, state=Order.State.PLACED)
    for order_id in waiting.order_by("pk").values_list("pk", flat=True):
        operations.advance(order_id=order_id, step=step, by=ORDERS, at=at, data=data)


@bus.subscribe("orders.placed")
@bus.subscribe("orders.authorised")
@bus.subscribe("orders.confirmed")
@bus.subscribe("orders.started")
@bus.subscribe("orders.completed")
@bus.subscribe("orders.cancelled")
@bus.subscribe("orders.stepped")
def tell_who_watches(*, ref: str, **_: Any) -> None:
    live.tell(ref)
