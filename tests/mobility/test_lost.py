"""Something was left in the car: reported, looked for, brought back."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from apps.bus.models import Event
from apps.insight import queries as insight
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.mobility import operations
from apps.mobility.models import LostItem, LostStep
from apps.notifications import queries as news
from tests import factories, races, rides
from tests.browser import assert_accessible, each_look, screenshot, watch
from tests.factories import CITY, NOON, OFFICER

DAY = timedelta(days=1)
UMBRELLA = {"what": "Black umbrella", "place": "BACK", "may_call": True}


@pytest.fixture
def town(db):
    return rides.town()


@pytest.fixture
def order(town):
    return town.drive(town.confirm())


def by_rider(town):
    return town.rider.acting(Kind.CONSUMER)


def report(town, order, at=NOON + DAY, **more) -> LostItem:
    what = UMBRELLA | more
    return operations.report_lost(order_id=order.pk, **what, by=by_rider(town), at=at)


def answer(town, item, at=NOON + DAY, way="MEET", detail="Plaza, today at 18:00"):
    by = town.worker.actor
    return operations.answer_lost(item_id=item.pk, way=way, detail=detail, by=by, at=at)


def heard(user):
    return [one.kind for one in reversed(news.inbox(user.pk)) if one.kind.startswith("lost_")]


def thread(item):
    return list(item.steps.order_by("pk").values_list("state", flat=True))


def test_reported_found_and_returned_each_side_hears_of_the_other(town, order):
    item = report(town, order)
    answer(town, item)
    operations.note_returned(item_id=item.pk, by=by_rider(town), at=NOON + 2 * DAY)
    rides.relay_all(NOON + 2 * DAY)

    item.refresh_from_db()
    assert (item.state, item.closed_at, item.way) == ("RETURNED", NOON + 2 * DAY, "MEET")
    assert thread(item) == ["REPORTED", "FOUND", "RETURNED"]
    assert heard(town.worker.user) == ["lost_reported", "lost_returned"]
    assert heard(town.rider) == ["lost_found"]


def test_what_was_not_found_may_be_found_later(town, order):
    item = report(town, order)
    answer(town, item, way="", detail="")
    answer(town, item, at=NOON + 2 * DAY)
    rides.relay_all(NOON + 2 * DAY)

    assert thread(item) == ["REPORTED", "NOT_FOUND", "FOUND"]
    assert heard(town.rider) == ["lost_not_found", "lost_found"]


def test_each_of_it_twice_is_harmless(town, order):
    item = report(town, order)
    assert report(town, order, what="Another thing") == item
    for _ in range(2):
        answer(town, item)
    for who in (by_rider(town), town.worker.actor):
        operations.note_returned(item_id=item.pk, by=who, at=NOON + DAY)

    assert thread(item) == ["REPORTED", "FOUND", "RETURNED"]
    assert Event.objects.filter(topic__startswith="mobility.lost_").count() == 3
    assert report(town, order) != item


def test_what_is_out_of_turn_or_not_theirs_is_refused(town, order):
    item, other = report(town, order), rides.driver("Rosa Vega")
    refused = [
        lambda: operations.note_returned(item_id=item.pk, by=by_rider(town), at=NOON),
        lambda: operations.note_returned(item_id=item.pk, by=other.actor, at=NOON),
        lambda: operations.withdraw_lost(item_id=item.pk, by=town.worker.actor, at=NOON),
        lambda: operations.answer_lost(item_id=item.pk, way="MEET", by=other.actor, at=NOON),
        lambda: operations.answer_lost(item_id=item.pk, way="MEET", by=by_rider(town), at=NOON),
        lambda: operations.close_lost(item_id=item.pk, reason="x", by=town.worker.actor, at=NOON),
        lambda: operations.report_lost(
            order_id=order.pk, **UMBRELLA, by=town.worker.actor, at=NOON
        ),
    ]
    for call in refused:
        with pytest.raises(operations.LostOutOfTurn):
            call()
    answer(town, item)
    with pytest.raises(operations.LostOutOfTurn):
        answer(town, item, way="")
    assert thread(item) == ["REPORTED", "FOUND"]


def test_it_is_reported_within_a_fortnight_of_a_ride_that_was_made(town, order):
    last = order.ended_at + 14 * DAY
    with pytest.raises(operations.NothingLost):
        report(town, order, at=last)
    assert report(town, order, at=last - timedelta(seconds=1)).closes_at == (
        last - timedelta(seconds=1) + 14 * DAY
    )
    with pytest.raises(operations.NothingLost):
        report(town, town.search(NOON))
    with pytest.raises(ValueError, match="MOON"):
        report(town, town.drive(town.confirm()), place="MOON")


def test_after_fourteen_days_it_closes_by_itself_and_both_hear_of_it(town, order):
    item = report(town, order)
    assert operations.close_old_lost(at=NOON + 15 * DAY - timedelta(seconds=1)) == 0
    assert operations.close_old_lost(at=NOON + 15 * DAY) == 1
    assert operations.close_old_lost(at=NOON + 15 * DAY) == 0
    rides.relay_all(NOON + 15 * DAY)

    item.refresh_from_db()
    assert (item.state, item.closed_at) == ("CLOSED", NOON + 15 * DAY)
    assert heard(town.rider) == ["lost_closed"]
    assert heard(town.worker.user) == ["lost_reported", "lost_closed"]


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "LOST"},
        {"state": "FOUND"},
        {"state": "FOUND", "way": "MEET"},
        {"state": "NOT_FOUND"},
        {"state": "FOUND", "answered_at": NOON},
        {"state": "RETURNED", "answered_at": NOON, "way": "MEET"},
        {"state": "CLOSED"},
        {"closed_at": NOON},
    ],
)
def test_a_state_that_is_not_whole_is_none_says_the_database(town, order, fields):
    item = report(town, order)
    with pytest.raises(IntegrityError), transaction.atomic():
        LostItem.objects.filter(pk=item.pk).update(**fields)


@pytest.mark.django_db(transaction=True)
def test_reported_and_answered_by_two_at_once_it_is_said_once():
    town = rides.town()
    order = town.drive(town.confirm())
    first, second = races.at_once(lambda: report(town, order), lambda: report(town, order))
    assert first == second

    races.at_once(
        lambda: answer(town, first), lambda: operations.close_old_lost(at=NOON + 15 * DAY)
    )
    states = thread(first)
    assert states in (["REPORTED", "FOUND", "CLOSED"], ["REPORTED", "CLOSED"])
    assert LostItem.objects.open().count() == 0

    with races.without(LostStep, "mobility_lost_each_state_once"):
        LostStep.objects.create(item=first, state="REPORTED", by=str(CITY), taken_at=NOON)
        assert first.steps.filter(state="REPORTED").count() == 2


def test_an_officer_sees_it_in_a_worklist_and_closes_it_with_a_reason(town, order, admin_client):
    item = report(town, order)
    open_now = {str(one.label): one for one in insight.worklists(NOON)}["Lost items that are open"]
    assert open_now.value == 1
    assert admin_client.get(open_now.url).context["cl"].result_count == 1

    told = {"action": "close", "_selected_action": [item.pk], "because": "1", "reason": "At desk"}
    admin_client.post("/admin/mobility/lostitem/", told)

    item.refresh_from_db()
    assert (item.state, item.reason) == ("CLOSED", "At desk")
    assert admin_client.get(f"/admin/mobility/lostitem/{item.pk}/change/").status_code == 200
    operations.close_lost(item_id=item.pk, reason="Again", by=OFFICER, at=NOON)
    item.refresh_from_db()
    assert item.reason == "At desk"


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ridden(town):
    """A ride that ended a moment ago, for the pages, which look at the clock."""
    at = clock.now() - timedelta(hours=1)
    return town.drive(town.confirm(at=at), at=at)


def test_both_sides_settle_it_on_one_page(town, ridden):
    rider, driver = client_of(town.rider), client_of(town.worker.user)
    town.rider.phone = "+56 9 1234 5678"
    town.rider.save()
    path = f"/rides/{ridden.ref}/lost/"
    assert path in rider.get(f"/orders/{ridden.ref}/").content.decode()

    told = {"what": "Black umbrella", "place": "BACK", "may_call": "on"}
    assert rider.post(path, told).status_code == 302
    page = driver.get(path).content.decode()
    assert "Black umbrella" in page
    assert "tel:+56 9 1234 5678" in page
    assert driver.post(path, {"way": "MEET", "detail": ""}).status_code == 422
    assert driver.post(path, {"way": "MEET", "detail": "Plaza at six"}).status_code == 302
    assert "Plaza at six" in rider.get(path).content.decode()
    assert rider.post(path, {"do": "returned"}).status_code == 302

    assert LostItem.objects.get().state == "RETURNED"
    assert "tel:" not in driver.get(path).content.decode()


def test_without_leave_to_call_the_driver_sees_no_number(town, ridden):
    town.rider.phone = "+56 9 1234 5678"
    town.rider.save()
    path = f"/rides/{ridden.ref}/lost/"
    client_of(town.rider).post(path, {"what": "Umbrella", "place": "BACK"})

    assert "+56" not in client_of(town.worker.user).get(path).content.decode()


def test_a_stranger_and_another_driver_find_nothing(town, ridden):
    path = f"/rides/{ridden.ref}/lost/"
    for user in (factories.UserFactory(), rides.driver("Rosa Vega").user):
        assert client_of(user).get(path).status_code == 404
        assert client_of(user).get(f"/api/v1/orders/{ridden.ref}/lost").status_code == 404
    assert Client().get(path).status_code == 302


def test_a_form_that_came_too_late_says_how_it_stands(town, ridden):
    path, rider = f"/rides/{ridden.ref}/lost/", client_of(town.rider)
    rider.post(path, {"what": "Umbrella", "place": "BACK"})

    page = rider.post(path, {"do": "returned"}, follow=True).content.decode()

    assert "changed meanwhile" in page
    assert LostItem.objects.get().state == "REPORTED"


def test_programs_say_the_same(town, ridden):
    rider, driver = client_of(town.rider), client_of(town.worker.user)
    path = f"/api/v1/orders/{ridden.ref}/lost"
    json = {"content_type": "application/json"}
    assert rider.get(path).status_code == 404

    made = rider.post(path, {"what": "Umbrella", "place": "BOOT"}, **json)
    assert (made.status_code, made.json()["state"]) == (201, "REPORTED")
    assert driver.patch(path, {"do": "found"}, **json).status_code == 422
    found = driver.patch(path, {"do": "found", "way": "DESK", "detail": "Until Friday"}, **json)
    assert found.json()["state"] == "FOUND"
    late = driver.patch(path, {"do": "not_found"}, **json)
    assert (late.status_code, late.json()["code"]) == (409, "out_of_turn")
    assert driver.patch(path, {"do": "returned"}, **json).json()["state"] == "RETURNED"
    steps = [one["state"] for one in rider.get(path).json()["steps"]]
    assert steps == ["REPORTED", "FOUND", "RETURNED"]


@each_look
def test_everybody_can_use_the_page(new_page, site, transactional_db, width, theme):
    town = rides.town()
    at = clock.now() - timedelta(hours=1)
    order = town.drive(town.confirm(at=at), at=at)
    page = new_page(width=width, theme=theme, lang="es" if theme == "dark" else "en")
    told = watch(page)

    def look(user, name):
        cookie = client_of(user).cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])
        page.goto(f"{site}/rides/{order.ref}/lost/")
        assert_accessible(page)
        screenshot(page, f"lost-{name}-{width}-{theme}", full=True)

    look(town.rider, "report")
    item = report(town, order, at=clock.now())
    look(town.worker.user, "answer")
    answer(town, item, at=clock.now())
    look(town.rider, "found")
    assert told == []
