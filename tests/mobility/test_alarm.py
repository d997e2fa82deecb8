"""Calling the city for help on a ride."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from apps.dispatch.models import Position
from apps.insight import queries as insight
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.mobility import operations
from apps.mobility.models import Alert
from apps.places.geometry import Point
from apps.places.models import City
from tests import factories, races, rides
from tests.browser import assert_accessible, each_look, screenshot, watch
from tests.factories import NOON, OFFICER

MINUTE = timedelta(minutes=1)
NOTHING = {"data": {}, "content_type": "application/json"}


@pytest.fixture
def town(db):
    return rides.town()


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def call(town, order, at=NOON, **more) -> Alert:
    return operations.raise_alert(
        order_id=order.pk, by=town.rider.acting(Kind.CONSUMER), at=at, **more
    )


def seen(town, at=NOON) -> None:
    Position.objects.update_or_create(
        worker=town.worker, defaults={"lat": -29.905, "lon": -71.26, "heading": 90, "seen_at": at}
    )


def test_a_call_says_who_where_and_when(town):
    order = town.confirm()
    seen(town)

    alert = call(town, order, NOON + MINUTE)

    assert (alert.part, alert.by) == ("RIDER", f"consumer:{town.rider.pk}")
    assert (alert.lat, alert.lon, alert.raised_at) == (-29.905, -71.26, NOON + MINUTE)


def test_where_somebody_says_they_are_wins_over_the_car(town):
    order = town.confirm()
    seen(town)

    alert = call(town, order, here=Point(-29.9, -71.25))

    assert (alert.lat, alert.lon) == (-29.9, -71.25)


def test_a_call_without_any_position_is_a_call(town):
    alert = call(town, town.confirm())

    assert (alert.lat, alert.lon) == (None, None)


def test_calling_twice_is_one_call_and_again_after_it_was_closed_is_another(town):
    order = town.confirm()
    first = call(town, order)
    assert call(town, order, NOON + MINUTE) == first

    operations.close_alert(alert_id=first.pk, reason="All well", by=OFFICER, at=NOON + MINUTE)

    assert call(town, order, NOON + 2 * MINUTE) != first
    assert Alert.objects.open().count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_calls_at_once_are_one(town):
    order = town.confirm()

    made = races.at_once(*[lambda: call(town, order)] * 2)

    assert made[0] == made[1]
    assert Alert.objects.count() == 1


def test_help_is_called_once_a_driver_is_known_and_until_half_an_hour_after(town):
    with pytest.raises(operations.NobodyToFear):
        call(town, town.search())
    order = town.drive(town.confirm())

    with pytest.raises(operations.NobodyToFear):
        call(town, order, order.ended_at + 30 * MINUTE)
    assert call(town, order, order.ended_at + 30 * MINUTE - timedelta(seconds=1))


def test_an_officer_takes_a_call_up_once_and_closes_it_once(town):
    alert = call(town, town.confirm())
    for minute in (1, 2):
        operations.acknowledge_alert(
            alert_id=alert.pk, reason="Calling her", by=OFFICER, at=NOON + minute * MINUTE
        )
    alert.refresh_from_db()
    assert (alert.acknowledged_at, alert.answer) == (NOON + MINUTE, "Calling her")

    for minute in (3, 4):
        operations.close_alert(
            alert_id=alert.pk, reason="She is well", by=OFFICER, at=NOON + minute * MINUTE
        )
    alert.refresh_from_db()
    assert (alert.closed_at, alert.answer) == (NOON + 3 * MINUTE, "She is well")
    with pytest.raises(operations.AlertClosed):
        operations.acknowledge_alert(alert_id=alert.pk, reason="", by=OFFICER, at=NOON)


def test_an_open_call_is_urgent_on_the_worklist(town):
    alert = call(town, town.confirm())

    def urgent() -> dict[str, object]:
        return {str(one.label): one.value for one in insight.worklists(NOON) if one.is_urgent}

    assert urgent()["Calls for help that are open"] == 1
    operations.close_alert(alert_id=alert.pk, reason="All well", by=OFFICER, at=NOON)
    assert "Calls for help that are open" not in urgent()


def test_officers_answer_with_a_reason_if_they_may(town):
    alert = call(town, town.confirm())
    officer = factories.UserFactory(is_staff=True)
    officer.user_permissions.add(Permission.objects.get(codename="view_alert"))
    sent = {"action": "close", "_selected_action": [alert.pk], "because": "1", "reason": "Well"}

    client_of(officer).post("/admin/mobility/alert/", sent)
    alert.refresh_from_db()
    assert alert.closed_at is None

    officer.user_permissions.add(Permission.objects.get(codename="answer_alert"))
    client_of(officer).post("/admin/mobility/alert/", sent)
    alert.refresh_from_db()
    assert (alert.closed_at is not None, alert.answer) == (True, "Well")


def test_only_the_two_on_the_ride_call_for_it(town):
    order = town.confirm(clock.now())
    stranger = client_of(factories.UserFactory())
    teammate = client_of(factories.WorkerFactory(provider=town.worker.provider).user)
    for somebody in (stranger, teammate):
        for page in (f"/rides/{order.ref}/help/", f"/drive/rides/{order.ref}/help/"):
            assert somebody.post(page).status_code == 404
        told = somebody.post(f"/api/v1/orders/{order.ref}/alert", **NOTHING)
        assert told.status_code == 404
    assert Alert.objects.count() == 0

    assert client_of(town.rider).post(f"/rides/{order.ref}/help/").status_code == 302
    assert client_of(town.worker.user).post(f"/drive/rides/{order.ref}/help/").status_code == 302
    assert list(Alert.objects.order_by("pk").values_list("part", flat=True)) == ["RIDER", "DRIVER"]


def test_programs_call_for_help(town):
    City.objects.update(emergency_phone="133")
    order, address = town.confirm(clock.now()), "/api/v1/orders/{}/alert"
    sent = {"data": {"here": {"lat": -29.9, "lon": -71.25}}, "content_type": "application/json"}

    told = client_of(town.rider).post(address.format(order.ref), **sent)
    assert (told.status_code, told.json()["part"]) == (201, "RIDER")
    assert told.json()["emergency_phone"] == "133"
    told = client_of(town.worker.user).post(address.format(order.ref), **NOTHING)
    assert (told.status_code, told.json()["part"]) == (201, "DRIVER")

    waiting = town.search(clock.now())
    told = client_of(town.rider).post(address.format(waiting.ref), **NOTHING)
    assert (told.status_code, told.json()["code"]) == (409, "no_car")


@pytest.mark.django_db(transaction=True)
@each_look
def test_help_can_be_called_by_everybody(town, new_page, site, width, theme):
    City.objects.update(emergency_phone="133")
    order = town.confirm(clock.now())
    for who, user, address in (
        ("rider", town.rider, f"/rides/{order.ref}/"),
        ("driver", town.worker.user, "/drive/"),
    ):
        page = new_page(width=width, theme=theme)
        told = watch(page)
        cookie = client_of(user).cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])
        page.goto(f"{site}{address}")
        page.get_by_text("Help in an emergency").click()
        assert page.get_by_role("link", name="Call 133").get_attribute("href") == "tel:133"
        assert_accessible(page)
        page.get_by_role("button", name="Alert the city's desk").scroll_into_view_if_needed()
        screenshot(page, f"help-{who}-{width}-{theme}")
        page.get_by_role("button", name="Alert the city's desk").click()
        page.get_by_text("The city's desk has your call for help.").first.wait_for()
        page.goto(f"{site}{address}")
        assert_accessible(page)
        screenshot(page, f"helped-{who}-{width}-{theme}")
        assert [line for line in told if "/ws/" not in line] == []
    assert Alert.objects.open().count() == 2
