"""A ride with stops: priced whole, driven one after the other, waited for within bounds."""

from datetime import timedelta

import pytest
from django.test import Client

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.mobility import at_work, operations, progress, queries
from apps.mobility.models import VehicleEvent
from apps.orders import operations as orders
from apps.orders.models import Order
from apps.places.models import Place
from apps.pricing import operations as pricing
from apps.pricing.models import Quote
from tests import factories, rides
from tests.browser import assert_accessible, each_look, screenshot, watch
from tests.factories import CITY, NOON
from tests.mobility.test_rider_pages import TRIP, body, camila, prices, town
from tests.rides import FARO, MALL, PLAZA, RECOVA

__all__ = ["camila", "town"]  # fixtures

pytestmark = pytest.mark.django_db(transaction=True)
WAIT = timedelta(minutes=3)


def ride(town, *stops, at=NOON) -> Order:
    """A ride over these stops, with the rider on board."""
    order = town.place(town.quote(at, stops=stops), at)
    order = town.step(order, "authorise", CITY, at)
    town.on_shift(at=at)
    order = town.accept(town.offer(order, at=at), at)
    town.step(order, "arrive", town.worker.actor, at)
    return town.step(order, "board", town.worker.actor, at, code=order.ride.code)


def drive(town, order, *steps, at=NOON) -> Order:
    for step in steps:
        order = town.step(order, step, town.worker.actor, at)
    return Order.objects.get(pk=order.pk)


def test_waiting_costs_the_minutes_of_the_tariff():
    tariff = factories.TariffFactory(**rides.PRICES)

    lines = pricing.metered(tariff, metres=2_600, seconds=360, waiting=180)

    assert [(line.code, line.amount) for line in lines] == [
        ("start", 600),
        ("distance", 1_248),
        ("time", 360),
        ("waiting", 180),
        ("platform", 84),
        ("vat", 16),
        ("city_fee", 150),
    ]


def test_the_price_is_that_of_the_whole_way(town):
    straight, over = town.quote(), town.quote(stops=[RECOVA, MALL])

    asked = over.request
    assert [stop["name"] for stop in asked["stops"]] == ["La Recova", "Mall Plaza"]
    assert len(asked["legs"]) == 3
    assert asked["metres"] > straight.request["metres"]
    assert abs(sum(asked["legs"]) - asked["seconds"]) <= 2
    waiting = next(line for line in over.price if line.code == "waiting")
    assert (waiting.quantity, waiting.amount) == (360, 360)
    assert over.terms["stop_wait_seconds"] == 180


def test_there_and_back_is_a_ride_over_a_stop(town):
    quote = operations.quote_trip(
        city=town.city,
        pickup=PLAZA,
        stops=[FARO],
        dropoff=PLAZA,
        consumer_id=None,
        by=CITY,
        at=NOON,
    )[0]

    assert quote.request["legs"][0] == quote.request["legs"][1]


@pytest.mark.parametrize(
    ("stops", "code"),
    [
        ([RECOVA, MALL, RECOVA, MALL], "too_many_stops"),
        ([RECOVA, RECOVA], "same_place"),
        ([PLAZA], "same_place"),
        ([operations.Stop(rides.Point(-33.45, -70.66), "Santiago")], "outside_city"),
    ],
)
def test_stops_that_cannot_be(town, stops, code):
    with pytest.raises(operations.CannotServe, match=code):
        town.quote(stops=stops)


def test_two_stops_in_the_words_of_mds_and_each_step_taken_twice(town):
    order = ride(town, RECOVA, MALL)

    for step in ("reach_stop", "go_on") * 2 + ("drop_off",):
        order = drive(town, order, step, step)

    assert (order.stage, order.charged_minor) == ("done", order.total_minor)
    assert order.ride.stops_passed == 2
    events = VehicleEvent.objects.filter(order=order).order_by("pk")
    assert list(events.values_list("event", "state")) == [
        ("reservation_start", "reserved"),
        ("reservation_stop", "stopped"),
        ("trip_start", "on_trip"),
        *[("trip_stop", "stopped"), ("trip_resume", "on_trip")] * 2,
        ("trip_stop", "stopped"),
        ("trip_end", "available"),
    ]


def test_the_arrival_counts_the_legs_and_the_waits_ahead(town):
    order = ride(town, RECOVA, MALL)
    first, second, third = order.quote.request["legs"]

    assert order.ride.stop_eta_at == NOON + timedelta(seconds=first)
    whole = timedelta(seconds=first + second + third)
    assert order.ride.dropoff_eta_at == NOON + whole + 2 * WAIT

    order = drive(town, order, "reach_stop")
    assert order.ride.stop_eta_at is None
    assert queries.stop_wait_until(order) == NOON + WAIT

    order = drive(town, order, "go_on", at=NOON + WAIT)
    assert order.ride.stop_eta_at == NOON + WAIT + timedelta(seconds=second)
    assert order.ride.dropoff_eta_at == NOON + 2 * WAIT + timedelta(seconds=second + third)
    assert queries.stop_wait_until(order) is None


def test_a_stop_comes_before_the_drop_off_and_none_after_the_last(town):
    order = ride(town, RECOVA)
    with pytest.raises(orders.StepRefused, match="stop_ahead"):
        drive(town, order, "drop_off")

    drive(town, order, "reach_stop", "go_on")

    with pytest.raises(orders.StepRefused, match="no_stop_ahead"):
        drive(town, order, "reach_stop")
    assert drive(town, order, "drop_off").stage == "done"


def test_a_tap_that_comes_late_does_not_reach_the_next_stop(town):
    order = ride(town, RECOVA, MALL)
    seen = queries.seen(order)
    take = {"ref": order.ref, "step": "reach_stop", "by": town.worker.actor, "at": NOON}
    orders.take(**take, seen=seen)
    drive(town, order, "go_on")

    with pytest.raises(orders.StepRefused, match="way_changed"):
        orders.take(**take, seen=seen)

    assert Order.objects.get().stage == "on_board"


def test_who_does_not_come_back_is_left_behind_once_the_wait_is_over(town):
    order = drive(town, ride(town, RECOVA, MALL), "reach_stop")
    with pytest.raises(orders.StepRefused, match="too_early"):
        drive(town, order, "end_at_stop", at=NOON + WAIT - timedelta(seconds=1))

    order = drive(town, order, "end_at_stop", "end_at_stop", at=NOON + WAIT)

    assert (order.state, order.charged_minor) == (Order.State.COMPLETED, order.total_minor)
    last = VehicleEvent.objects.filter(order=order).latest("pk")
    assert (last.event, last.state) == ("trip_end", "available")


def test_rider_and_driver_see_how_far_it_has_come(town):
    order = ride(town, RECOVA, MALL)
    state = at_work.state_of(town.worker, NOON)["rides"][0]
    assert [stop["state"] for stop in state["stops"]] == ["next", "ahead"]
    assert state["steps"] == ["reach_stop"]

    order = drive(town, order, "reach_stop")
    state = at_work.state_of(town.worker, NOON)["rides"][0]
    assert [stop["state"] for stop in state["stops"]] == ["here", "ahead"]
    assert state["steps"] == ["go_on", "end_at_stop"]
    assert queries.live(order, NOON)["stop_wait_until"] == NOON + WAIT
    rows = progress.steps_of(order)
    assert [(row["name"], row["state"]) for row in rows[-4:]] == [
        ("On board", "done"),
        ("La Recova", "now"),
        ("Mall Plaza", "ahead"),
        ("Arrived", "ahead"),
    ]

    order = drive(town, order, "go_on", "reach_stop", "go_on")
    assert [row["state"] for row in progress.steps_of(order)[-3:]] == ["done", "done", "now"]
    assert at_work.state_of(town.worker, NOON)["rides"][0]["steps"] == ["drop_off"]


def test_a_ride_without_stops_is_driven_as_before(town):
    order = ride(town)

    assert at_work.state_of(town.worker, NOON)["rides"][0]["steps"] == ["drop_off"]
    assert order.ride.dropoff_eta_at == NOON + timedelta(seconds=order.quote.request["legs"][0])
    assert not any(line.code == "waiting" for line in order.quote.price)


def test_the_api_prices_stops_and_counts_them(town):
    client = Client()
    client.force_login(town.rider)
    wish = {"pickup": PLAZA.frozen(), "stops": [RECOVA.frozen()], "dropoff": FARO.frozen()}

    told = client.post("/api/v1/rides/quotes", wish, content_type="application/json").json()

    assert [stop["name"] for stop in told["stops"]] == ["La Recova"]
    assert (len(told["legs"]), told["stop_wait"]) == (2, 180)
    wish["stops"] *= 4
    wrong = client.post("/api/v1/rides/quotes", wish, content_type="application/json")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "too_many_stops")


def test_the_form_takes_stops_by_name_and_hands_them_back(town, camila):
    Place.objects.create(
        city=town.city,
        kind="LANDMARK",
        name="La Recova",
        detail="",
        search="la recova",
        lat=-29.9001,
        lon=-71.2447,
    )

    page = body(camila.get(prices(camila, stop2="La Recova")))

    quote = Quote.objects.get()
    assert [stop["name"] for stop in quote.request["stops"]] == ["La Recova"]
    assert "3 min of waiting are in the price" in page
    assert "Waiting at stops, up to 3 min" in page
    assert "stop1=La+Recova&amp;stop1_lat=-29.900100" in page


def test_a_stop_that_nobody_knows_is_said_at_its_field(town, camila):
    answer = camila.post("/rides/", TRIP | {"stop1": "Nowhere at all"})

    assert answer.status_code == 422
    assert 'id="stop1-error"' in body(answer)
    assert '<details class="more" id="stops" open>' in body(answer)


def test_the_driver_goes_from_stop_to_stop_by_forms(town, client):
    order = ride(town, RECOVA, at=clock.now())
    client.force_login(town.worker.user)

    page = client.get("/drive/").content.decode()
    assert "Drive to the stop" in page
    assert "I am at the stop" in page

    def send(step):
        seen = queries.seen(Order.objects.get())
        sent = {"step": step, "seen": seen}
        return client.post(f"/drive/rides/{order.ref}/", sent, follow=True).content.decode()

    page = send("reach_stop")
    assert "Wait at the stop" in page
    assert "is in the price" in page
    assert "The rider still has time to come" in send("end_at_stop")
    assert "Dropped off" in send("go_on")
    assert "I am at" not in send("drop_off")
    assert Order.objects.get().stage == "done"
    receipt = Client()
    receipt.force_login(town.rider)
    assert "La Recova" in receipt.get(f"/orders/{order.ref}/").content.decode()


@each_look
def test_stops_on_the_pages(new_page, site, town, camila, client, width, theme):
    at = clock.now()
    address = f"/rides/quotes/{town.quote(at, stops=[RECOVA, MALL]).bundle}/"
    order = drive(town, ride(town, RECOVA, MALL, at=at), "reach_stop", at=at)
    client.force_login(town.worker.user)
    for who, path, name in [
        (camila, "/rides/?stop1=La+Recova", "plan"),
        (camila, address, "choose"),
        (camila, f"/rides/{order.ref}/", "ride"),
        (client, "/drive/", "drive"),
    ]:
        page = new_page(width=width, theme=theme)
        told = watch(page)
        page.context.add_cookies(
            [{"name": "sessionid", "value": who.cookies["sessionid"].value, "url": site}]
        )
        page.goto(f"{site}{path}")
        page.wait_for_load_state("load")
        assert_accessible(page)
        screenshot(page, f"stops-{name}-{width}-{theme}")
        assert [line for line in told if "/ws/" not in line] == []


def test_a_rider_cannot_move_the_car(town):
    order = ride(town, RECOVA)

    with pytest.raises(orders.OutOfTurn):
        town.step(order, "reach_stop", town.rider.acting(Kind.CONSUMER))
