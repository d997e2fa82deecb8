"""Mobility: rides, from the question "where to?" to the drop-off."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import F

from apps.dispatch import operations as dispatch
from apps.dispatch import queries as at_work
from apps.dispatch.models import Offer, Shift
from apps.kernel.actors import Actor
from apps.listings.models import Listing
from apps.mobility import mds, queries
from apps.mobility.models import Ride, VehicleEvent
from apps.orders import operations as orders
from apps.orders import verticals
from apps.orders.models import Order
from apps.parties.models import Worker
from apps.places import routing
from apps.places.geometry import Point, metres_between
from apps.places.models import City
from apps.pricing import operations as pricing
from apps.pricing.models import Payee, Quote
from apps.pricing.queries import NoTariff, tariff_of
from apps.regulation import operations as regulation
from apps.regulation.queries import valid_permit

VERTICAL = "mobility"
NEAREST_RIDE_METRES = 150
CODE_TRIES = 5

# What a service class asks of the car that serves it.
NEEDS: dict[str, tuple[str, ...]] = {
    "standard": (),
    "large": ("large",),
    "accessible": ("accessible",),
}
SEATS: dict[str, int] = {"standard": 4, "large": 6, "accessible": 3}


class CannotServe(Exception):
    """There is no ride from here to there.  `code` says why not."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Stop:
    """One end of a ride: where it is and what people call it."""

    point: Point
    name: str

    def frozen(self) -> dict[str, Any]:
        return {"lat": self.point.lat, "lon": self.point.lon, "name": self.name[:200]}


def quote_trip(
    *, city: City, pickup: Stop, dropoff: Stop, consumer_id: int | None, by: Actor, at: datetime
) -> list[Quote]:
    """Price a ride in every service class, frozen for five minutes.

    The way is looked up before anything is written.  Raises `CannotServe` with `outside_city`,
    `same_place`, `unreachable` or `no_service`.
    """
    for stop in (pickup, dropoff):
        if not city.contains(stop.point):
            raise CannotServe("outside_city")
    if metres_between(pickup.point, dropoff.point) < NEAREST_RIDE_METRES:
        raise CannotServe("same_place")
    try:
        way = routing.route(city.slug, [pickup.point, dropoff.point])
    except routing.Unreachable:
        raise CannotServe("unreachable") from None
    quotes = _freeze(city, pickup, dropoff, way, consumer_id, by, at)
    if not quotes:
        raise CannotServe("no_service")
    return quotes


@transaction.atomic
def _freeze(
    city: City,
    pickup: Stop,
    dropoff: Stop,
    way: routing.Route,
    consumer_id: int | None,
    by: Actor,
    at: datetime,
) -> list[Quote]:
    quotes, bundle = [], uuid4()
    metres, seconds = round(way.metres), round(way.seconds)
    asked = {
        "pickup": pickup.frozen(),
        "dropoff": dropoff.frozen(),
        "metres": metres,
        "seconds": seconds,
        "is_estimate": way.is_estimate,
        "line": [[round(lon, 5), round(lat, 5)] for lon, lat in way.line],
    }
    for listing in Listing.objects.on_offer(vertical=VERTICAL, city=city).order_by("position"):
        if not valid_permit(listing.provider_id, VERTICAL, at):
            continue
        try:
            tariff = tariff_of(city_id=city.pk, vertical=VERTICAL, kind=listing.kind, at=at)
        except NoTariff:
            continue
        lines = pricing.metered(tariff, metres=metres, seconds=seconds)
        quotes.append(
            pricing.freeze(
                bundle=bundle,
                listing=listing,
                consumer_id=consumer_id,
                request={**asked, "kind": listing.kind, "seats": 1},
                lines=lines,
                terms={
                    "cancel_fee": tariff.cancel_fee_minor,
                    "cancel_free_seconds": tariff.cancel_free_seconds,
                    "wait_seconds": tariff.wait_seconds,
                },
                tariff=tariff,
                currency=city.currency,
                by=by,
                at=at,
            )
        )
    return quotes


def trip_of(quote: Quote) -> dispatch.Trip:
    """What dispatch has to find somebody for."""
    asked, kind = quote.request, quote.request["kind"]
    return dispatch.Trip(
        city_id=quote.listing.city_id,
        pickup=Point(asked["pickup"]["lat"], asked["pickup"]["lon"]),
        dropoff=Point(asked["dropoff"]["lat"], asked["dropoff"]["lon"]),
        seats=asked["seats"],
        needs=NEEDS.get(kind, (kind,)),
        pay_minor=quote.part_of(Payee.PROVIDER),
        currency=quote.currency,
    )


def write_ride(order: Order) -> None:
    """Keep what a ride has of its own, in the transaction that places the order."""
    asked = order.quote.request
    Ride.objects.create(
        order=order,
        pickup_lat=asked["pickup"]["lat"],
        pickup_lon=asked["pickup"]["lon"],
        pickup_name=asked["pickup"]["name"],
        dropoff_lat=asked["dropoff"]["lat"],
        dropoff_lon=asked["dropoff"]["lon"],
        dropoff_name=asked["dropoff"]["name"],
        metres=asked["metres"],
        seconds=asked["seconds"],
        is_estimate=asked["is_estimate"],
        line=asked["line"],
        code=f"{secrets.randbelow(10_000):04}",
    )


def note_step(
    order: Order, step: verticals.Step, data: verticals.Data, by: Actor, at: datetime
) -> None:
    """What a step of a ride means for the car and for the promised arrival."""
    if step.name == "assign":
        promised = at + timedelta(seconds=int(data.get("eta_seconds", 0)))
        Ride.objects.filter(order=order).update(pickup_eta_at=promised)
    elif step.name == "board":
        ends = at + timedelta(seconds=order.ride.seconds)
        Ride.objects.filter(order=order).update(dropoff_eta_at=ends)
    elif step.name == "give_back":
        Ride.objects.filter(order=order).update(pickup_eta_at=None, code_tries=0)
    if order.worker_id is not None:
        for event in mds.EVENTS_OF_STEP.get(step.name, ()):
            _note_event(order.worker_id, event, order, at)


@transaction.atomic
def accept_offer(*, offer_id: int, worker_id: int, by: Actor, at: datetime) -> Order:
    """A driver says yes: the job is theirs and the ride is confirmed in one step.

    Raises what `dispatch.accept` raises, and `dispatch.TooLate` when the rider has just
    called it off.
    """
    offer = Offer.objects.filter(pk=offer_id, worker=worker_id).select_related("job").first()
    if offer is None:
        raise dispatch.NoSuchOffer
    # The order first, then the job: whoever cancels locks them in the same turn.
    order = Order.objects.locked().filter(ref=offer.job.holder).first()
    if order is None or not order.is_live:
        raise dispatch.TooLate
    dispatch.accept(offer_id=offer_id, worker_id=worker_id, by=by, at=at)
    return confirm_ride(order_id=order.pk, offer_id=offer_id, at=at)


@transaction.atomic
def confirm_ride(*, order_id: int, offer_id: int, at: datetime) -> Order:
    """Put the driver who won the job on the order.  Doing it twice is harmless."""
    offer = Offer.objects.get(pk=offer_id)
    return orders.advance(
        order_id=order_id,
        step="assign",
        by=Actor.system(VERTICAL),
        at=at,
        data={"worker": offer.worker_id, "eta_seconds": offer.eta_seconds},
    )


@transaction.atomic
def count_wrong_code(order: Order, step: verticals.Step, code: str) -> None:
    """Remember that a start code was wrong: after five no code opens the ride."""
    if code == "wrong_code":
        Ride.objects.filter(order=order).update(code_tries=F("code_tries") + 1)


def go_on_shift(*, worker_id: int, city_id: int, by: Actor, at: datetime) -> Shift:
    """A driver goes on line, if the city lets their provider drive.

    Raises `regulation.NotPermitted`; the refusal stays on record.
    """
    worker = Worker.objects.active().get(pk=worker_id)
    with transaction.atomic():
        if shift := Shift.objects.open().filter(worker=worker).first():
            return shift
        decision = regulation.decide(
            provider_id=worker.provider_id,
            vertical=VERTICAL,
            facts={"subject": f"worker:{worker.pk}", "period": f"{at:%Y-%m-%d}", "shifts": 1},
            by=by,
            at=at,
        )
        if decision.is_granted:
            permit = valid_permit(worker.provider_id, VERTICAL, at)
            until = permit.valid.upper if permit else None
            shift = dispatch.start_shift(
                worker_id=worker.pk, city_id=city_id, until=until, by=by, at=at
            )
            _note_event(worker.pk, "service_start", None, at)
            return shift
    raise regulation.NotPermitted(decision.refusal)


@transaction.atomic
def leave_shift(*, worker_id: int, by: Actor, at: datetime) -> None:
    """A driver goes off line.  Raises `dispatch.OnARun` while somebody is to be driven."""
    dispatch.end_shift(worker_id=worker_id, by=by, at=at)
    note_end_of_shift(worker_id=worker_id, at=at)


@transaction.atomic
def stop_offering(*, provider_id: int, by: Actor, at: datetime) -> None:
    """Take a provider's drivers off line, each as soon as nobody is to be driven any more."""
    on_line = Shift.objects.open().filter(worker__provider=provider_id)
    for worker_id in on_line.order_by("worker").values_list("worker", flat=True):
        dispatch.limit_shift(worker_id=worker_id, until=at, by=by, at=at)


@transaction.atomic
def note_end_of_shift(*, worker_id: int, at: datetime) -> None:
    """Take the car out of service, whoever ended the shift.  Twice is harmless."""
    if queries.vehicle_state(worker_id) == mds.Vehicle.AVAILABLE:
        _note_event(worker_id, "service_end", None, at)


def _note_event(worker_id: int, event: str, order: Order | None, at: datetime) -> None:
    # The worker's row is the lock: events of one car are written one after the other.
    Worker.objects.locked().get(pk=worker_id)
    position = at_work.where_is(worker_id)
    VehicleEvent.objects.create(
        worker_id=worker_id,
        order=order,
        event=event,
        state=mds.follow(queries.vehicle_state(worker_id), event),
        lat=position.lat if position else None,
        lon=position.lon if position else None,
        happened_at=at,
    )
