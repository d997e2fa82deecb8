"""Who is on the line, where they are, and how soon somebody could be there."""

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Exists, F, OuterRef

from apps.dispatch.hours import DAY, Stretch
from apps.dispatch.models import Job, Offer, Position, Run, Shift, ShiftQuerySet, Trace
from apps.places.geometry import EARTH_RADIUS_METRES, Point, metres_between
from apps.places.models import City
from apps.places.routing import DETOUR, ESTIMATE_KMH

# A position older than this is no longer where anybody is.
FRESH_FOR = timedelta(seconds=60)

# So far around a pick-up demand and supply are counted: a car is there in about six minutes.
AROUND_METRES = 2_000
# Fewer than so many waiting are no demand but chance.
FEWEST_WAITING = 3
# Demand and supply in balance, in hundredths of a percent.
EVEN = 10_000
# A factor moves in steps, so that it does not flicker.
STEP_BP = 1_000


@dataclass(frozen=True, slots=True)
class Demand:
    """How many wait around a place, and how many could come."""

    waiting: int
    free: int

    @property
    def factor_bp(self) -> int:
        """How far demand exceeds supply, 10,000 being not at all: two thirds of a car for each.

        With 3 waiting and 2 cars it is still 10,000; with 3 and 1 twice as much.
        """
        if self.waiting < FEWEST_WAITING:
            return EVEN
        factor = EVEN * self.waiting * 2 // (3 * max(1, self.free))
        return max(EVEN, factor - factor % STEP_BP)


@dataclass(frozen=True, slots=True)
class OfferCard:
    """What a worker may know before they answer: the way to it, the trip, the pay, the time."""

    offer: int
    pickup: Point
    dropoff: Point
    seats: int
    needs: list[str]
    pay_minor: int
    currency: str
    eta_seconds: int
    eta_metres: int
    is_estimate: bool
    offered_at: datetime
    expires_at: datetime
    may_extend: bool
    reasons: dict[str, object]


@dataclass(frozen=True, slots=True)
class Nearby:
    """A free worker and how many metres off they are in a straight line."""

    worker_id: int
    point: Point
    metres: float


def where_is(worker_id: int) -> Position | None:
    """Where a worker was last heard of, however long ago."""
    return Position.objects.filter(worker=worker_id).first()


def free_workers(city_id: int, *, at: datetime) -> ShiftQuerySet:
    """The shifts of those who are on the line, under way with nothing, and asked nothing."""
    under_way = Run.objects.live().filter(worker=OuterRef("worker"))
    asked = Offer.objects.live(at).filter(worker=OuterRef("worker"))
    return Shift.objects.on_line(at).filter(~Exists(under_way), ~Exists(asked), city=city_id)


def demand(city: City, point: Point, *, at: datetime) -> Demand:
    """How many jobs search for somebody around a point, and how many workers are free there."""
    near = _box(point, AROUND_METRES)
    jobs = Job.objects.searching().filter(
        city=city,
        search_until__gt=at,
        pickup_lat__range=(near.south, near.north),
        pickup_lon__range=(near.west, near.east),
    )
    workers = free_workers(city.pk, at=at).filter(
        worker__position__seen_at__gte=at - FRESH_FOR,
        worker__position__lat__range=(near.south, near.north),
        worker__position__lon__range=(near.west, near.east),
    )
    return Demand(waiting=jobs.count(), free=workers.count())


class _Box(NamedTuple):
    south: float
    west: float
    north: float
    east: float


def _box(point: Point, metres: float) -> _Box:
    high = math.degrees(metres / EARTH_RADIUS_METRES)
    wide = high / max(0.01, math.cos(math.radians(point.lat)))
    return _Box(point.lat - high, point.lon - wide, point.lat + high, point.lon + wide)


def nearby(
    city: City,
    point: Point,
    *,
    needs: Sequence[str] = (),
    seats: int = 1,
    at: datetime,
    limit: int = 10,
) -> list[Nearby]:
    """The free workers nearest to a point who could do it, the nearest first."""
    # Squared degrees order as metres do, once those of longitude are as short as they are here;
    # so the database sorts, and a thousand cars cost no more than ten.
    east = (F("worker__position__lon") - point.lon) * math.cos(math.radians(point.lat))
    north = F("worker__position__lat") - point.lat
    able = (
        free_workers(city.pk, at=at)
        .filter(
            worker__seats__gte=seats,
            worker__abilities__contains=list(needs),
            worker__position__seen_at__gte=at - FRESH_FOR,
        )
        .order_by(east * east + north * north, "worker")
        .values_list("worker", "worker__position__lat", "worker__position__lon")
    )
    found = ((worker_id, Point(lat, lon)) for worker_id, lat, lon in able[:limit])
    return [Nearby(worker_id, here, metres_between(point, here)) for worker_id, here in found]


def eta_to(
    city: City, point: Point, *, needs: Sequence[str] = (), seats: int = 1, at: datetime
) -> int | None:
    """Seconds until the nearest free worker who can do it could be there; None if nobody is free.

    Measured in a straight line: good enough to choose by, and marked as such on the screen.
    """
    nearest = nearby(city, point, needs=needs, seats=seats, at=at, limit=1)
    return round(nearest[0].metres * DETOUR / (ESTIMATE_KMH / 3.6)) if nearest else None


def offer_card(worker_id: int, *, at: datetime) -> OfferCard | None:
    """The offer that rings at the worker's phone now, if one does."""
    shown = Offer.objects.live(at).filter(worker=worker_id).select_related("job").first()
    if shown is None:
        return None
    return OfferCard(
        offer=shown.pk,
        pickup=shown.job.pickup,
        dropoff=shown.job.dropoff,
        seats=shown.job.seats,
        needs=shown.job.needs,
        pay_minor=shown.job.pay_minor,
        currency=shown.job.currency,
        eta_seconds=shown.eta_seconds,
        eta_metres=shown.eta_metres,
        is_estimate=shown.is_estimate,
        offered_at=shown.offered_at,
        expires_at=shown.expires_at,
        may_extend=not shown.extended,
        reasons=shown.reasons,
    )


def time_on_line(worker_id: int, *, since: datetime, until: datetime) -> timedelta:
    """How long the worker was on shift between two moments, pauses included."""
    stretches = _on_line(worker_id, since=since, until=until)
    return sum((end - begin for begin, end in stretches), timedelta())


def stretches_on_line(worker_id: int, at: datetime) -> list[Stretch]:
    """When the worker was on shift in the last two days, pauses included.

    Two, because what was worked a day ago is still counted while they go on.
    """
    return _on_line(worker_id, since=at - 2 * DAY, until=at)


def _on_line(worker_id: int, *, since: datetime, until: datetime) -> list[Stretch]:
    shifts = Shift.objects.filter(worker=worker_id, started_at__lt=until).exclude(
        ended_at__lte=since
    )
    return [
        (max(started, since), min(ended or until, until))
        for started, ended in shifts.values_list("started_at", "ended_at")
    ]


def trail_of(holder: UUID) -> list[Trace]:
    """Where a job went while something was on board, in order; empty once it is forgotten."""
    return list(Trace.objects.filter(job__holder=holder).order_by("seen_at"))


def trails(holders: Collection[UUID], *, since: datetime) -> dict[UUID, list[Trace]]:
    """The latest stretch of several trails, each in order."""
    found: defaultdict[UUID, list[Trace]] = defaultdict(list)
    traces = Trace.objects.filter(job__holder__in=holders, seen_at__gte=since)
    for trace in traces.select_related("job").order_by("seen_at"):
        found[trace.job.holder].append(trace)
    return found
