"""The list of news, the page of choices, the bell in the bar, and the API under them."""

import pytest
from django.test import Client

from apps.kernel.actors import Kind as Part
from apps.kernel.money import Money
from apps.notifications import operations, queries, words
from apps.notifications.models import Device, QuietHours
from tests import factories, rides
from tests.browser import assert_accessible, each_look, screenshot, watch
from tests.factories import CITY, NOON

NOTHING = {"data": {}, "content_type": "application/json"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def town():
    return rides.town()


@pytest.fixture
def client(town) -> Client:
    client = Client()
    client.force_login(town.rider)
    return client


def tell(user, kind="receipt_ready", about="1", link="/orders/", **context):
    told = {"sum": words.money(Money(2450, "CLP")), "summary": "Plaza to Faro"} | context
    return operations.notify(
        to=user.pk, kind=kind, about=about, link=link, context=told, by=CITY, at=NOON
    )


def tell_much(town):
    car = {"driver": "Marco", "colour": "Grey", "make": "Kia Rio", "plate": "LX0001"}
    tell(town.rider)
    tell(town.rider, "ride_accepted", "2", **car, away=words.seconds(180))
    tell(town.rider, "ride_unserved", "3", dropoff="Faro Monumental")
    tell(town.rider, "cash_owed", "4")
    by = town.rider.acting(Part.CONSUMER)
    operations.read(user_id=town.rider.pk, ref=str(tell(town.rider).ref), by=by, at=NOON)


def test_the_bell_says_how_much_is_unread(client, town):
    assert 'data-unread="0"' in client.get("/help/").content.decode()
    tell(town.rider)

    page = client.get("/help/").content.decode()

    assert 'data-unread="1"' in page
    assert "Notices, 1 unread" in page
    assert "data-unread" not in Client().get("/help/").content.decode()


def test_the_bell_costs_one_question(client, town, django_assert_max_num_queries):
    client.get("/help/")
    with django_assert_max_num_queries(8) as asked:
        client.get("/help/")

    assert sum('"notifications_notice"' in one["sql"] for one in asked) == 1


def test_going_where_a_notice_leads_is_reading_it(client, town):
    notice = tell(town.rider)

    answer = client.get(f"/notices/{notice.ref}/")

    assert (answer.status_code, answer["Location"]) == (302, "/orders/")
    assert queries.unread(town.rider.pk) == 0


def test_news_of_others_is_not_found(client, town):
    notice = tell(town.worker.user)

    assert client.get(f"/notices/{notice.ref}/").status_code == 404
    assert client.post(f"/me/notices/devices/{notice.ref}/remove/").status_code == 404
    assert "Your receipt" not in client.get("/notices/").content.decode()
    assert queries.unread(town.worker.user_id) == 1


@pytest.mark.parametrize("path", ["/notices/", "/me/notices/"])
def test_whoever_is_not_signed_in_signs_in_first(path):
    assert Client().get(path)["Location"] == f"/accounts/login/?next={path}"


def test_all_is_marked_as_read_at_once(client, town):
    tell_much(town)

    assert client.post("/notices/read/").status_code == 302
    assert queries.unread(town.rider.pk) == 0


def test_choices_and_quiet_hours_are_kept(client, town):
    told = {"starts": "22:00", "ends": "07:00", "zone": "America/Santiago"}
    wanted = ["receipt_ready:MAIL", "receipt_ready:SCREEN"]

    assert client.post("/me/notices/", {**told, "wanted": wanted}).status_code == 302

    page = client.get("/me/notices/").content.decode()
    assert 'value="receipt_ready:MAIL" checked' in page
    assert 'value="receipt_ready:PUSH" checked' not in page
    assert 'value="22:00"' in page
    assert str(QuietHours.objects.get()) == "22:00 to 07:00"


@pytest.mark.parametrize(
    ("starts", "ends", "says"),
    [("22:00", "", "Give both hours"), ("07:00", "07:00", "different times"), ("x", "", "valid")],
)
def test_half_of_quiet_hours_is_said_to_be_half(client, starts, ends, says):
    answer = client.post("/me/notices/", {"starts": starts, "ends": ends, "zone": "UTC"})

    assert answer.status_code == 422
    assert says in answer.content.decode()


def test_only_ones_own_parts_stand_on_the_page(client, town):
    mine = client.get("/me/notices/").content.decode()
    client.force_login(town.worker.user)
    drivers = client.get("/me/notices/").content.decode()

    assert ("When you drive" in mine, "When you drive" in drivers) == (False, True)
    assert "When you work for the city" not in drivers


def test_a_device_comes_by_the_api_and_goes_on_the_page(client, town, push_server):
    browser = push_server.browser()
    told = {**browser.subscription, "name": "Chrome, Android"}
    key = client.get("/api/v1/devices/key").json()["key"]
    assert len(key) == 87

    answer = client.post("/api/v1/devices", told, content_type="application/json")

    assert answer.status_code == 201
    assert [one["name"] for one in client.get("/api/v1/devices").json()] == ["Chrome, Android"]
    device = Device.objects.get()
    assert browser.endpoint not in client.get("/me/notices/").content.decode()
    client.post(f"/me/notices/devices/{device.ref}/remove/")
    assert client.get("/api/v1/devices").json() == []


def test_a_device_that_is_none_is_a_problem_in_words(client, push_server):
    browser = push_server.browser()
    told = {"endpoint": browser.endpoint, "keys": {"p256dh": "AAAA", "auth": "AAAA"}}

    answer = client.post("/api/v1/devices", told, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (422, "not_a_device")


def test_news_is_read_by_the_api(client, town):
    tell_much(town)
    listed = client.get("/api/v1/notices").json()["results"]
    assert [one["kind"] for one in listed] == [
        "cash_owed",
        "ride_unserved",
        "ride_accepted",
        "receipt_ready",
    ]
    assert listed[2]["title"] == "Marco is on the way"

    one = client.post(
        "/api/v1/notices/unread", {"ref": listed[0]["ref"]}, content_type="application/json"
    )
    assert one.json() == {"unread": 2}
    assert client.post("/api/v1/notices/unread", **NOTHING).json() == {"unread": 0}
    strange = {"ref": str(tell(town.worker.user).ref)}
    refused = client.post("/api/v1/notices/unread", strange, content_type="application/json")
    assert refused.status_code == 404


def test_officers_look_at_news_and_see_no_secret_address(admin_client, town, push_server):
    browser = push_server.browser()
    device = operations.add_device(
        user_id=town.rider.pk,
        endpoint=browser.endpoint,
        p256dh=browser.p256dh,
        auth=browser.auth,
        name="Chrome",
        by=CITY,
        at=NOON,
    )
    notice = tell(town.rider)

    for path in ("notice/", f"notice/{notice.pk}/change/", "sending/", "device/"):
        assert admin_client.get(f"/admin/notifications/{path}").status_code == 200, path
    page = admin_client.get(f"/admin/notifications/device/{device.pk}/change/").content.decode()
    assert browser.endpoint not in page
    assert browser.auth not in page


@each_look
def test_news_can_be_read_and_chosen_by_everybody(new_page, site, transactional_db, width, theme):
    town = rides.town()
    tell_much(town)
    person = town.worker.user if width == 1280 else town.rider
    if person != town.rider:
        tell(person, "paper_runs_out", "5", paper="Licence", until=words.day(NOON.date()))
    factories.UserFactory(name="Other")
    client = Client()
    client.force_login(person)
    page = new_page(width=width, theme=theme, lang="es" if theme == "dark" else "en")
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}]
    )
    told = watch(page)
    for path, name in (("/notices/", "news"), ("/me/notices/", "choices"), ("/help/", "bell")):
        page.goto(f"{site}{path}")
        assert_accessible(page)
        screenshot(page, f"{name}-{width}-{theme}", full=name != "bell")
    assert told == []
