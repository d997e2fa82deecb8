"""What the city shows everybody of itself, and keeps for a few seconds.

A thousand watchers cost what one does: whoever finds the picture too old draws it anew, and
meanwhile the others are shown the old one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from django.core.cache import cache

from apps.dispatch.models import Job, Position, Shift
from apps.dispatch.queries import FRESH_FOR
from apps.insight import crowds, day
from apps.insight.crowds import Crowd
from apps.insight.day import Area, Hour, Service, Waits
from apps.places.geometry import Point, metres_between
from apps.places.models import City, Place
from apps.pricing.models import Tariff

MOVES_SECONDS = 4
DAY_SECONDS = 30
# A picture that nobody drew anew for so long is not shown any more.
KEPT_SECONDS = 120
# Further off, a landmark does not say where a cell is.
CLOSE_METRES = 1_500


@dataclass(frozen=True, slots=True)
class Moving:
    """Cars on line and open requests, as crowds."""

    at: datetime
    cars: Crowd
    requests: Crowd


@dataclass(frozen=True, slots=True)
class Today:
    """The day so far."""

    at: datetime
    asked: int
    served: int
    service: Service
    waits: Waits
    step_free: Waits
    hours: list[Hour]
    districts: list[Area]
    tariffs: list[Tariff]


def moving(city: City, *, at: datetime) -> Moving:
    return _kept(f"insight.moving.{city.pk}", MOVES_SECONDS, at, lambda: _moving(city, at))


def today(city: City, *, at: datetime) -> Today:
    return _kept(f"insight.today.{city.pk}", DAY_SECONDS, at, lambda: _today(city, at))


def _moving(city: City, at: datetime) -> Moving:
    on_line = Shift.objects.on_line(at).filter(city=city).values("worker")
    seen = Position.objects.filter(worker__in=on_line, seen_at__gte=at - FRESH_FOR)
    waiting = Job.objects.searching().filter(city=city)
    cars = crowds.gather(Point(*place) for place in seen.values_list("lat", "lon"))
    requests = crowds.gather(
        Point(*place) for place in waiting.values_list("pickup_lat", "pickup_lon")
    )
    landmarks = [
        (Point(lat, lon), name)
        for name, lat, lon in Place.objects.filter(city=city, kind=Place.Kind.LANDMARK).values_list(
            "name", "lat", "lon"
        )
    ]
    return Moving(at, _named(cars, landmarks), _named(requests, landmarks))


def _named(crowd: Crowd, landmarks: list[tuple[Point, str]]) -> Crowd:
    """Call the cells by the landmarks nearest to their middles: the cell's, not anybody's place."""

    def near(centre: Point) -> str:
        metres, name = min(
            ((metres_between(centre, place), name) for place, name in landmarks),
            default=(math.inf, ""),
        )
        return name if metres <= CLOSE_METRES else ""

    return replace(
        crowd, cells=tuple(replace(cell, near=near(cell.centre)) for cell in crowd.cells)
    )


def _today(city: City, at: datetime) -> Today:
    asked = day.rides(city, since=day.start(city, at), until=at)
    return Today(
        at=at,
        asked=len(asked),
        served=sum(one.waited is not None for one in asked),
        service=day.service(asked),
        waits=day.waits(asked),
        step_free=day.waits(one for one in asked if one.is_step_free),
        hours=day.by_hour(city, asked, at),
        districts=day.by_district(city, asked),
        tariffs=list(
            Tariff.objects.filter(city=city, vertical="mobility", valid__contains=at).order_by("pk")
        ),
    )


def _kept[Picture: (Moving, Today)](
    key: str, seconds: int, at: datetime, draw: Callable[[], Picture]
) -> Picture:
    old: Picture | None = cache.get(key)
    if old is not None:
        # Whoever adds the mark is the one who draws.
        fresh = (at - old.at).total_seconds() < seconds
        if fresh or not cache.add(f"{key}.drawn", True, seconds):
            return old
    new = draw()
    cache.set(key, new, KEPT_SECONDS)
    return new
