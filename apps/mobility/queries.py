from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import DurationField, ExpressionWrapper, F, Value
from django.db.models.functions import Coalesce
from django.utils.translation import get_language

from apps.dispatch import queries as dispatch
from apps.dispatch.models import Trace
from apps.kernel import clock, formats
from apps.kernel.money import Money
from apps.mobility import ways
from apps.mobility.lost import OPEN_FOR
from apps.mobility.mds import Vehicle
from apps.mobility.models import (
    Alert,
    LostItem,
    Ride,
    SafetyCheck,
    SafetyRules,
    ShareLink,
    VehicleEvent,
)
from apps.mobility.safety import Moment, UnderWay
from apps.orders.models import Order, Step
from apps.parties.queries import digest_of
from apps.payments.queries import in_cash
from apps.places.geometry import Point
from apps.places.models import City
from apps.places.queries import favourites
from apps.reviews import queries as reviews

ASKED_AFTER_RIDE = timedelta(minutes=30)
# A trail is read a little further back than a rule asks: its moments lie some seconds apart.
SLACK = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Cancellation:
    """What calling a ride off costs at a moment, and until when it is free."""

    fee: Money
    free_until: datetime | None


def cancellation(order: Order, at: datetime) -> Cancellation:
    """The same answer for the sentence beside the button and for the charge behind it.

    Free until a driver has accepted and for as long after that as the quote's terms say; then
    the fee of the terms, but never more than the ride.  Of a ride for later it is said to be free
    until the search begins, because nobody knows yet when a driver will accept.
    """
    if order.stage == "scheduled":
        return Cancellation(Money(0, order.currency), order.ride.search_at)
    assigned_at = _taken_at(order, "assign")
    if order.worker_id is None or assigned_at is None:
        return Cancellation(Money(0, order.currency), None)
    terms = order.quote.terms
    free_until = assigned_at + timedelta(seconds=terms["cancel_free_seconds"])
    fee = 0 if at < free_until else fee_of(order)
    return Cancellation(Money(fee, order.currency), free_until)


def fee_of(order: Order) -> int:
    """The fee for a late cancellation or a rider who does not come, in minor units.

    Nothing for a ride in cash: nobody is there to collect it from.
    """
    if in_cash(order.basket.ref):
        return 0
    fee: int = order.quote.terms["cancel_fee"]
    return min(fee, order.total_minor)


def may_leave_at(order: Order) -> datetime | None:
    """From when on a driver who waits may leave, as the quote's terms say."""
    arrived_at = _taken_at(order, "arrive")
    return arrived_at and arrived_at + timedelta(seconds=order.quote.terms["wait_seconds"])


def stop_wait_until(order: Order) -> datetime | None:
    """Until when the price lets the car wait at the stop where it stands now."""
    if order.stage != "at_stop":
        return None
    reached_at = _taken_at(order, "reach_stop")
    wait = order.quote.terms.get("stop_wait_seconds", 0)
    return reached_at and reached_at + timedelta(seconds=wait)


def stops(order: Order) -> list[dict[str, Any]]:
    """The stops of a ride with their state: passed, here, next or ahead."""
    passed = order.ride.stops_passed
    now = {"on_board": "next", "at_stop": "here"}.get(order.stage, "ahead")
    return [
        {**stop, "state": "passed" if n < passed else now if n == passed else "ahead"}
        for n, stop in enumerate(order.ride.stops)
    ]


def seen(order: Order) -> str:
    """What a driver's screen shows of the way, as a word: another way or stop is another word."""
    return f"{order.quote.ref.hex[:12]}-{order.ride.stops_passed}"


def change(order: Order) -> dict[str, Any] | None:
    """The last change of the destination, whatever came of it."""
    last = order.changes.select_related("after").order_by("-number").first()
    if last is None:
        return None
    return {
        "number": last.number,
        "state": last.state,
        "reason": last.reason,
        "dropoff": last.after.request["dropoff"],
        "total_minor": last.after.total_minor,
        "answered_at": last.answered_at,
    }


def summary(order: Order) -> str:
    """From where to where and, of a ride for later, on which day at what hour."""
    if order.ride.pickup_at is None:
        return str(order.ride)
    return f"{order.ride}, {day_and_hour(order.ride.pickup_at, order.city)}"


def day_and_hour(moment: datetime, city: City) -> str:
    """Always with its day, because it was ordered days ahead: "Thu 26 Nov, 14:30"."""
    zone, language = city.zone_info, get_language() or "en"
    day = formats.day(moment, zone, now=clock.now(), language=language)
    return f"{day}, {formats.clock(moment, zone)}"


@dataclass(frozen=True, slots=True)
class Known:
    """Somewhere to go again: a place that a person keeps, or one where they went."""

    name: str
    detail: str
    point: Point
    glyph: str
    address: str


def recent_places(user_id: int, limit: int = 3) -> list[Known]:
    """Where a person went last, each place once."""
    rides = Ride.objects.filter(order__consumer=user_id, order__state=Order.State.COMPLETED)
    found: dict[str, Known] = {}
    for ride in rides.order_by("-order__placed_at")[:30]:
        name = ride.dropoff_name
        found.setdefault(name, Known(name, "", ride.dropoff, "clock", name))
    return list(found.values())[:limit]


def known_places(user_id: int, city: City) -> list[Known]:
    """The places that a person keeps, and after them those where they went last."""
    kept = [
        Known(str(one), one.address, one.point, one.glyph, one.address)
        for one in favourites(user_id, city)
    ]
    seen = {one.address for one in kept}
    return kept + [one for one in recent_places(user_id) if one.address not in seen]


def vehicle_state(worker_id: int) -> Vehicle:
    """The vehicle's state in the words of MDS; before its first event it is out of service."""
    last = VehicleEvent.objects.filter(worker=worker_id).order_by("-pk").first()
    return Vehicle(last.state) if last else Vehicle.NON_OPERATIONAL


def live(order: Order, at: datetime) -> dict[str, Any]:
    """What the rider's page and socket show of a ride: the way, the car, the code, the fee."""
    ride = order.ride
    costs = cancellation(order, at)
    seen: dict[str, Any] = {
        "pickup": {"lat": ride.pickup_lat, "lon": ride.pickup_lon, "name": ride.pickup_name},
        "dropoff": {"lat": ride.dropoff_lat, "lon": ride.dropoff_lon, "name": ride.dropoff_name},
        "stops": stops(order),
        "change": change(order),
        "stop_eta_at": ride.stop_eta_at,
        "stop_wait_until": stop_wait_until(order),
        "pickup_at": ride.pickup_at,
        "needs": ride.needs,
        "eta_at": ride.eta_at(order.stage),
        "start_code": ride.code if order.is_live else None,
        "cancel_fee_minor": costs.fee.minor,
        "cancel_free_until": costs.free_until,
        "check": check_of(order, Alert.Part.RIDER, at),
        "driver": None,
        "car": None,
    }
    if order.worker is not None:
        seen["driver"] = driver(order, at)
        if order.is_live and (position := dispatch.where_is(order.worker.pk)):
            seen["car"] = {
                "lat": position.lat,
                "lon": position.lon,
                "heading": position.heading,
                "seen_at": position.seen_at,
            }
    return seen


def safety_rules(city: City) -> SafetyRules:
    """What the city takes for unusual: its own figures, or those of every city."""
    return getattr(city, "safety_rules", None) or SafetyRules(city=city)


def check_of(order: Order, part: str, at: datetime) -> dict[str, Any] | None:
    """What the rider or the driver is asked at the moment, the latest thing first; None if nothing.

    For half an hour after the ride: whoever did not look at the phone may still answer.
    """
    if order.worker_id is None or (order.ended_at and at >= order.ended_at + ASKED_AFTER_RIDE):
        return None
    asked = list(order.safety_checks.unanswered_by(part).order_by("-asked_at", "-pk"))
    if not asked:
        return None
    return {
        "asked_at": asked[0].asked_at,
        "kind": asked[0].kind,
        "kinds": [check.kind for check in asked],
    }


@dataclass(frozen=True, slots=True)
class Looked:
    """A ride with the rider aboard as it is looked after: in figures, with the rules, and where."""

    under_way: UnderWay
    rules: SafetyRules
    here: Point | None


def rides_under_way(at: datetime) -> list[tuple[int, Looked]]:
    """Every ride with the rider aboard, by its order, with as much of its trail as rules ask."""
    orders = list(
        Order.objects.live()
        .filter(vertical="mobility", state=Order.State.STARTED, stage="on_board")
        .select_related("ride", "city__safety_rules", "worker__position")
        .order_by("pk")
    )
    if not orders:
        return []
    rules = {order.city_id: safety_rules(order.city) for order in orders}
    longest = max(max(one.off_way_seconds, one.still_seconds) for one in rules.values())
    boarded = {
        order: (taken_at, heard_at or taken_at)
        for order, taken_at, heard_at in Step.objects.filter(
            order__in=orders, name="board"
        ).values_list("order", "taken_at", "heard_at")
    }
    since = at - timedelta(seconds=longest) - SLACK
    trails = dispatch.trails([order.ref for order in orders], since=since)
    return [
        (
            order.pk,
            _looked(order, boarded[order.pk], trails.get(order.ref, []), rules[order.city_id]),
        )
        for order in orders
    ]


def _looked(
    order: Order, boarded: tuple[datetime, datetime], trail: list[Trace], rules: SafetyRules
) -> Looked:
    ride, position = order.ride, getattr(order.worker, "position", None)
    boarded_at, said_at = boarded
    # A boarding that was told later is a word from the car, too.
    heard_at = max(said_at, position.seen_at) if position else said_at
    under_way = UnderWay(
        way=[] if ride.is_estimate else ride.line,
        stops=[ride.pickup, *(Point(one["lat"], one["lon"]) for one in ride.stops), ride.dropoff],
        boarded_at=boarded_at,
        # The waits at the stops are no part of the way's own seconds.
        seconds=ride.seconds + len(ride.stops) * int(ways.STOP_WAIT.total_seconds()),
        trail=[Moment(one.point, one.seen_at) for one in trail],
        heard_at=heard_at,
    )
    return Looked(under_way, rules, position.point if position else None)


def checks_to_hand_over(at: datetime) -> list[int]:
    """The checks that the rider has left without an answer for as long as the city waits."""
    default = SafetyRules._meta.get_field("answer_seconds").default
    seconds = Coalesce(F("order__city__safety_rules__answer_seconds"), Value(default))
    patience = ExpressionWrapper(seconds * timedelta(seconds=1), output_field=DurationField())
    waiting = SafetyCheck.objects.filter(rider_said="", escalated_at=None, closed_at=None)
    due = waiting.alias(patience=patience).filter(asked_at__lte=Value(at) - F("patience"))
    return list(due.order_by("pk").values_list("pk", flat=True))


def rides_looked_into() -> list[UUID]:
    """The rides with a call for help or a safety check that an officer has yet to close."""
    calls = Alert.objects.open().values_list("order__ref", flat=True)
    checks = SafetyCheck.objects.filter(escalated_at__isnull=False, closed_at=None)
    return [*calls, *checks.values_list("order__ref", flat=True)]


def link_of(order: Order, at: datetime) -> ShareLink | None:
    """The link under which a ride may be watched now, if there is one."""
    link = order.share_links.kept().select_related("order").first()
    return link if link is not None and link.is_open(at) else None


def link_with(token: str) -> ShareLink | None:
    """The link that a token opens or once opened; whether it still does is `is_open`."""
    links = ShareLink.objects.select_related(
        "order__ride", "order__city", "order__consumer", "order__worker__user"
    )
    return links.filter(digest=digest_of(token)).first()


def watched(order: Order) -> dict[str, Any]:
    """What somebody who was given the link sees: less than anybody else who watches.

    Neither code nor price nor where the rider started or goes, and of the rider the first name.
    """
    seen: dict[str, Any] = {
        "rider": order.consumer.short_name,
        "stage": order.stage,
        "eta_at": order.ride.eta_at(order.stage),
        "driver": "",
        "vehicle": "",
        "plate": "",
        "car": None,
    }
    if order.worker is not None:
        vehicle = getattr(order.worker, "vehicle", None)
        seen["driver"] = order.worker.user.short_name
        seen["vehicle"] = f"{vehicle.colour} {vehicle.make}" if vehicle else ""
        seen["plate"] = vehicle.plate if vehicle else ""
        if order.is_live:
            seen["car"] = dispatch.where_is(order.worker.pk)
    return seen


def driver(order: Order, at: datetime) -> dict[str, Any]:
    """Who drives and in what, as far as a rider may know it."""
    assert order.worker is not None
    vehicle = getattr(order.worker, "vehicle", None)
    reputation = reviews.reputation(order.worker.user_id, at=at)
    return {
        "name": order.worker.user.short_name,
        "initials": order.worker.user.initials,
        "vehicle": f"{vehicle.colour} {vehicle.make}" if vehicle else "",
        "plate": vehicle.plate if vehicle else "",
        "stars": reputation.mean,
        "rides": reputation.count,
    }


def _taken_at(order: Order, step: str) -> datetime | None:
    return (
        Step.objects.filter(order=order, name=step)
        .order_by("-pk")
        .values_list("taken_at", flat=True)
        .first()
    )


def lost_item(order: Order) -> LostItem | None:
    """What was reported lost on a ride: the open report, or else the last."""
    return order.lost_items.order_by("-pk").first()


def may_report_lost(order: Order, at: datetime) -> bool:
    """Whether its rider may still say that something was left in the car."""
    if order.state != Order.State.COMPLETED or order.ended_at is None:
        return False
    return order.lost_items.open().exists() or at < order.ended_at + OPEN_FOR
