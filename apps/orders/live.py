"""What somebody who watches an order sees of it, on the socket and on the page alike."""

from datetime import datetime
from typing import Any
from uuid import UUID

from apps.bus import lines
from apps.orders import verticals
from apps.orders.models import Order


def line_of(ref: UUID | str) -> str:
    """The name of an order's line, the group of all who watch it."""
    return f"order-{UUID(str(ref)).hex}"


def tell(ref: UUID | str) -> None:
    """Tell all who watch that the order has changed."""
    lines.ring(line_of(ref), type="changed")


def state_of(order: Order, at: datetime) -> dict[str, Any]:
    """The order as its consumer sees it now: the same for every vertical, and what it adds."""
    vertical = verticals.get(order.vertical)
    return {
        "ref": str(order.ref),
        "code": order.code,
        "state": order.state,
        "stage": order.stage,
        "says": str(vertical.stages.get(order.stage, order.stage)),
        "total_minor": order.total_minor,
        "charged_minor": order.charged_minor,
        "currency": order.currency,
        "at": at.isoformat(),
        **vertical.live(order, at),
    }
