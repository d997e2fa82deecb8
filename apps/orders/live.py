"""What somebody who watches an order sees of it, on the socket and on the page alike."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.bus import lines
from apps.orders import verticals
from apps.orders.models import Order
from apps.payments.queries import to_confirm

REFUSED = "refused"
# Why the money was not promised, when it was for the consumer to say something to their bank.
NOT_CONFIRMED = {
    "unconfirmed": _("The payment was not confirmed in time"),
    "rejected": _("The payment was not confirmed at your bank"),
}


def line_of(ref: UUID | str) -> str:
    """The name of an order's line, the group of all who watch it."""
    return f"order-{UUID(str(ref)).hex}"


def tell(ref: UUID | str) -> None:
    """Tell all who watch that the order has changed."""
    lines.ring(line_of(ref), type="changed")


def says(order: Order) -> str | Promise:
    """How far an order has come, in words: the vertical's own, or what the bank waits for."""
    if to_be_confirmed(order):
        return _("Your bank wants to hear from you")
    if order.stage == REFUSED and order.reason in NOT_CONFIRMED:
        return NOT_CONFIRMED[order.reason]
    return verticals.get(order.vertical).stages.get(order.stage, order.stage)


def to_be_confirmed(order: Order) -> dict[str, Any] | None:
    """The bank's page on which the consumer is to confirm the payment, and until when; or None."""
    payment = to_confirm(order.basket.ref) if order.stage == verticals.PAYING else None
    if payment is None or payment.confirm_by is None:
        return None
    return {"page": payment.confirm_page, "until": payment.confirm_by.isoformat()}


def state_of(order: Order, at: datetime) -> dict[str, Any]:
    """The order as its consumer sees it now: the same for every vertical, and what it adds."""
    vertical = verticals.get(order.vertical)
    return {
        "ref": str(order.ref),
        "code": order.code,
        "state": order.state,
        "stage": order.stage,
        "says": str(says(order)),
        "total_minor": order.total_minor,
        "charged_minor": order.charged_minor,
        "currency": order.currency,
        "confirm": to_be_confirmed(order),
        "at": at.isoformat(),
        **vertical.live(order, at),
    }
