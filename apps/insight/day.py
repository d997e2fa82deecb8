"""One day of a city's rides: what was asked, what was served, how long people waited."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from statistics import median
from typing import Self

from django.db.models import Max, Min, Q

from apps.orders.models import Order
from apps.places.geometry import Point
from apps.places.models import City, Zone

# Fewer than so many are not shown: a median of two is nobody's wait.
FEWEST = 5
# The kind of ride that takes a wheelchair.
STEP_FREE = "accessible"


@dataclass(frozen=True, slots=True)
class Waits:
    """How long people waited for the car, in seconds, as far as enough of them waited."""

    count: int
    median: float | None
    p90: float | None

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Self:
        """p90 is the nearest-rank percentile: nine in ten waited no longer than that."""
        ranked = sorted(seconds)
        if len(ranked) < FEWEST:
            return cls(len(ranked), None, None)
        return cls(len(ranked), median(ranked), ranked[ceil(0.9 * len(ranked)) - 1])


@dataclass(frozen=True, slots=True)
class Asked:
    """One ride that somebody asked for."""

    order: int
    placed_at: datetime
    pickup: Point | None
    is_step_free: bool
    # The bank's yes to the car at the kerb, in seconds; None if no car came.
    waited: float | None
    is_unserved: bool
    has_worker: bool


@dataclass(frozen=True, slots=True)
class Hour:
    hour: int
    asked: int
    served: int
    waits: Waits
    is_open: bool


@dataclass(frozen=True, slots=True)
class Area:
    """A district, its waits, and the orders they are of."""

    name: str
    slug: str
    waits: Waits
    orders: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Service:
    """Of the searches that ended, how many found a driver.  Riders who changed their mind, and
    searches under way, count on neither side."""

    found: int
    ended: int

    @property
    def rate(self) -> int | None:
        """In percent."""
        return round(100 * self.found / self.ended) if self.ended >= FEWEST else None


def start(city: City, at: datetime) -> datetime:
    """Midnight by the city's clock."""
    return city.now(at).replace(hour=0, minute=0, second=0, microsecond=0)


def rides(city: City, *, since: datetime, until: datetime) -> list[Asked]:
    """Every ride asked for between two moments."""
    rows = (
        Order.objects.filter(
            city=city, vertical="mobility", placed_at__gte=since, placed_at__lte=until
        )
        .annotate(
            asked=Min("steps__taken_at", filter=Q(steps__name="authorise")),
            came=Max("steps__taken_at", filter=Q(steps__name="arrive")),
        )
        .order_by("placed_at", "pk")
        .values_list(
            "pk", "placed_at", "stage", "worker", "listing__kind", "asked", "came",
            "ride__pickup_lat", "ride__pickup_lon",
        )
    )  # fmt: skip
    return [
        Asked(
            order=order,
            placed_at=placed_at,
            pickup=None if lat is None else Point(lat, lon),
            is_step_free=kind == STEP_FREE,
            waited=(came - asked).total_seconds() if asked and came else None,
            is_unserved=stage == "unserved",
            has_worker=worker is not None,
        )
        for order, placed_at, stage, worker, kind, asked, came, lat, lon in rows
    ]


def waits(asked: Iterable[Asked]) -> Waits:
    return Waits.of(one.waited for one in asked if one.waited is not None)


def service(asked: Iterable[Asked]) -> Service:
    ended = [one for one in asked if one.has_worker or one.is_unserved]
    return Service(sum(one.has_worker for one in ended), len(ended))


def by_hour(city: City, asked: list[Asked], at: datetime) -> list[Hour]:
    """The hours of the day so far; the last is still open."""
    last = city.now(at).hour
    in_hour: dict[int, list[Asked]] = {hour: [] for hour in range(last + 1)}
    for one in asked:
        in_hour[min(city.now(one.placed_at).hour, last)].append(one)
    return [
        Hour(
            hour=hour,
            asked=len(some),
            served=sum(one.waited is not None for one in some),
            waits=waits(some),
            is_open=hour == last,
        )
        for hour, some in in_hour.items()
    ]


def by_district(city: City, asked: list[Asked]) -> list[Area]:
    """The waits in each district where a ride began, by name; those in none are left out."""
    districts = list(Zone.objects.filter(city=city, kind=Zone.Kind.DISTRICT).order_by("name", "pk"))
    waited: dict[int, list[Asked]] = {zone.pk: [] for zone in districts}
    for one in asked:
        if one.waited is None or one.pickup is None:
            continue
        for zone in districts:
            if zone.contains(one.pickup):
                waited[zone.pk].append(one)
                break
    return [
        Area(zone.name, zone.slug, waits(waited[zone.pk]), [one.order for one in waited[zone.pk]])
        for zone in districts
    ]
