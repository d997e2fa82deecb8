"""What a driver's phone shows: the shift, the offer that rings, the rides under way.

The page and the socket say the same, because both say what stands here.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Sum

from apps.dispatch.models import Offer, Shift
from apps.kernel.actors import Kind
from apps.ledger.models import Entry
from apps.mobility import queries
from apps.mobility.models import Alert
from apps.mobility.operations import VERTICAL
from apps.orders import verticals
from apps.orders.models import Order
from apps.orders.tips import BOOKED_AS
from apps.orders.tips import OPEN_FOR as TIPPED_FOR
from apps.parties.models import Worker
from apps.payments.operations import NOT_PAID
from apps.payments.queries import in_cash
from apps.places.models import City
from apps.pricing.models import Payee
from apps.reviews import queries as reviews

# The end of a shift that a driver plans by.
SOON = timedelta(days=1)


def state_of(worker: Worker, at: datetime) -> dict[str, Any]:
    """All that the phone needs to draw itself anew, whatever it has missed."""
    return _state(worker, _open_shift(worker), at)


def state_if_active(worker: Worker, at: datetime) -> dict[str, Any] | None:
    """The same; None for who is no driver any more."""
    shift = _open_shift(worker)
    # The shift knows it already.
    active = shift.worker.is_active if shift else Worker.objects.active().filter(pk=worker.pk)
    return _state(worker, shift, at) if active else None


def _open_shift(worker: Worker) -> Shift | None:
    return Shift.objects.open().filter(worker=worker).select_related("city", "worker").first()


def _state(worker: Worker, shift: Shift | None, at: datetime) -> dict[str, Any]:
    offer = (
        Offer.objects.live(at).filter(worker=worker).select_related("job").order_by("-pk").first()
    )
    rides = rides_of(worker)
    besides = _besides(rides)
    return {
        "shift": shift and _shift(worker, shift, at),
        "offer": offer and _offer(offer, at),
        "rides": [_ride(order, besides[order.pk], at) for order in rides],
        "at": at,
    }


def rides_of(worker: Worker) -> list[Order]:
    """The rides that this driver is under way with."""
    mine = Order.objects.live().filter(worker=worker, vertical=VERTICAL)
    return list(mine.select_related("ride", "consumer", "quote", "basket", "city").order_by("pk"))


@dataclass(frozen=True, slots=True)
class Besides:
    """What is rarely so of a ride, asked for all rides of a driver at once."""

    is_cash: bool
    changes: int
    is_asked: bool


# By hand: as annotations of Django's it made every look dearer, also where there is no ride.
BESIDES = """
SELECT asked.id,
    EXISTS (SELECT FROM payments_payment WHERE holder = basket.ref AND method = 'CASH'),
    (SELECT count(*) FROM orders_change WHERE order_id = asked.id AND state = 'AGREED'),
    EXISTS (
        SELECT FROM mobility_safetycheck
        WHERE order_id = asked.id AND closed_at IS NULL AND driver_said = ''
    )
FROM orders_order AS asked JOIN orders_basket AS basket ON basket.id = asked.basket_id
WHERE asked.id = ANY(%s)
"""


def _besides(rides: list[Order]) -> dict[int, Besides]:
    if not rides:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(BESIDES, [[order.pk for order in rides]])
        return {pk: Besides(*rest) for pk, *rest in cursor.fetchall()}


def earned(worker: Worker, *, since: datetime, until: datetime) -> list[tuple[datetime, int]]:
    """When each ride ended in a stretch of time, and what it left the driver, in minor units."""
    done = Order.objects.filter(
        worker=worker, vertical=VERTICAL, ended_at__gte=since, ended_at__lt=until
    ).select_related("quote")
    done = done.only("state", "reason", "ended_at", "charged_minor", "quote__lines")
    parts = []
    for order in done.order_by("ended_at"):
        part = pay_of(order)
        if order.ended_at and part:
            parts.append((order.ended_at, part))
    return parts


def pay_of(order: Order) -> int:
    """What a ride that has ended left its driver, in minor units, without the tip."""
    if order.reason == NOT_PAID:
        return 0
    is_whole = order.state == Order.State.COMPLETED
    return order.quote.part_of(Payee.PROVIDER) if is_whole else order.charged_minor or 0


def tips(worker: Worker, *, since: datetime, until: datetime) -> int:
    """The tips that came in within a stretch of time, in minor units."""
    late = since - TIPPED_FOR
    done = Order.objects.filter(worker=worker, vertical=VERTICAL, ended_at__gte=late)
    booked = Entry.objects.filter(
        journal__about__in=list(done.values_list("ref", flat=True)),
        journal__kind=BOOKED_AS,
        journal__booked_at__gte=since,
        journal__booked_at__lt=until,
        account__code=f"provider:{worker.provider_id}:payable",
    )
    return -int(booked.aggregate(total=Sum("amount_minor"))["total"] or 0)


def asked_since(city: City, since: datetime) -> int:
    """How many rides people of a city have asked for since a moment."""
    return Order.objects.filter(vertical=VERTICAL, city=city, placed_at__gte=since).count()


def today(shift: Shift, at: datetime) -> datetime:
    """The midnight before `at` on the clocks of the shift's city."""
    return shift.city.now(at).replace(hour=0, minute=0, second=0, microsecond=0)


def _shift(worker: Worker, shift: Shift, at: datetime) -> dict[str, Any]:
    since = today(shift, at)
    parts = earned(worker, since=since, until=at + timedelta(seconds=1))
    return {
        "city": shift.city.slug,
        "started_at": shift.started_at,
        "is_paused": shift.paused_at is not None,
        "seconds": int((at - shift.started_at).total_seconds()),
        "earned_minor": sum(part for _, part in parts),
        "rides": len(parts),
        "currency": shift.city.currency,
        "until": shift.until,
        "seconds_left": _left(shift, at),
    }


def _left(shift: Shift, at: datetime) -> int | None:
    """How long the city lets the driver go on, once it is less than a day: a driver plans by it."""
    if shift.until is None or shift.until - at > SOON:
        return None
    return max(0, int((shift.until - at).total_seconds()))


def _offer(offer: Offer, at: datetime) -> dict[str, Any] | None:
    order = (
        Order.objects.filter(ref=offer.job.holder)
        .select_related("ride", "consumer", "quote", "basket")
        .first()
    )
    if order is None:
        return None
    ride, km = order.ride, (offer.eta_metres + order.ride.metres) / 1_000
    rider = reviews.reputation(order.consumer_id, at=at)
    return {
        "id": offer.pk,
        "expires_at": offer.expires_at,
        "offered_at": offer.offered_at,
        "may_extend": not offer.extended,
        "pay_minor": offer.job.pay_minor,
        "currency": offer.job.currency,
        "per_km_minor": round(offer.job.pay_minor / km) if km else None,
        "to_pickup": {"seconds": offer.eta_seconds, "metres": offer.eta_metres},
        "is_estimate": offer.is_estimate,
        "kind": order.quote.request["kind"],
        "pickup_at": ride.pickup_at,
        "pickup": _place(ride.pickup_lat, ride.pickup_lon, ride.pickup_name),
        "dropoff": _place(ride.dropoff_lat, ride.dropoff_lon, ride.dropoff_name),
        "stops": ride.stops,
        "ride": {"seconds": ride.seconds, "metres": ride.metres},
        "line": ride.line,
        "needs": ride.needs,
        "in_cash": in_cash(order.basket.ref),
        "rider": {"name": order.consumer.short_name, "stars": rider.mean, "rides": rider.count},
        "reasons": offer.reasons,
    }


def _ride(order: Order, besides: Besides, at: datetime) -> dict[str, Any]:
    ride = order.ride
    steps = verticals.get(VERTICAL).open_to(Kind.WORKER, order.stage)
    # Of the two that lead on from here one is next: the stop, or the destination.
    later = "drop_off" if ride.stops_ahead else "reach_stop"
    steps = [step for step in steps if step != later]
    return {
        "ref": order.ref,
        "code": order.code,
        "stage": order.stage,
        "steps": steps,
        "pay_minor": order.quote.part_of(Payee.PROVIDER),
        "currency": order.currency,
        "cash_minor": order.total_minor if besides.is_cash else None,
        "pickup_at": ride.pickup_at,
        "eta_at": ride.eta_at(order.stage),
        "seen": queries.seen(order),
        "may_leave_at": queries.may_leave_at(order) if order.stage == "at_pickup" else None,
        "stops": queries.stops(order),
        "changes": besides.changes,
        "stop_eta_at": ride.stop_eta_at,
        "stop_wait_until": queries.stop_wait_until(order),
        "pickup": _place(ride.pickup_lat, ride.pickup_lon, ride.pickup_name),
        "dropoff": _place(ride.dropoff_lat, ride.dropoff_lon, ride.dropoff_name),
        "line": ride.line,
        "needs": ride.needs,
        "check": queries.check_of(order, Alert.Part.DRIVER, at) if besides.is_asked else None,
        "rider": {"name": order.consumer.short_name},
        "emergency_phone": order.city.emergency_phone,
    }


def _place(lat: float, lon: float, name: str) -> dict[str, Any]:
    return {"lat": lat, "lon": lon, "name": name}
