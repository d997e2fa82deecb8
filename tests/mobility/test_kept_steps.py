"""Steps of a ride that were taken without a line, and told when there was one again."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import expect

from apps.dispatch.models import Job
from apps.kernel import clock
from apps.mobility.models import VehicleEvent
from apps.orders import operations as orders
from apps.orders.models import Order, Step
from tests import factories, rides
from tests.browser import assert_accessible, cut_the_line, screenshot
from tests.factories import NOON

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
def town(db):
    return rides.town()


def tell(town, order, step, taken, heard, key=None, **more) -> Order:
    return orders.take(
        ref=order.ref,
        step=step,
        by=town.worker.actor,
        at=heard,
        taken_at=taken,
        key=key,
        **more,
    )


def times(order) -> list[tuple[str, object, object]]:
    return list(order.steps.order_by("pk").values_list("name", "taken_at", "heard_at"))[-3:]


def test_each_step_carries_when_it_was_taken_and_when_the_city_heard_of_it(town):
    order, code = town.confirm(), Order.objects.get().ride.code
    back = NOON + 20 * MINUTE
    tell(town, order, "arrive", NOON + 3 * MINUTE, back)
    tell(town, order, "board", NOON + 5 * MINUTE, back + SECOND, code=code)
    order = tell(town, order, "drop_off", NOON + 15 * MINUTE, back + 2 * SECOND)

    assert times(order) == [
        ("arrive", NOON + 3 * MINUTE, back),
        ("board", NOON + 5 * MINUTE, back + SECOND),
        ("drop_off", NOON + 15 * MINUTE, back + 2 * SECOND),
    ]
    assert order.ended_at == NOON + 15 * MINUTE
    assert Job.objects.get().picked_up_at == NOON + 5 * MINUTE
    assert VehicleEvent.objects.get(event="trip_start").happened_at == NOON + 5 * MINUTE


def test_a_step_that_is_told_at_once_has_one_time(town):
    order = town.drive(town.confirm())

    assert {heard for _name, _taken, heard in times(order)} == {None}


@pytest.mark.parametrize(
    ("taken", "heard", "code"),
    [
        (NOON + 31 * MINUTE, NOON + 61 * MINUTE, ""),
        (NOON + 31 * MINUTE, NOON + 61 * MINUTE + SECOND, "too_old"),
        (NOON + 10 * MINUTE, NOON + 10 * MINUTE - 5 * SECOND, ""),
        (NOON + 10 * MINUTE, NOON + 10 * MINUTE - 6 * SECOND, "in_the_future"),
        (NOON - 5 * SECOND, NOON + MINUTE, ""),
        (NOON - 6 * SECOND, NOON + MINUTE, "before_the_last_step"),
    ],
)
def test_a_time_that_cannot_be_is_refused(town, taken, heard, code):
    order = town.confirm()
    if not code:
        assert tell(town, order, "arrive", taken, heard).stage == "at_pickup"
        step = Step.objects.get(name="arrive")
        # What two clocks differ by is put right: no step is before the last one or in the future.
        assert NOON <= step.taken_at <= heard
        return
    with pytest.raises(orders.StepRefused) as refused:
        tell(town, order, "arrive", taken, heard)
    assert refused.value.code == code
    assert not Step.objects.filter(name="arrive").exists()


def test_only_what_a_driver_does_on_the_road_is_told_later(town):
    order = town.confirm()

    with pytest.raises(orders.StepRefused, match="not_later"):
        tell(town, order, "give_back", NOON, NOON + MINUTE)


def test_a_step_that_comes_twice_is_known_by_its_key_though_the_ride_has_moved_on(town):
    order, key = town.confirm(), uuid4()
    code = order.ride.code
    for _ in range(2):
        tell(town, order, "arrive", NOON + MINUTE, NOON + 9 * MINUTE, key)
    tell(town, order, "board", NOON + 2 * MINUTE, NOON + 9 * MINUTE, uuid4(), code=code)

    assert tell(town, order, "arrive", NOON + MINUTE, NOON + 9 * MINUTE, key).stage == "on_board"
    with pytest.raises(orders.OutOfTurn):
        tell(town, order, "arrive", NOON + MINUTE, NOON + 9 * MINUTE, uuid4())
    assert Step.objects.filter(name="arrive").count() == 1


def test_programs_tell_steps_later(town):
    at = clock.now() - 10 * MINUTE
    order = town.confirm(at)
    client, page = Client(), f"/api/v1/orders/{order.ref}/steps"
    client.force_login(town.worker.user)

    def send(key="first", **more):
        headers = {"Idempotency-Key": key}
        sent = {"step": "arrive"} | more
        return client.post(page, sent, content_type="application/json", headers=headers)

    told = send(taken_at=(at - MINUTE).isoformat())
    assert (told.status_code, told.json()["code"]) == (409, "before_the_last_step")
    for _ in range(2):
        told = send(taken_at=(at + MINUTE).isoformat())
        assert told.status_code == 200
        arrived = told.json()["steps"][-1]
        assert (arrived["name"], arrived["heard_at"] is not None) == ("arrive", True)
    stranger = Client()
    stranger.force_login(factories.UserFactory())
    assert (
        stranger.post(page, {"step": "arrive"}, content_type="application/json").status_code == 404
    )


def signed_in(page, user, site):
    client = Client()
    client.force_login(user)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": value, "url": site}
    page.context.add_cookies([cookie])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_a_whole_ride_without_a_line_is_told_in_order_when_it_is_back(
    town, new_page, site, width, theme
):
    order = town.confirm(clock.now())
    page = new_page(width=width, theme=theme)
    signed_in(page, town.worker.user, site)
    page.goto(f"{site}/drive/")
    expect(page.locator("#arrive")).to_be_visible()

    cut_the_line(page)
    page.locator("#arrive").click()
    kept = page.locator("#kept-steps")
    expect(kept).to_contain_text("Will be sent when there is a connection: at the pick-up")
    page.locator("#code").fill(order.ride.code)
    page.locator("#board").click()
    expect(kept).to_contain_text("ride started")
    assert_accessible(page)
    screenshot(page, f"kept-steps-{width}-{theme}")
    page.locator("#drop-off").click()
    expect(page.get_by_text("The ride is over for you.")).to_be_visible()
    order.refresh_from_db()
    assert order.stage == "on_the_way"

    page.context.set_offline(False)
    expect(kept).to_be_hidden()
    expect(page.get_by_role("heading", name="No offers yet")).to_be_visible()
    order.refresh_from_db()
    assert order.stage == "done"
    told = times(order)
    assert [name for name, _taken, _heard in told] == ["arrive", "board", "drop_off"]
    assert all(taken <= heard for _name, taken, heard in told)
    assert page.evaluate("localStorage.getItem('driver-steps')") is None


@pytest.mark.django_db(transaction=True)
def test_a_refused_step_is_said_and_what_stood_on_it_is_not_sent(town, new_page, site):
    order = town.confirm(clock.now())
    page = new_page()
    signed_in(page, town.worker.user, site)
    page.goto(f"{site}/drive/")
    cut_the_line(page)
    page.locator("#arrive").click()
    wrong = "0000" if order.ride.code != "0000" else "1111"
    page.locator("#code").fill(wrong)
    page.locator("#board").click()
    page.locator("#drop-off").click()

    page.context.set_offline(False)
    expect(page.get_by_text("The code does not match.").first).to_be_visible()
    expect(page.locator("#board")).to_be_visible()
    order.refresh_from_db()
    assert order.stage == "at_pickup"
    assert page.evaluate("localStorage.getItem('driver-steps')") is None

    page.locator("#code").fill(order.ride.code)
    page.locator("#board").click()
    expect(page.locator("#drop-off")).to_be_visible()
    order.refresh_from_db()
    assert order.stage == "on_board"


@pytest.mark.django_db(transaction=True)
def test_a_step_whose_answer_was_lost_is_known_when_it_is_told_again(town, new_page, site):
    order = town.confirm(clock.now())
    page = new_page()
    signed_in(page, town.worker.user, site)
    page.goto(f"{site}/drive/")

    def lose_the_answer(route):
        route.fetch(max_redirects=0)
        route.abort("connectionreset")

    page.route(f"**/drive/rides/{order.ref}/", lose_the_answer)
    page.locator("#arrive").click()
    # The page takes the line for dead and keeps the step, though the city has heard it.
    expect(page.locator("#code")).to_be_visible()
    page.locator("#code").fill(order.ride.code)
    page.locator("#board").click()

    expect(page.locator("#drop-off")).to_be_visible()
    expect(page.locator("#kept-steps")).to_be_hidden()
    order.refresh_from_db()
    assert order.stage == "on_board"
    assert [name for name, _taken, _heard in times(order)][-2:] == ["arrive", "board"]


@pytest.mark.django_db(transaction=True)
def test_steps_belong_to_who_took_them(town, new_page, site):
    order = town.confirm(clock.now())
    page = new_page()
    signed_in(page, town.worker.user, site)
    page.goto(f"{site}/drive/")
    cut_the_line(page)
    page.locator("#arrive").click()
    expect(page.locator("#kept-steps")).to_be_visible()
    # The phone goes to another driver before there is a line.
    other = rides.driver("Ana Soto")
    # Closed, not left: a page that is only left still runs for a moment, and hears of the line.
    phone = page.context
    page.close()
    page = phone.new_page()
    phone.set_offline(False)
    signed_in(page, other.user, site)
    page.goto(f"{site}/drive/")
    page.wait_for_load_state("networkidle")
    expect(page.locator("#kept-steps")).to_be_hidden()
    order.refresh_from_db()
    assert order.stage == "on_the_way"

    signed_in(page, town.worker.user, site)
    page.goto(f"{site}/drive/")
    expect(page.locator("#code")).to_be_visible()
    expect(page.locator("#kept-steps")).to_be_hidden()
    order.refresh_from_db()
    assert order.stage == "at_pickup"
