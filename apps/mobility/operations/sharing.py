"""Letting somebody watch a ride: a link that ends with it."""

import secrets
from datetime import datetime, timedelta

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.mobility.models import ShareLink
from apps.orders.models import Order
from apps.parties.queries import digest_of

# However long a ride takes, a link that was forgotten does not outlive this.
SHARED_FOR = timedelta(hours=12)


class RideOver(Exception):
    """The ride has ended: there is nothing left to watch."""


@transaction.atomic
def share_ride(*, order_id: int, by: Actor, at: datetime) -> tuple[ShareLink, str]:
    """Make the link to a ride, and return it with its token, which is shown this once.

    A ride has one link: making it again takes the one before back, so that pressing twice
    leaves exactly the link that was shown last.  Raises `RideOver`.
    """
    order = Order.objects.locked().get(pk=order_id)
    if not order.is_live:
        raise RideOver
    order.share_links.kept().update(revoked_at=at)
    token = secrets.token_urlsafe(32)
    link = ShareLink.objects.create(
        order=order, digest=digest_of(token), made_at=at, expires_at=at + SHARED_FOR
    )
    bus.publish("mobility.ride_shared", by=by, at=at, ref=order.ref, link=link.pk)
    return link, token


@transaction.atomic
def stop_sharing(*, order_id: int, by: Actor, at: datetime) -> None:
    """Take the link to a ride back.  Twice, or without one, is harmless."""
    order = Order.objects.locked().get(pk=order_id)
    if order.share_links.kept().update(revoked_at=at):
        bus.publish("mobility.sharing_stopped", by=by, at=at, ref=order.ref)
