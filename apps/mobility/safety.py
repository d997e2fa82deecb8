"""What is unusual about a ride under way.  Arithmetic only: no table, no clock.

Each question has a figure of the city's (`SafetyRules`) and an answer in figures, which is kept
with the check, so that an officer sees what was measured and against what.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import shapely

from apps.mobility.models import SafetyCheck, SafetyRules
from apps.places.geometry import EARTH_RADIUS_METRES, Point, metres_between

OFF_WAY, STILL, LATE, SILENT = SafetyCheck.Kind

# A degree of latitude, in metres.
DEGREE = math.radians(EARTH_RADIUS_METRES)


@dataclass(frozen=True, slots=True)
class Moment:
    """Where the car was, and when."""

    point: Point
    at: datetime


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A ride with the rider aboard: the planned way, where it may stand, what was promised.

    `way` is empty where no streets were known: a straight line is no way to be off.  `trail` is in
    order and reaches back as far as the rules ask; `heard_at` is the car's last word.
    """

    way: Sequence[Sequence[float]]
    stops: Sequence[Point]
    boarded_at: datetime
    seconds: int
    trail: Sequence[Moment]
    heard_at: datetime


type Facts = dict[str, int]


def unusual(ride: UnderWay, rules: SafetyRules, at: datetime) -> dict[SafetyCheck.Kind, Facts]:
    """Return what is unusual about a ride at a moment, with what was measured."""
    measured = {
        OFF_WAY: _off_way(ride, rules),
        STILL: _still(ride, rules),
        LATE: _late(ride, rules, at),
        SILENT: _silent(ride, rules, at),
    }
    return {kind: facts for kind, facts in measured.items() if facts is not None}


def metres_off(way: Sequence[Sequence[float]]) -> Callable[[Point], float]:
    """Return how to measure the metres from a point to a way of [lon, lat] pairs.

    On a plane that touches the city there: true to 0.1 % over the length of a ride.
    """
    narrow = math.cos(math.radians(way[0][1]))
    line = shapely.LineString([(lon * narrow, lat) for lon, lat, *_ in way])

    def measure(point: Point) -> float:
        return float(line.distance(shapely.Point(point.lon * narrow, point.lat))) * DEGREE

    return measure


def _off_way(ride: UnderWay, rules: SafetyRules) -> Facts | None:
    if len(ride.way) < 2 or not ride.trail:
        return None
    off = metres_off(ride.way)
    seconds = _seconds(_latest(ride.trail, lambda one: off(one.point) > rules.off_way_metres))
    if seconds < rules.off_way_seconds:
        return None
    return {"metres": round(off(ride.trail[-1].point)), "seconds": seconds}


def _still(ride: UnderWay, rules: SafetyRules) -> Facts | None:
    if not ride.trail:
        return None
    here = ride.trail[-1].point
    if any(metres_between(here, stop) <= rules.still_metres for stop in ride.stops):
        return None
    near = _latest(ride.trail, lambda one: metres_between(one.point, here) <= rules.still_metres)
    seconds = _seconds(near)
    return {"seconds": seconds} if seconds >= rules.still_seconds else None


def _late(ride: UnderWay, rules: SafetyRules, at: datetime) -> Facts | None:
    taken = int((at - ride.boarded_at).total_seconds())
    longest = ride.seconds + max(rules.late_seconds, ride.seconds * rules.late_percent // 100)
    return {"seconds": taken, "promised": ride.seconds} if taken >= longest else None


def _silent(ride: UnderWay, rules: SafetyRules, at: datetime) -> Facts | None:
    seconds = int((at - ride.heard_at).total_seconds())
    return {"seconds": seconds} if seconds >= rules.silent_seconds else None


def _latest(trail: Sequence[Moment], holds: Callable[[Moment], bool]) -> list[Moment]:
    """The latest stretch of a trail for which something holds, the newest moment first."""

    def stretch() -> Iterator[Moment]:
        for moment in reversed(trail):
            if not holds(moment):
                return
            yield moment

    return list(stretch())


def _seconds(stretch: Sequence[Moment]) -> int:
    return int((stretch[0].at - stretch[-1].at).total_seconds()) if stretch else 0
