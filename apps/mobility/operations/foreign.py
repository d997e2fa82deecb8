"""What other apps' fleets tell the city: each row is taken or refused alone, with its reason."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.mobility import mds, queries
from apps.mobility.mds import Vehicle as State
from apps.mobility.models import ForeignEvent, ForeignPoint, ForeignTrip, ForeignVehicle
from apps.places.geometry import Point
from apps.places.models import City

# A clock may be a little fast.
AHEAD = timedelta(minutes=5)
# Events that are about somebody's trip, and must say about whose.
OF_TRIPS = frozenset({
    "reservation_start", "reservation_stop", "trip_start", "trip_stop", "trip_resume", "trip_end",
    "driver_cancellation", "passenger_cancellation", "provider_cancellation",
})  # fmt: skip
# The general list of events spells it so, the table of this mode otherwise.
SPELLED = {"recommission": "recommissioned"}


class Refused(Exception):
    """A row that is not taken: the word of MDS for it, and the fields at fault."""

    def __init__(self, error: str, *details: str) -> None:
        super().__init__(error)
        self.error, self.details = error, details


@dataclass(frozen=True, slots=True)
class Car:
    provider_id: int
    device: UUID
    plate: str
    vehicle_type: str
    propulsion: Sequence[str]
    is_accessible: bool


@dataclass(frozen=True, slots=True)
class Change:
    provider_id: int
    device: UUID
    ref: UUID
    events: Sequence[str]
    state: State
    trips: Sequence[UUID]
    point: Point
    at: datetime


@dataclass(frozen=True, slots=True)
class Trip:
    provider_id: int
    device: UUID
    ref: UUID
    kind: str
    hailed: str
    asked_at: datetime | None
    began_at: datetime
    ended_at: datetime
    pickup: Point
    dropoff: Point
    metres: int
    seconds: int
    took_wheelchair: bool


@dataclass(frozen=True, slots=True)
class Sighting:
    provider_id: int
    device: UUID
    point: Point
    at: datetime


@dataclass
class Outcome:
    """What became of a batch: why each row that was refused was, by its place in the batch."""

    refused: dict[int, Refused] = field(default_factory=dict)


@transaction.atomic
def register_foreign(*, city_id: int, cars: Sequence[Car], by: Actor, at: datetime) -> Outcome:
    """Register cars.  The same car again is harmless; another under its number is refused."""
    outcome, new = Outcome(), 0
    known = _vehicles(city_id, cars)
    for place, car in enumerate(cars):
        facts = _facts(car)
        vehicle = known.get((car.provider_id, car.device))
        if vehicle is None:
            vehicle, is_new = ForeignVehicle.objects.get_or_create(
                provider_id=car.provider_id,
                device=car.device,
                defaults={
                    "city_id": city_id,
                    "state": State.NON_OPERATIONAL,
                    "registered_at": at,
                    **facts,
                },
            )
            known[car.provider_id, car.device] = vehicle
            new += is_new
        if any(getattr(vehicle, name) != value for name, value in facts.items()):
            outcome.refused[place] = Refused("already_registered", "device_id")
    _tell("registered", new, by, at)
    return outcome


@transaction.atomic
def change_foreign(*, city_id: int, cars: Sequence[Car], by: Actor, at: datetime) -> Outcome:
    """Write what changed about cars that are registered, such as the plate."""
    outcome, changed = Outcome(), 0
    known = _vehicles(city_id, cars)
    for place, car in enumerate(cars):
        vehicle = known.get((car.provider_id, car.device))
        if vehicle is None:
            outcome.refused[place] = Refused("unregistered", "device_id")
            continue
        facts = _facts(car)
        if any(getattr(vehicle, name) != value for name, value in facts.items()):
            for name, value in facts.items():
                setattr(vehicle, name, value)
            vehicle.save(update_fields=list(facts))
            changed += 1
    _tell("changed", changed, by, at)
    return outcome


@transaction.atomic
def note_foreign_events(
    *, city_id: int, changes: Sequence[Change], by: Actor, at: datetime
) -> Outcome:
    """Write what happened to cars, in the order in which it did.

    An event that cannot follow the one before it is refused, and so is one that is told too late to
    say whether it can.  One that is known is harmless.
    """
    outcome = Outcome()
    known = _vehicles(city_id, changes)
    noted = set(
        ForeignEvent.objects.filter(
            vehicle__in=[one.pk for one in known.values()], ref__in=[one.ref for one in changes]
        ).values_list("vehicle_id", "ref")
    )
    rows: list[ForeignEvent] = []
    touched: dict[int, ForeignVehicle] = {}
    # Batches may be told in any order, a car's life has one.
    for place, change in sorted(enumerate(changes), key=lambda one: one[1].at):
        vehicle = known.get((change.provider_id, change.device))
        if vehicle and (vehicle.pk, change.ref) in noted:
            continue
        try:
            if vehicle is None:
                raise Refused("unregistered", "device_id")
            _timely(change.at, at)
            state = _after(vehicle, change)
        except Refused as refused:
            outcome.refused[place] = refused
            continue
        vehicle.state, vehicle.state_at = state, change.at
        touched[vehicle.pk] = vehicle
        noted.add((vehicle.pk, change.ref))
        rows.append(
            ForeignEvent(
                vehicle=vehicle,
                ref=change.ref,
                events=list(change.events),
                state=state,
                trips=list(change.trips),
                lat=change.point.lat,
                lon=change.point.lon,
                happened_at=change.at,
            )
        )
    ForeignEvent.objects.bulk_create(rows)
    ForeignVehicle.objects.bulk_update(touched.values(), ["state", "state_at"])
    _tell("events_noted", len(rows), by, at)
    return outcome


@transaction.atomic
def note_foreign_trips(*, city_id: int, trips: Sequence[Trip], by: Actor, at: datetime) -> Outcome:
    """Write trips that are over.  One that is known is harmless, and is not changed."""

    def row(vehicle: ForeignVehicle, trip: Trip) -> ForeignTrip:
        _timely(trip.ended_at, at, "end_time")
        if trip.ended_at < trip.began_at:
            raise Refused("bad_param", "end_time: it is before the start")
        return ForeignTrip(
            vehicle=vehicle,
            ref=trip.ref,
            kind=trip.kind,
            hailed=trip.hailed,
            asked_at=trip.asked_at,
            began_at=trip.began_at,
            ended_at=trip.ended_at,
            pickup_lat=trip.pickup.lat,
            pickup_lon=trip.pickup.lon,
            dropoff_lat=trip.dropoff.lat,
            dropoff_lon=trip.dropoff.lon,
            metres=trip.metres,
            seconds=trip.seconds,
            took_wheelchair=trip.took_wheelchair,
        )

    rows, outcome = _rows(city_id, trips, row)
    before = ForeignTrip.objects.filter(ref__in=[one.ref for one in rows]).count()
    ForeignTrip.objects.bulk_create(rows, ignore_conflicts=True)
    after = ForeignTrip.objects.filter(ref__in=[one.ref for one in rows]).count()
    _tell("trips_noted", after - before, by, at)
    return outcome


@transaction.atomic
def note_foreign_points(
    *, city_id: int, sightings: Sequence[Sighting], by: Actor, at: datetime
) -> Outcome:
    """Write where cars were.  A moment that is known is harmless.

    Nothing is told to the bus: as with our own cars, it would hear more positions than news.
    """
    rows, outcome = _rows(
        city_id,
        sightings,
        lambda vehicle, one: ForeignPoint(
            vehicle=vehicle,
            lat=one.point.lat,
            lon=one.point.lon,
            seen_at=_timely(one.at, at),
        ),
    )
    ForeignPoint.objects.bulk_create(rows, ignore_conflicts=True)
    return outcome


def forget_foreign_places(*, at: datetime) -> int:
    """Forget where cars of other apps were, after as many days as the ways of our own rides."""
    gone = 0
    for city in City.objects.select_related("safety_rules").order_by("pk"):
        before = at - timedelta(days=queries.safety_rules(city).trail_days)
        points = ForeignPoint.objects.filter(vehicle__city=city, seen_at__lt=before)
        gone += points.delete()[0]
        gone += ForeignEvent.objects.filter(
            vehicle__city=city, happened_at__lt=before, lat__isnull=False
        ).update(lat=None, lon=None)
        gone += ForeignTrip.objects.filter(
            vehicle__city=city, began_at__lt=before, pickup_lat__isnull=False
        ).update(pickup_lat=None, pickup_lon=None, dropoff_lat=None, dropoff_lon=None)
    return gone


def _after(vehicle: ForeignVehicle, change: Change) -> State:
    """The state after the events of one change.  Raises `Refused`."""
    if vehicle.state_at and change.at < vehicle.state_at:
        raise Refused("bad_param", f"timestamp: before {vehicle.state_at.isoformat()}")
    if not change.trips and OF_TRIPS.intersection(change.events):
        raise Refused("missing_param", "trip_ids")
    state = State(vehicle.state)
    try:
        for event in change.events[:-1]:
            state = mds.follow(state, SPELLED.get(event, event))
        last = change.events[-1]
        return mds.follow(state, SPELLED.get(last, last), change.state)
    except mds.Illegal as error:
        raise Refused("bad_param", f"event_types: {error}") from None


def _rows[Told: (Trip, Sighting), Row: (ForeignTrip, ForeignPoint)](
    city_id: int, told: Sequence[Told], make: Callable[[ForeignVehicle, Told], Row]
) -> tuple[list[Row], Outcome]:
    outcome, rows = Outcome(), []
    known = _vehicles(city_id, told, lock=False)
    for place, one in enumerate(told):
        vehicle = known.get((one.provider_id, one.device))
        try:
            if vehicle is None:
                raise Refused("unregistered", "device_id")
            rows.append(make(vehicle, one))
        except Refused as refused:
            outcome.refused[place] = refused
    return rows, outcome


def _vehicles(
    city_id: int, told: Collection[Car | Change | Trip | Sighting], *, lock: bool = True
) -> dict[tuple[int, UUID], ForeignVehicle]:
    found = ForeignVehicle.objects.locked() if lock else ForeignVehicle.objects.all()
    mine = found.filter(
        city=city_id,
        provider__in={one.provider_id for one in told},
        device__in={one.device for one in told},
    )
    return {(one.provider_id, one.device): one for one in mine}


def _facts(car: Car) -> Mapping[str, Any]:
    return {
        "plate": car.plate,
        "vehicle_type": car.vehicle_type,
        "propulsion": sorted(car.propulsion),
        "is_accessible": car.is_accessible,
    }


def _timely(told: datetime, now: datetime, name: str = "timestamp") -> datetime:
    if told > now + AHEAD:
        raise Refused("bad_param", f"{name}: it has not come yet")
    return told


def _tell(what: str, count: int, by: Actor, at: datetime) -> None:
    if count:
        bus.publish(f"mobility.foreign_{what}", by=by, at=at, count=count)
