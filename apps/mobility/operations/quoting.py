"""What a ride from here to there costs, in every service class."""

import itertools
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import transaction

from apps.dispatch import operations as dispatch
from apps.dispatch import queries as supply
from apps.kernel.actors import Actor
from apps.listings.models import Listing
from apps.mobility import needs as rider_needs
from apps.mobility import ways
from apps.parties import operations as parties
from apps.parties.queries import needs_of
from apps.places import routing
from apps.places.geometry import Point, metres_between
from apps.places.models import City, Zone
from apps.places.queries import zones_at
from apps.pricing import operations as pricing
from apps.pricing.levies import Rule
from apps.pricing.models import Payee, Quote, Tariff
from apps.pricing.queries import NoTariff, levies_of, tariff_of
from apps.regulation import operations as regulation
from apps.regulation.models import Decision
from apps.regulation.rules import WHOLE, Act, Case

VERTICAL = "mobility"
NEAREST_RIDE_METRES = 150

# What a service class asks of the car that serves it.
NEEDS: dict[str, tuple[str, ...]] = {
    "standard": (),
    "large": ("large",),
    "accessible": ("accessible",),
}
SEATS: dict[str, int] = {"standard": 4, "large": 6, "accessible": 3}


# A ride ordered for later is asked for at least so long ahead, and at most as long as a bank keeps
# its promise for a card: about a week.
SOONEST = timedelta(minutes=30)
LATEST = timedelta(days=7)


class CannotServe(Exception):
    """There is no ride from here to there.  `code` says why not."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Stop:
    """An end of a ride or a stop on it: where it is and what people call it."""

    point: Point
    name: str

    def frozen(self) -> dict[str, Any]:
        return {"lat": self.point.lat, "lon": self.point.lon, "name": self.name[:200]}


def quote_trip(
    *,
    city: City,
    pickup: Stop,
    dropoff: Stop,
    consumer_id: int | None,
    by: Actor,
    at: datetime,
    pickup_at: datetime | None = None,
    stops: Sequence[Stop] = (),
    needs: Iterable[str] | None = None,
    remember_needs: bool = False,
) -> list[Quote]:
    """Price a ride in every service class, frozen for five minutes; now, or for `pickup_at`.

    A `pickup_at` without a zone is what the city's clocks show.  `needs` not given are those of
    the consumer's profile; given, they may be kept there.  They change nobody's price.

    The price is that of the whole way over all `stops`, of which there are at most three, with
    three minutes of waiting at each, at the tariff's minute.

    The way is looked up before anything is written.  Raises `ValueError` for a need that is not
    on the city's list, `CannotServe` with `outside_city`, `same_place`, `unreachable`,
    `too_many_stops` or `no_service`, and with `no_such_hour`, `too_soon` or `too_late` for the
    hour; and `regulation.NotPermitted` when the city's rules forbid it in every class.
    """
    needs = rider_needs.known(needs_of(consumer_id) if needs is None else needs)
    if pickup_at is not None:
        pickup_at = _later(city, pickup_at, at)
    way = _way(city, [pickup, *stops, dropoff])
    asked = {
        "pickup": pickup.frozen(),
        "stops": [stop.frozen() for stop in stops],
        "dropoff": dropoff.frozen(),
        "pickup_at": pickup_at and pickup_at.isoformat(),
        "needs": needs,
        "stop_wait": round(ways.STOP_WAIT.total_seconds()),
        **measured(way),
    }
    kept = consumer_id if remember_needs else None
    quotes, refused = _freeze(city, asked, consumer_id, kept, by, at)
    if refused and not quotes:
        # Out here, so that the refusal is committed and stays on record.
        raise regulation.NotPermitted.by(refused)
    if not quotes:
        raise CannotServe("no_service")
    return quotes


def _later(city: City, asked: datetime, at: datetime) -> datetime:
    try:
        moment = asked if asked.tzinfo else city.moment(asked)
    except (ValueError, OverflowError):
        raise CannotServe("no_such_hour") from None
    if moment < at + SOONEST:
        raise CannotServe("too_soon")
    if moment > at + LATEST:
        raise CannotServe("too_late")
    return moment


def _way(city: City, points: Sequence[Stop]) -> routing.Route:
    """Look the way up.  There and back is a ride, over a stop; a place to itself is none."""
    if len(points) > 2 + ways.MOST_STOPS:
        raise CannotServe("too_many_stops")
    check_places(city, points)
    return look_up(city, [stop.point for stop in points])


def check_places(city: City, points: Sequence[Stop]) -> None:
    """Raise `CannotServe` for a place outside the city, and for two in a row that are one."""
    if not all(city.contains(stop.point) for stop in points):
        raise CannotServe("outside_city")
    for one, following in itertools.pairwise(points):
        if metres_between(one.point, following.point) < NEAREST_RIDE_METRES:
            raise CannotServe("same_place")


def look_up(city: City, points: Sequence[Point]) -> routing.Route:
    """The fastest way through the points.  Raises `CannotServe` if there is none."""
    try:
        return routing.route(city.slug, points)
    except routing.Unreachable:
        raise CannotServe("unreachable") from None


def measured(way: routing.Route) -> dict[str, Any]:
    """What a request keeps of its way."""
    return {
        "metres": round(way.metres),
        "seconds": round(way.seconds),
        "legs": [round(leg) for leg in way.legs],
        "is_estimate": way.is_estimate,
        "line": [[round(lon, 5), round(lat, 5)] for lon, lat in way.line],
    }


@transaction.atomic
def _freeze(
    city: City,
    asked: dict[str, Any],
    consumer_id: int | None,
    remembering: int | None,
    by: Actor,
    at: datetime,
) -> tuple[list[Quote], Decision | None]:
    quotes, bundle = [], uuid4()
    refused: Decision | None = None
    moment = _hour(asked) or at
    if remembering is not None:
        parties.remember_needs(user_id=remembering, needs=asked["needs"], by=by, at=at)
    offered = _offered(city, at)
    if any(tariff.may_surge for _, tariff in offered) and not _hour(asked):
        # Frozen, so that another destination is priced at the same factor.
        demand = supply.demand(city, point_of(asked["pickup"]), at=at)
        asked["demand_bp"] = demand.factor_bp
    cases = [case_of(Act.QUOTE, listing, asked, moment=moment) for listing, _ in offered]
    decisions = regulation.decide_all(cases, by=by, at=at)
    levies = levies_on(city, asked, moment)
    for (listing, tariff), decision in zip(offered, decisions, strict=True):
        if decision.refusal:
            if decision.is_policy:
                refused = refused or decision
            continue
        frozen = price(
            listing,
            tariff,
            asked,
            decision,
            levies,
            bundle=bundle,
            consumer_id=consumer_id,
            by=by,
            at=at,
        )
        quotes.append(frozen)
    return quotes, refused


def _offered(city: City, at: datetime) -> list[tuple[Listing, Tariff]]:
    """The service classes of the city that have a price."""
    found = []
    for listing in Listing.objects.on_offer(vertical=VERTICAL, city=city).order_by("position"):
        with suppress(NoTariff):
            tariff = tariff_of(city_id=city.pk, vertical=VERTICAL, kind=listing.kind, at=at)
            found.append((listing, tariff))
    return found


def case_of(act: Act, listing: Listing, asked: dict[str, Any], *, moment: datetime) -> Case:
    """A ride as the city's rules may ask about it; booked, it counts against caps on rides."""
    return Case(
        act=act,
        city_id=listing.city_id,
        vertical=VERTICAL,
        provider_id=listing.provider_id,
        moment=moment,
        kind=listing.kind,
        points={end: point_of(asked[end]) for end in ("pickup", "dropoff")},
        who={"listing": listing.pk},
        counts={"rides": 1},
        facts={"metres": asked["metres"], "seconds": asked["seconds"]},
    )


class Levies(NamedTuple):
    """The taxes and fees that a ride may owe, where it is, and when on the city's clock."""

    rules: list[Rule]
    zones: list[str]
    at: datetime


def levies_on(city: City, asked: dict[str, Any], moment: datetime) -> Levies:
    """What a ride at that moment may owe.  Zones are those of its ends, the smallest first."""
    now = city.now(moment)
    rules = levies_of(city_id=city.pk, vertical=VERTICAL, since=now, until=now)
    touched: dict[str, Zone] = {}
    if any(rule.zone for rule in rules):
        ends = [point_of(asked[end]) for end in ("pickup", "dropoff")]
        touched = {zone.slug: zone for point in ends for zone in zones_at(city, point)}
    zones = sorted(touched, key=lambda slug: (len(touched[slug].cells), slug))
    return Levies(rules, zones, now)


def price(
    listing: Listing,
    tariff: Tariff,
    asked: dict[str, Any],
    decision: Decision,
    levies: Levies,
    *,
    bundle: UUID,
    consumer_id: int | None,
    by: Actor,
    at: datetime,
    replaces: Quote | None = None,
) -> Quote:
    """Freeze what one service class asks for a request: its fare, the taxes, the city's rules."""
    way = {"metres": asked["metres"], "seconds": asked["seconds"]}
    waiting = len(asked["stops"]) * asked["stop_wait"]
    lines = pricing.metered(
        tariff,
        **way,
        waiting=waiting,
        demand_bp=asked.get("demand_bp", WHOLE),
        bounds=decision.bounds,
    )
    lines = pricing.levied(
        lines,
        rules=levies.rules,
        vertical=VERTICAL,
        category=listing.kind,
        zones=levies.zones,
        at=levies.at,
        **way,
    )
    return pricing.freeze(
        bundle=bundle,
        listing=listing,
        consumer_id=consumer_id,
        request={**asked, "kind": listing.kind, "seats": 1},
        lines=pricing.bounded(lines, decision.bounds, **way),
        terms={
            "cancel_fee": tariff.cancel_fee_minor,
            "cancel_free_seconds": tariff.cancel_free_seconds,
            "wait_seconds": tariff.wait_seconds,
            "stop_wait_seconds": asked["stop_wait"],
        },
        tariff=tariff,
        decision=decision,
        currency=listing.city.currency,
        replaces=replaces,
        by=by,
        at=at,
    )


def point_of(place: dict[str, Any]) -> Point:
    """Where an end of a ride is, as a request keeps it."""
    return Point(place["lat"], place["lon"])


def hour_of(quote: Quote) -> datetime | None:
    """The moment that a ride was priced for; None means now."""
    return _hour(quote.request)


def _hour(asked: dict[str, Any]) -> datetime | None:
    later = asked.get("pickup_at")
    return later and datetime.fromisoformat(later)


def trip_of(quote: Quote) -> dispatch.Trip:
    """What dispatch has to find somebody for."""
    asked, kind = quote.request, quote.request["kind"]
    # Quotes of before riders could say what they need live on in orders.
    of_rider = rider_needs.abilities(asked.get("needs", ()))
    return dispatch.Trip(
        city_id=quote.listing.city_id,
        pickup=Point(asked["pickup"]["lat"], asked["pickup"]["lon"]),
        dropoff=Point(asked["dropoff"]["lat"], asked["dropoff"]["lon"]),
        seats=asked["seats"],
        needs=tuple(dict.fromkeys((*NEEDS.get(kind, (kind,)), *of_rider))),
        pay_minor=quote.part_of(Payee.PROVIDER),
        currency=quote.currency,
    )
