"""Another destination for a ride that is ordered or under way: its price, and what it changes."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import transaction

from apps.dispatch import operations as dispatch
from apps.dispatch import queries as supply
from apps.kernel.actors import Actor
from apps.mobility import ways
from apps.mobility.operations.quoting import (
    VERTICAL,
    CannotServe,
    Stop,
    case_of,
    check_places,
    hour_of,
    levies_on,
    look_up,
    measured,
    price,
    trip_of,
)
from apps.orders.models import Order
from apps.places.geometry import Point
from apps.pricing.models import Quote
from apps.pricing.queries import NoTariff, tariff_of
from apps.regulation import operations as regulation
from apps.regulation.models import Decision
from apps.regulation.rules import Act

# Before the boarding, the whole way is still ahead.
AHEAD = frozenset({"scheduled", "searching", "on_the_way", "at_pickup"})
CHANGEABLE = AHEAD | {"on_board", "at_stop"}


def quote_change(*, order: Order, dropoff: Stop, by: Actor, at: datetime) -> Quote:
    """Price the whole ride with another destination, frozen for five minutes.

    On the way, the car turns where it is now: what was driven so far, over the stops passed and
    earlier turns, stays in the price; the stops ahead stay, too.  Raises `CannotServe` with
    `not_now`, `same_destination` or `no_position`, and as for any price; and
    `regulation.NotPermitted` when the city's rules forbid the new way.
    """
    if order.stage not in CHANGEABLE:
        raise CannotServe("not_now")
    old, city, passed = order.quote.request, order.city, order.ride.stops_passed
    if (dropoff.point.lat, dropoff.point.lon) == (old["dropoff"]["lat"], old["dropoff"]["lon"]):
        raise CannotServe("same_destination")
    ahead = [_stop(place) for place in ways.stops(old)[passed:]]
    turns = list(old.get("turns", ()))
    if order.stage == "on_board":
        turns.append({**_turn(order, at), "passed": passed})
    asked = {**old, "dropoff": dropoff.frozen(), "turns": turns}
    # Whoever is near the new place may get out there; nobody drives from a stop to itself.
    check_places(city, [*ahead, dropoff] if ahead or turns else [_stop(old["pickup"]), dropoff])
    behind = [_stop(place) for place in ways.driven(asked, passed)]
    points = [_stop(old["pickup"]), *behind, *ahead, dropoff]
    asked |= measured(look_up(city, [stop.point for stop in points]))
    quote, decision = _freeze(order, asked, by, at)
    if quote is None:
        # Out here, so that the refusal is committed and stays on record.
        raise regulation.NotPermitted.by(decision)
    return quote


@transaction.atomic
def _freeze(
    order: Order, asked: dict[str, Any], by: Actor, at: datetime
) -> tuple[Quote | None, Decision]:
    moment, listing = hour_of(order.quote) or at, order.listing
    # What the ride counts for stays counted; whether the new way is allowed is asked anew.
    decision = regulation.decide(
        case_of(Act.QUOTE, listing, asked, moment=max(moment, at)), by=by, at=at
    )
    if decision.is_policy:
        return None, decision
    try:
        tariff = tariff_of(city_id=order.city_id, vertical=VERTICAL, kind=listing.kind, at=at)
    except NoTariff:
        raise CannotServe("no_service") from None
    quote = price(
        listing,
        tariff,
        asked,
        decision,
        levies_on(order.city, asked, moment),
        bundle=uuid4(),
        consumer_id=order.consumer_id,
        replaces=order.quote,
        by=by,
        at=at,
    )
    return quote, decision


def redirect_ride(order: Order, by: Actor, at: datetime) -> None:
    """Drive elsewhere from now on, in the transaction in which the new quote comes into force."""
    ride, asked = order.ride, order.quote.request
    ride.dropoff_lat, ride.dropoff_lon = asked["dropoff"]["lat"], asked["dropoff"]["lon"]
    ride.dropoff_name, ride.line = asked["dropoff"]["name"], asked["line"]
    ride.metres, ride.seconds = asked["metres"], asked["seconds"]
    ride.is_estimate = asked["is_estimate"]
    if order.stage == "on_board":
        ahead = timedelta(seconds=ways.seconds_ahead(asked, ride.stops_passed))
        ride.dropoff_eta_at = at + ahead
        if ride.stops_ahead:
            ride.stop_eta_at = at + timedelta(seconds=ways.next_seconds(asked, ride.stops_passed))
    elif order.stage == "at_stop":
        # The stop where it stands is not passed yet; its way is behind it all the same.
        ahead = timedelta(seconds=ways.seconds_ahead(asked, ride.stops_passed + 1))
        ride.dropoff_eta_at = at + ahead
    ride.save()
    dispatch.redirect(trip_of(order.quote), holder=order.ref, by=by, at=at)


def _turn(order: Order, at: datetime) -> dict[str, object]:
    """Where the car is now."""
    seen = order.worker_id and supply.where_is(order.worker_id)
    if not seen or seen.seen_at < at - supply.FRESH_FOR:
        raise CannotServe("no_position")
    return {"lat": round(seen.lat, 6), "lon": round(seen.lon, 6), "name": ""}


def _stop(place: dict[str, object]) -> Stop:
    return Stop(Point(place["lat"], place["lon"]), str(place["name"]))  # type: ignore[arg-type]
