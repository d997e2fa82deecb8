"""Rides: from here to there, now or at an hour within the week."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from apps.dispatch import operations as dispatch
from apps.kernel.actors import Kind
from apps.mobility import operations, queries
from apps.orders.models import Order
from apps.orders.verticals import PAYING, Data, Leg, Step, StepRefused, Vertical
from apps.payments.operations import NOT_PAID
from apps.payments.queries import in_cash
from apps.pricing.models import Line, Payee, Quote
from apps.regulation.rules import Act, Case

PLACED, AUTHORISED, CONFIRMED, STARTED, COMPLETED, CANCELLED = Order.State

SYSTEM = frozenset({Kind.SYSTEM})
RIDER = frozenset({Kind.CONSUMER})
DRIVER = frozenset({Kind.WORKER})
CITY = frozenset({Kind.OFFICER, Kind.SYSTEM})
BEFORE_BOARDING = frozenset({PAYING, "scheduled", "searching", "on_the_way", "at_pickup"})


def case(quote: Quote, at: datetime) -> Case:
    return operations.case_of(
        Act.BOOK, quote.listing, quote.request, moment=operations.hour_of(quote) or at
    )


def held_until(quote: Quote, at: datetime) -> datetime:
    later = operations.hour_of(quote)
    return later + operations.GRACE if later else at + operations.SEARCHED_FOR


def goes_on(order: Order) -> str:
    return "schedule" if order.ride.search_at else "authorise"


def check_due(order: Order, data: Data, at: datetime) -> None:
    if order.ride.search_at is None or at < order.ride.search_at:
        raise StepRefused("too_early")


def check_code(order: Order, data: Data, at: datetime) -> None:
    if order.ride.code_tries >= operations.CODE_TRIES:
        raise StepRefused("too_many_tries")
    if data.get("code") != order.ride.code:
        raise StepRefused("wrong_code")


def check_waited(order: Order, data: Data, at: datetime) -> None:
    may_leave_at = queries.may_leave_at(order)
    if may_leave_at is None or at < may_leave_at:
        raise StepRefused("too_early")


def check_seen(order: Order, data: Data, at: datetime) -> None:
    """A driver's tap means what stood on the screen: a way that has changed is looked at first."""
    if data.get("seen") and data["seen"] != queries.seen(order):
        raise StepRefused("way_changed")


def check_stop_ahead(order: Order, data: Data, at: datetime) -> None:
    check_seen(order, data, at)
    if not order.ride.stops_ahead:
        raise StepRefused("no_stop_ahead")


def check_drop_off(order: Order, data: Data, at: datetime) -> None:
    check_seen(order, data, at)
    if order.ride.stops_ahead:
        raise StepRefused("stop_ahead")
    check_cash(order, data, at)


def check_left_behind(order: Order, data: Data, at: datetime) -> None:
    check_seen(order, data, at)
    waits_until = queries.stop_wait_until(order)
    if waits_until is None or at < waits_until:
        raise StepRefused("too_early")
    check_cash(order, data, at)


def check_cash(order: Order, data: Data, at: datetime) -> None:
    if data.get("reason") == NOT_PAID and not in_cash(order.basket.ref):
        raise StepRefused("paid_by_card")


def charge(order: Order, step: Step, at: datetime) -> list[Line]:
    """The whole fare for a ride, the fee for one called off late, nothing for the rest."""
    match step.name:
        case "drop_off" | "end_at_stop":
            return order.quote.price
        case "no_show":
            return _fee(queries.fee_of(order))
        case "cancel":
            return _fee(queries.cancellation(order, at).fee.minor)
        case _:
            return []


def _fee(minor: int) -> list[Line]:
    return [Line("cancel_fee", minor, Payee.PROVIDER)] if minor else []


def step(
    name: str,
    by: frozenset[Kind],
    sources: str | frozenset[str],
    stage: str,
    state: Order.State,
    **more: object,
) -> Step:
    sources = frozenset({sources}) if isinstance(sources, str) else sources
    return Step(name=name, by=by, sources=sources, stage=stage, state=state, **more)  # type: ignore[arg-type]


RIDE = Vertical(
    slug=operations.VERTICAL,
    title=_("Rides"),
    legs=(Leg(engine=dispatch, asks=operations.trip_of),),
    case=case,
    held_until=held_until,
    goes_on=goes_on,
    authorised="searching",
    steps=(
        step("schedule", SYSTEM, PAYING, "scheduled", AUTHORISED),
        step(
            "search",
            SYSTEM,
            "scheduled",
            "searching",
            AUTHORISED,
            legs="confirm",
            check=check_due,
        ),
        step("assign", SYSTEM, "searching", "on_the_way", CONFIRMED),
        step("arrive", DRIVER, "on_the_way", "at_pickup", CONFIRMED, may_be_told_later=True),
        step(
            "board",
            DRIVER,
            "at_pickup",
            "on_board",
            STARTED,
            legs="pick_up",
            check=check_code,
            may_be_told_later=True,
        ),
        step("reach_stop", DRIVER, "on_board", "at_stop", STARTED, check=check_stop_ahead),
        step("go_on", DRIVER, "at_stop", "on_board", STARTED, check=check_seen),
        step(
            "drop_off",
            DRIVER,
            "on_board",
            "done",
            COMPLETED,
            legs="release",
            check=check_drop_off,
            may_be_told_later=True,
        ),
        step(
            "end_at_stop",
            DRIVER,
            "at_stop",
            "done",
            COMPLETED,
            legs="release",
            check=check_left_behind,
        ),
        step(
            "give_back",
            DRIVER,
            frozenset({"on_the_way", "at_pickup"}),
            "searching",
            AUTHORISED,
            legs="put_back",
        ),
        step(
            "no_show",
            DRIVER,
            "at_pickup",
            "cancelled",
            CANCELLED,
            legs="release",
            check=check_waited,
        ),
        step("cancel", RIDER, BEFORE_BOARDING, "cancelled", CANCELLED, legs="release"),
        step(
            "give_up",
            SYSTEM,
            frozenset({PAYING, "searching"}),
            "unserved",
            CANCELLED,
            legs="release",
        ),
        step("call_off", CITY, BEFORE_BOARDING, "cancelled", CANCELLED, legs="release"),
    ),
    charge=charge,
    changeable=operations.CHANGEABLE,
    changed=operations.redirect_ride,
    placed=operations.write_ride,
    stepped=operations.note_step,
    refused=operations.count_wrong_code,
    live=queries.live,
    summary=queries.summary,
    page="mobility:ride",
    receipt="mobility/receipt_part.html",
    trail="admin:mobility_ride_trail",
    stages={
        PAYING: _("Asking your bank"),
        "scheduled": _("Ordered for later"),
        "searching": _("Looking for a driver"),
        "on_the_way": _("Your driver is on the way"),
        "at_pickup": _("Your driver is here"),
        "on_board": _("On the way"),
        "at_stop": _("At a stop"),
        "done": _("You have arrived"),
        "cancelled": _("Called off"),
        "refused": _("Your bank refused the card"),
        "unserved": _("No driver was free"),
    },
)
