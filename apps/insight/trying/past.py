"""What was ordered and what was shown a price, in the order of time; streamed, never in memory."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from apps.orders.models import Order
from apps.places.geometry import Point
from apps.places.models import City
from apps.pricing.models import Payee, Quote
from apps.regulation.rules import WHOLE, Act, Case

VERTICAL = "mobility"
PAYEES = tuple(Payee.values)
# So many rows are asked of the database at a time, and progress is told as often.
BATCH = 2_000

# A way on the map is long, and nothing is asked of it.
ORDERS = """
SELECT o.id, o.ref, o.state, o.stage, o.charged_minor, o.placed_at, o.ended_at,
       q.quoted_at, q.request - ARRAY['line', 'legs', 'turns'], q.lines,
       l.id, l.kind, l.provider_id,
       j.assigned_at, j.released_at, s.asked, s.came
FROM orders_order o
JOIN pricing_quote q ON q.id = o.quote_id
JOIN listings_listing l ON l.id = o.listing_id
LEFT JOIN dispatch_job j ON j.holder = o.ref
LEFT JOIN LATERAL (
    SELECT min(taken_at) FILTER (WHERE name = 'authorise') AS asked,
           max(taken_at) FILTER (WHERE name = 'arrive') AS came
    FROM orders_step WHERE order_id = o.id
) s ON true
WHERE o.city_id = %(city)s AND o.vertical = %(vertical)s
  AND o.placed_at >= %(since)s AND o.placed_at < %(until)s
ORDER BY o.placed_at, o.id
"""

QUOTES = """
SELECT q.quoted_at, q.request - ARRAY['line', 'legs', 'turns'], l.id, l.kind, l.provider_id
FROM pricing_quote q
JOIN listings_listing l ON l.id = q.listing_id
WHERE l.city_id = %(city)s AND l.vertical = %(vertical)s
  AND q.quoted_at >= %(since)s AND q.quoted_at < %(until)s
  AND q.replaces_id IS NULL AND NOT EXISTS (SELECT FROM orders_order o WHERE o.quote_id = q.id)
ORDER BY q.quoted_at, q.id
"""


@dataclass(slots=True)
class Shown:
    """A price that somebody was shown."""

    city_id: int
    quoted_at: datetime
    request: dict[str, Any]
    listing_id: int
    kind: str
    provider_id: int

    def moment(self, at: datetime) -> datetime:
        """When it was to take place: the hour ordered for, or `at`."""
        later = self.request.get("pickup_at")
        return datetime.fromisoformat(later) if later else at

    @property
    def points(self) -> dict[str, Point]:
        ends = ((end, self.request[end]) for end in ("pickup", "dropoff"))
        return {end: Point(place["lat"], place["lon"]) for end, place in ends}

    def case(self, act: Act, moment: datetime) -> Case:
        """As the city was asked about it; the ends are told as zones, beside it."""
        return Case(
            act=act,
            city_id=self.city_id,
            vertical=VERTICAL,
            provider_id=self.provider_id,
            moment=moment,
            kind=self.kind,
            who={"listing": self.listing_id},
            counts={"rides": 1},
            facts={"metres": self.request["metres"], "seconds": self.request["seconds"]},
        )


@dataclass(slots=True)
class Ordered(Shown):
    """An order, its price as it was frozen, and what came of it."""

    pk: int
    ref: UUID
    is_done: bool
    is_cancelled: bool
    is_unserved: bool
    charged: int
    placed_at: datetime
    ended_at: datetime | None
    lines: list[dict[str, Any]]
    assigned_at: datetime | None
    released_at: datetime | None
    waited: float | None

    @property
    def parts(self) -> dict[str, int]:
        """Who got how much of it: of its price when it was done, of the fee if it was called off.

        A fee for a ride called off goes to the driver.
        """
        parts = dict.fromkeys(PAYEES, 0)
        if self.is_done:
            for line in self.lines:
                parts[line["to"]] += line["amount"]
        else:
            parts[Payee.PROVIDER] = self.charged
        return parts

    @property
    def demand_bp(self) -> int:
        """How far demand lifted the fare, as far as its lines say."""
        surges = (line["rate"] for line in self.lines if line["code"] == "surge")
        return next(surges, WHOLE)

    @property
    def is_capped(self) -> bool:
        """Whether a rule held demand down, so that nobody knows how far it would have gone."""
        return any(line["code"] == "surge" and line.get("rule") for line in self.lines)


def orders(city: City, since: datetime, until: datetime) -> Iterator[tuple[bytes, Ordered]]:
    """Every ride ordered between two moments, with the bytes that a digest is made of."""
    for row in _rows(ORDERS, city, since, until):
        (
            pk, ref, state, stage, charged, placed_at, ended_at, quoted_at, request, lines,
            listing_id, kind, provider_id, assigned_at, released_at, asked, came,
        ) = row  # fmt: skip
        yield (
            repr(row).encode(),
            Ordered(
                city_id=city.pk,
                quoted_at=quoted_at,
                request=json.loads(request),
                listing_id=listing_id,
                kind=kind,
                provider_id=provider_id,
                pk=pk,
                ref=ref,
                is_done=state == "COMPLETED",
                is_cancelled=state == "CANCELLED",
                is_unserved=stage == "unserved",
                charged=charged or 0,
                placed_at=placed_at,
                ended_at=ended_at,
                lines=json.loads(lines),
                assigned_at=assigned_at,
                released_at=released_at,
                waited=(came - asked).total_seconds() if asked and came else None,
            ),
        )


def quotes(city: City, since: datetime, until: datetime) -> Iterator[tuple[bytes, Shown]]:
    """Every price shown between two moments that nobody ordered by."""
    for row in _rows(QUOTES, city, since, until):
        quoted_at, request, listing_id, kind, provider_id = row
        yield (
            repr(row).encode(),
            Shown(city.pk, quoted_at, json.loads(request), listing_id, kind, provider_id),
        )


def count(city: City, since: datetime, until: datetime, *, with_quotes: bool) -> int:
    """How many rows there are to go through."""
    placed = Order.objects.filter(
        city=city, vertical=VERTICAL, placed_at__gte=since, placed_at__lt=until
    )
    if not with_quotes:
        return placed.count()
    shown = Quote.objects.filter(
        listing__city=city,
        listing__vertical=VERTICAL,
        quoted_at__gte=since,
        quoted_at__lt=until,
        replaces=None,
        order=None,
    )
    return placed.count() + shown.count()


def _rows(sql: str, city: City, since: datetime, until: datetime) -> Iterator[tuple[Any, ...]]:
    """Through a cursor of the server: nothing is held but a batch."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, _told(city, since, until))
        while batch := cursor.fetchmany(BATCH):
            yield from batch


def _told(city: City, since: datetime, until: datetime) -> dict[str, Any]:
    return {"city": city.pk, "vertical": VERTICAL, "since": since, "until": until}
