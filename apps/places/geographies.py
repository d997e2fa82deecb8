"""Every edge that the city and its zones have or had, each under a number that never changes.

Others build on them: a rule that names an edge must find the same edge tomorrow.  So an edge that
is drawn anew gets a new number, and the old one stays to be read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from apps.places.models import City, PastEdge, Zone

# The names of edges are made from it; another value would rename them all.
NAMESPACE = UUID("0f5a3a52-86ad-4f0d-9d0a-6f1d1c6b7a41")


@dataclass(frozen=True, slots=True)
class Geography:
    """An edge from the moment it was drawn; `slug` and `kind` are empty for the city's own."""

    ref: UUID
    slug: str
    name: str
    kind: str
    boundary: dict[str, Any]
    drawn_at: datetime
    retired_at: datetime | None = None
    replaces: UUID | None = None


def ref_of(city_slug: str, slug: str, drawn_at: datetime) -> UUID:
    """The number of an edge: of what, and since when."""
    return uuid5(NAMESPACE, f"{city_slug}/{slug}/{drawn_at.isoformat()}")


def current(city: City) -> list[Geography]:
    """The edges as they are drawn now: the city's first, then its zones by slug."""
    return [one for one in every(city) if one.retired_at is None]


def refs(city: City) -> dict[str, UUID]:
    """The numbers of the edges as they are drawn now, by slug; "" is the city's own."""
    drawn = Zone.objects.filter(city=city).order_by("slug").values_list("slug", "drawn_at")
    return {slug: ref_of(city.slug, slug, at) for slug, at in [("", city.drawn_at), *drawn]}


def every(city: City) -> list[Geography]:
    """All edges: of each the past ones in their order, then the present one."""
    past: dict[str, list[PastEdge]] = {}
    for edge in PastEdge.objects.filter(city=city).order_by("drawn_at", "pk"):
        past.setdefault(edge.slug, []).append(edge)
    found = _history(city, city, "", "", past.get("", ()))
    for zone in Zone.objects.filter(city=city).order_by("slug"):
        found += _history(city, zone, zone.slug, zone.kind, past.get(zone.slug, ()))
    return found


def _history(
    city: City, now: City | Zone, slug: str, kind: str, past: Iterable[PastEdge]
) -> list[Geography]:
    """Its past edges, each replaced by the next, and the one that it has now."""
    edges: list[tuple[PastEdge | City | Zone, datetime | None]] = [
        *((edge, edge.retired_at) for edge in past),
        (now, None),
    ]
    found: list[Geography] = []
    for edge, retired_at in edges:
        found.append(
            Geography(
                ref=ref_of(city.slug, slug, edge.drawn_at),
                slug=slug,
                name=edge.name,
                kind=kind,
                boundary=edge.boundary,
                drawn_at=edge.drawn_at,
                retired_at=retired_at,
                replaces=found[-1].ref if found else None,
            )
        )
    return found


def last_drawn(city: City) -> datetime:
    """When an edge was last drawn."""
    zones = Zone.objects.filter(city=city).values_list("drawn_at", flat=True)
    return max([city.drawn_at, *zones])
