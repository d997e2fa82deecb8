"""Reviews: what both sides of an order say of each other, blind until both have spoken."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from apps.bus import operations as bus
from apps.kernel.actors import Actor, Kind
from apps.orders.models import Order
from apps.reviews.models import Review

BLIND_FOR = timedelta(days=14)


class NotYours(Exception):
    """Only the two sides of an order may review it."""


class NotYet(Exception):
    """The order is not done; there is nothing to review."""


class TooLate(Exception):
    """The fourteen days for it are over."""


@transaction.atomic
def write(
    *, order_id: int, author_id: int, stars: int, text: str, by: Actor, at: datetime
) -> Review:
    """Say how it was, from one star to five.

    Writing again before the other side has written changes what was said; after both are in,
    it stands.  Raises `NotYours`, `NotYet`, `TooLate`, or `ValueError` for stars out of range.
    """
    if not 1 <= stars <= 5:
        raise ValueError(f"{stars} stars: from one to five")
    order = Order.objects.locked().select_related("worker").get(pk=order_id)
    worker_id = order.worker.user_id if order.worker else None
    if author_id == order.consumer_id:
        side, about_id = Review.Side.CONSUMER, worker_id
    elif author_id == worker_id:
        side, about_id = Review.Side.PROVIDER, order.consumer_id
    else:
        raise NotYours
    if order.state != Order.State.COMPLETED or order.ended_at is None or about_id is None:
        raise NotYet
    if at > order.ended_at + BLIND_FOR:
        raise TooLate
    said = {"author_id": author_id, "about_id": about_id, "stars": stars, "text": text.strip()}
    review, is_new = Review.objects.get_or_create(
        order=order, side=side, defaults={**said, "written_at": at}
    )
    if not is_new and review.shown_at is None:
        Review.objects.filter(pk=review.pk).update(**said, written_at=at)
        review.refresh_from_db()
    if is_new:
        bus.publish("reviews.written", by=by, at=at, review=review.pk, order=order.pk)
    both = Review.objects.filter(order=order, shown_at__isnull=True)
    if Review.objects.filter(order=order).count() == len(Review.Side):
        both.update(shown_at=at)
        review.refresh_from_db()
    return review


@transaction.atomic
def show_due(*, at: datetime) -> int:
    """Show every review whose fourteen days are over.  Return how many."""
    due = Review.objects.filter(Q(shown_at__isnull=True) & Q(order__ended_at__lte=at - BLIND_FOR))
    shown = due.update(shown_at=at)
    if shown:
        bus.publish("reviews.shown", by=Actor(Kind.SYSTEM, "reviews"), at=at, count=shown)
    return shown
