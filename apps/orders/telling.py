"""What the consumer of an order is told of its money."""

from datetime import datetime

from django.urls import reverse

from apps.kernel.actors import Actor
from apps.notifications import operations as notifications
from apps.notifications import words
from apps.notifications.models import Notice
from apps.orders import verticals
from apps.orders.models import Order
from apps.payments.models import Payment


def ask_to_confirm(order: Order, *, by: Actor, at: datetime) -> None:
    """Tell the consumer, wherever they are, that their bank waits for them, and not for long."""
    notifications.notify(
        to=order.consumer_id,
        kind="confirm_payment",
        about=f"order:{order.ref}",
        link=reverse(verticals.get(order.vertical).page, args=[order.ref]),
        context={
            "sum": words.money(order.total),
            "summary": verticals.get(order.vertical).summary(order),
        },
        by=by,
        at=at,
    )


def tell_that_the_hold_ends(*, payment_id: int, by: Actor, at: datetime) -> None:
    """Tell the consumer that their bank keeps the sum of an order no longer than until a day."""
    payment = Payment.objects.get(pk=payment_id)
    if payment.holds_until is None:
        return
    for order in Order.objects.filter(basket__ref=payment.holder).select_related("ride", "city"):
        notifications.notify(
            to=order.consumer_id,
            kind="hold_ends",
            about=f"order:{order.ref}",
            link=reverse(verticals.get(order.vertical).page, args=[order.ref]),
            context={
                "sum": words.money(order.total),
                "summary": verticals.get(order.vertical).summary(order),
                "day": words.day(payment.holds_until.astimezone(order.city.zone_info).date()),
            },
            by=by,
            at=at,
        )


def tell_payer(*, topic: str, payment_id: int, by: Actor, at: datetime) -> None:
    """Look at how the payment of a whole order stands, and tell its consumer what is new in it.

    A tip has a payment of its own and no order under it: whoever gives one sees it at once.
    """
    payment = Payment.objects.get(pk=payment_id)
    for order in Order.objects.filter(basket__ref=payment.holder).select_related("ride", "city"):
        kind = _kind(topic, order)
        if kind is None:
            continue
        notifications.notify(
            to=order.consumer_id,
            kind=kind,
            about=f"order:{order.ref}",
            link=reverse("orders:receipt", args=[order.ref]),
            context={
                "sum": words.money(order.charged or order.total),
                "summary": verticals.get(order.vertical).summary(order),
            },
            by=by,
            at=at,
        )


def _kind(topic: str, order: Order) -> str | None:
    owed = Notice.objects.filter(
        user=order.consumer_id, kind="cash_owed", about=f"order:{order.ref}"
    ).exists()
    match topic:
        case "payments.unpaid":
            return "cash_owed"
        case "payments.captured" if not owed:
            return "receipt_ready"
    return "cash_settled" if owed else None
