from typing import Any

from django import template

from apps.kernel import clock
from apps.orders.models import Order
from apps.parties.models import User
from apps.reviews.models import Review
from apps.reviews.operations import BLIND_FOR

register = template.Library()


@register.simple_tag
def my_review(order: Order, user: User) -> dict[str, Any]:
    """What this person has said of an order, and whether the time for it is over."""
    is_over = order.ended_at is not None and clock.now() > order.ended_at + BLIND_FOR
    return {"review": Review.objects.filter(order=order, author=user).first(), "is_over": is_over}
