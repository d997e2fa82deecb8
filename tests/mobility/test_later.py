"""A ride ordered for later: placed now, its driver looked for when the hour is near."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache

from apps.dispatch.models import Job
from apps.dispatch.operations import tidy
from apps.kernel.actors import Kind
from apps.mobility import operations, progress, queries
from apps.mobility.models import Ride, VehicleEvent
from apps.mobility.operations import CannotServe
from apps.mobility.vertical import RIDE
from apps.orders import operations as orders
from apps.orders.models import Order, Step
from apps.orders.subscribers import go_ahead
from apps.payments.models import Attempt
from apps.regulation.models import Decision
from tests import races, rides
from tests.factories import CITY, NOON

LATER = NOON + timedelta(days=1, hours=2, minutes=30)
SEARCH = LATER - timedelta(minutes=20)
SECOND = timedelta(seconds=1)
# What a clock shows, wherever it hangs.
SHOWN = datetime.fromisoformat


@pytest.fixture
def town(db):
    cache.clear()
    return rides.town()


def quote(town, pickup_at=LATER, at=NOON):
    return town.quote(at, pickup_at=pickup_at)


def schedule(town, in_cash=False) -> Order:
    """Order a ride for tomorrow; the bank has promised the money."""
    order = town.place(quote(town), in_cash=in_cash)
    go_ahead(holder=str(order.basket.ref), at=NOON)
    return Order.objects.get(pk=order.pk)


def job_of(order: Order) -> Job:
    return Job.objects.get(holder=order.ref)


def test_a_ride_for_later_is_priced_and_paid_for_now_and_rings_nobody(town):
    order = schedule(town)

    assert order.quote.request["pickup_at"] == LATER.isoformat()
    assert order.quote.expires_at == NOON + timedelta(minutes=5)
    assert (order.state, order.stage) == ("AUTHORISED", "scheduled")
    assert (order.ride.pickup_at, order.ride.search_at) == (LATER, SEARCH)
    job = job_of(order)
    assert (job.state, job.searching_since) == (Job.State.WAITING, None)
    assert job.search_until == LATER + timedelta(minutes=10)
    assert Attempt.objects.get().kind == Attempt.Kind.AUTHORISE


def test_a_ride_for_now_goes_on_as_ever(town):
    order = town.place()
    go_ahead(holder=str(order.basket.ref), at=NOON)

    order.refresh_from_db()
    assert (order.stage, order.quote.request["pickup_at"]) == ("searching", None)
    assert job_of(order).search_until == NOON + timedelta(minutes=10)


def test_the_bank_may_answer_twice(town):
    order = schedule(town)
    go_ahead(holder=str(order.basket.ref), at=NOON + SECOND)

    assert list(Step.objects.values_list("name", "stage")) == [("schedule", "scheduled")]
    assert order.stage == "scheduled"


def test_the_search_begins_at_its_moment_and_not_before(town):
    order = schedule(town)

    assert operations.begin_searches(at=SEARCH - SECOND) == 0
    assert job_of(order).state == Job.State.WAITING
    assert operations.begin_searches(at=SEARCH) == 1

    order = Order.objects.get()
    assert (order.state, order.stage, order.changed_at) == ("AUTHORISED", "searching", SEARCH)
    assert order.ride.search_at is None
    assert (job_of(order).state, job_of(order).searching_since) == (Job.State.SEARCHING, SEARCH)
    assert operations.begin_searches(at=SEARCH) == 0
    assert Step.objects.filter(name="search").count() == 1


def test_nobody_begins_a_search_by_hand_before_its_moment(town):
    order = schedule(town)

    with pytest.raises(orders.StepRefused, match="too_early"):
        town.step(order, "search", CITY, SEARCH - SECOND)
    with pytest.raises(orders.OutOfTurn):
        town.step(order, "search", town.rider.acting(Kind.CONSUMER), SEARCH)


def test_a_search_waits_for_the_bank(town):
    order = town.place(quote(town))

    assert operations.begin_searches(at=SEARCH) == 0
    go_ahead(holder=str(order.basket.ref), at=SEARCH + SECOND)
    assert operations.begin_searches(at=SEARCH + SECOND) == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_look_at_once_begin_a_search_once(town):
    order = schedule(town)

    def begin():
        return operations.begin_searches(at=SEARCH)

    assert sorted(races.at_once(begin, begin)) == [0, 1]
    assert list(order.steps.values_list("name", flat=True)) == ["schedule", "search"]


def test_from_the_search_on_it_is_a_ride_like_any_other(town):
    order = schedule(town)
    assert not VehicleEvent.objects.exists()
    operations.begin_searches(at=SEARCH)
    town.on_shift(at=SEARCH)

    order = town.drive(town.accept(town.offer(order, at=SEARCH), SEARCH), SEARCH)

    assert (order.state, order.charged_minor) == ("COMPLETED", order.total_minor)
    assert list(VehicleEvent.objects.order_by("pk").values_list("event", flat=True)) == [
        "service_start",
        "reservation_start",
        "reservation_stop",
        "trip_start",
        "trip_stop",
        "trip_end",
    ]


def test_a_later_ride_that_nobody_takes_is_unserved_ten_minutes_after_its_hour(town):
    order = schedule(town)
    operations.begin_searches(at=SEARCH)
    until = LATER + timedelta(minutes=10)

    tidy(at=until - SECOND)
    assert job_of(order).state == Job.State.SEARCHING
    tidy(at=until)
    rides.relay_all(until)

    order.refresh_from_db()
    assert (order.state, order.stage, order.charged_minor) == ("CANCELLED", "unserved", 0)


@pytest.mark.parametrize("in_cash", [False, True])
def test_calling_off_before_the_search_is_free_and_no_search_begins(town, in_cash):
    town.city.takes_cash = True
    town.city.save()
    order = schedule(town, in_cash)

    costs = queries.cancellation(order, SEARCH - SECOND)
    assert (costs.fee.minor, costs.free_until) == (0, SEARCH)
    rider = town.rider.acting(Kind.CONSUMER)
    town.step(order, "cancel", rider, SEARCH - SECOND)
    order = town.step(order, "cancel", rider, SEARCH - SECOND)

    assert (order.stage, order.charged_minor) == ("cancelled", 0)
    assert (job_of(order).state, Ride.objects.get().search_at) == (Job.State.RELEASED, None)
    assert operations.begin_searches(at=SEARCH) == 0


def test_a_refused_card_begins_no_search(town):
    order = town.place(quote(town))
    town.step(order, "refuse", CITY)

    assert operations.begin_searches(at=SEARCH) == 0
    assert Ride.objects.get().search_at is None


def test_the_city_counts_a_later_ride_on_its_day(town):
    schedule(town)

    assert RIDE.case(quote(town), NOON).moment == LATER
    assert Decision.objects.filter(act="book").count() == 1


def test_the_steps_of_a_later_ride_show_the_wait(town):
    rows = progress.steps_of(schedule(town))

    assert [(row["name"], row["state"]) for row in rows] == [
        ("Card checked", "done"),
        ("Search begins", "now"),
        ("Driver found", "ahead"),
        ("Driver at the pick-up", "ahead"),
        ("On board", "ahead"),
        ("Arrived", "ahead"),
    ]


@pytest.mark.parametrize("ahead", [timedelta(minutes=30), timedelta(days=7)])
def test_thirty_minutes_and_seven_days_are_just_right(town, ahead):
    assert operations.hour_of(quote(town, NOON + ahead)) == NOON + ahead


# In La Serena the clocks leapt from 23:59:59 on 5 September 2026 to 1:00 on the 6th, and showed
# the hour from 23:00 on 4 April twice.
@pytest.mark.parametrize(
    ("pickup_at", "at", "code"),
    [
        (NOON + timedelta(minutes=30) - SECOND, NOON, "too_soon"),
        (NOON - timedelta(days=1), NOON, "too_soon"),
        (NOON + timedelta(days=7) + SECOND, NOON, "too_late"),
        (SHOWN("2026-09-06T00:30"), datetime(2026, 9, 4, 12, tzinfo=UTC), "no_such_hour"),
        (SHOWN("0001-01-01T00:00"), NOON, "too_soon"),
        (SHOWN("9999-12-31T23:59"), NOON, "no_such_hour"),
    ],
)
def test_an_hour_that_cannot_be_is_refused(town, pickup_at, at, code):
    with pytest.raises(CannotServe) as no:
        quote(town, pickup_at, at)

    assert no.value.code == code


def test_an_hour_that_the_clocks_show_twice_is_the_first(town):
    shown = SHOWN("2026-04-04T23:30")

    assert town.city.moment(shown) == datetime(2026, 4, 5, 2, 30, tzinfo=UTC)
