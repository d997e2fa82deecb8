"""Listings: what providers offer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.listings.models import Listing


class NoSuchListing(Exception):
    """There is no listing of this number."""


@transaction.atomic
def draft(
    *,
    provider_id: int,
    city_id: int,
    vertical: str,
    kind: str,
    title: str,
    description: str = "",
    facets: Mapping[str, Any] | None = None,
    position: int = 0,
    ref: UUID | None = None,
    by: Actor,
    at: datetime,
) -> Listing:
    """Write down something that a provider means to offer.  Nobody sees it yet.

    With the same `ref` it is the same listing: the first draft is returned unchanged.
    """
    listing, is_new = Listing.objects.get_or_create(
        ref=ref or uuid4(),
        defaults={
            "provider_id": provider_id,
            "city_id": city_id,
            "vertical": vertical,
            "kind": kind,
            "title": title,
            "description": description,
            "facets": dict(facets or {}),
            "position": position,
        },
    )
    if is_new:
        bus.publish("listings.drafted", by=by, at=at, listing=listing.pk)
    return listing


@transaction.atomic
def put_on_offer(*, listing_id: int, by: Actor, at: datetime) -> None:
    """Show a draft or paused listing to everybody.  Raises `NoSuchListing`."""
    _move(listing_id, Listing.State.LIVE, "listings.put_on_offer", by, at)


@transaction.atomic
def pause(*, listing_id: int, by: Actor, at: datetime) -> None:
    """Take a listing off the shelf; what was ordered stays ordered.  Raises `NoSuchListing`."""
    _move(listing_id, Listing.State.PAUSED, "listings.paused", by, at)


def _move(listing_id: int, to: Listing.State, topic: str, by: Actor, at: datetime) -> None:
    if Listing.objects.filter(pk=listing_id).exclude(state=to).update(state=to):
        bus.publish(topic, by=by, at=at, listing=listing_id)
    elif not Listing.objects.filter(pk=listing_id).exists():
        raise NoSuchListing(str(listing_id))
