"""The link to a ride: what it shows, to whom, and when it ends."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from apps.dispatch.models import Position
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.mobility import operations
from apps.mobility.models import ShareLink
from tests import factories, races, rides
from tests.browser import assert_accessible, each_look, screenshot, watch
from tests.factories import NOON

MINUTE = timedelta(minutes=1)


@pytest.fixture
def town(db):
    return rides.town()


@pytest.fixture
def camila(town) -> Client:
    client = Client()
    client.force_login(town.rider)
    return client


def share(town, order, at=NOON) -> tuple[ShareLink, str]:
    return operations.share_ride(order_id=order.pk, by=town.rider.acting(Kind.CONSUMER), at=at)


def seen(worker, at) -> None:
    Position.objects.update_or_create(
        worker=worker, defaults={"lat": -29.905, "lon": -71.26, "heading": 90, "seen_at": at}
    )


def pressed(camila, order) -> str:
    """Press the button, and take the address from the page as a rider would."""
    page = camila.post(f"/rides/{order.ref}/share/")
    assert page.status_code == 200
    return re.search(r'value="http://testserver(/s/[^"]+)"', page.content.decode())[1]


def test_whoever_has_the_link_sees_the_car_and_nothing_that_is_the_riders(town, camila):
    order = town.confirm(clock.now())
    seen(town.worker, clock.now())

    answer = Client().get(pressed(camila, order))

    page = answer.content.decode()
    assert answer.status_code == 200
    assert (answer["Cache-Control"], answer["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    for told in ("Camila", "Marco", "Grey Kia Rio", 'data-lat="-29.905"', 'data-lon="-71.26"'):
        assert told in page
    kept = ("Rojas", "Tapia", "Plaza de Armas", "Faro", order.code, str(order.ref), "2,450", "CLP")
    assert [word for word in kept if word in page] == []
    assert f'"code">{order.ride.code}' not in page


def test_only_the_digest_of_a_token_is_kept(town):
    link, token = share(town, town.confirm())

    assert len(token) == 43
    assert token not in str(ShareLink.objects.values().get(pk=link.pk))


def test_making_it_again_leaves_the_link_that_was_shown_last(town, camila):
    order = town.confirm(clock.now())
    first, second = pressed(camila, order), pressed(camila, order)

    assert (Client().get(first).status_code, Client().get(second).status_code) == (410, 200)


def test_a_link_taken_back_says_so_and_twice_is_harmless(town, camila):
    order = town.confirm(clock.now())
    address = pressed(camila, order)
    for _ in range(2):
        assert camila.post(f"/rides/{order.ref}/share/stop/").status_code == 302

    for page in (address, f"{address}sheet/"):
        gone = Client().get(page)
        assert (gone.status_code, "This link has ended" in gone.content.decode()) == (410, True)
        assert "Camila" not in gone.content.decode()
        assert "hx-trigger" not in gone.content.decode()


def test_a_token_that_was_never_made_is_not_found(town):
    assert Client().get("/s/nobody-made-this/").status_code == 404
    assert Client().get("/s/nobody-made-this/sheet/").status_code == 404


def test_a_link_ends_half_an_hour_after_the_ride_and_never_later_than_12_hours(town):
    order = town.confirm()
    link, _ = share(town, order)
    assert link.ends_at == NOON + timedelta(hours=12)

    order = town.drive(order)

    link = ShareLink.objects.get(pk=link.pk)
    assert link.ends_at == order.ended_at + 30 * MINUTE
    assert link.is_open(order.ended_at + 30 * MINUTE - timedelta(microseconds=1))
    assert not link.is_open(order.ended_at + 30 * MINUTE)


def test_a_ride_that_has_ended_is_not_shared(town, camila):
    order = town.drive(town.confirm())

    with pytest.raises(operations.RideOver):
        share(town, order)
    assert camila.post(f"/rides/{order.ref}/share/").status_code == 409


@pytest.mark.parametrize("page", ["share/", "share/stop/"])
def test_only_the_rider_shares_a_ride(town, page):
    order = town.confirm()
    for somebody in (town.worker.user, factories.UserFactory()):
        client = Client()
        client.force_login(somebody)
        assert client.post(f"/rides/{order.ref}/{page}").status_code == 404
        assert client.post(f"/api/v1/orders/{order.ref}/share").status_code == 404
        assert client.delete(f"/api/v1/orders/{order.ref}/share").status_code == 404
    assert Client().post(f"/rides/{order.ref}/{page}").status_code == 302
    assert ShareLink.objects.count() == 0


def test_programs_share_and_stop(town, camila):
    order = town.confirm(clock.now())

    made = camila.post(f"/api/v1/orders/{order.ref}/share")
    address = made.json()["url"].removeprefix("http://testserver")
    assert (made.status_code, Client().get(address).status_code) == (201, 200)

    for _ in range(2):
        assert camila.delete(f"/api/v1/orders/{order.ref}/share").status_code == 204
    assert Client().get(address).status_code == 410

    town.drive(order, clock.now())
    over = camila.post(f"/api/v1/orders/{order.ref}/share")
    assert (over.status_code, over.json()["code"]) == (409, "ride_over")


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_leave_one_link(town):
    order = town.confirm()

    made = races.at_once(*[lambda: share(town, order)] * 2)

    assert [type(one) for one in made] == [tuple, tuple]
    assert ShareLink.objects.kept().count() == 1


@pytest.mark.django_db(transaction=True)
@each_look
def test_the_pages_of_a_link_can_be_used_by_everybody(town, camila, new_page, site, width, theme):
    order = town.confirm(clock.now())
    seen(town.worker, clock.now())
    page = new_page(width=width, theme=theme)
    told = watch(page)
    page.context.add_cookies(
        [{"name": "sessionid", "value": camila.cookies["sessionid"].value, "url": site}]
    )
    page.goto(f"{site}/rides/{order.ref}/")
    page.get_by_role("link", name="Share this ride").click()
    page.get_by_role("button", name="Make a link").click()
    address = page.get_by_label("Send it to somebody you trust").input_value()
    assert_accessible(page)
    screenshot(page, f"share-{width}-{theme}", full=True)

    friend = new_page(width=width, theme=theme)
    friend.goto(address)
    friend.wait_for_load_state("load")
    assert_accessible(friend)
    screenshot(friend, f"watch-{width}-{theme}")
    Position.objects.update(lat=-29.9)
    friend.wait_for_selector('#watch[data-lat="-29.9"]')

    page.get_by_role("button", name="Stop sharing").click()
    friend.get_by_role("heading", name="This link has ended").wait_for()
    assert_accessible(friend)
    screenshot(friend, f"watch-ended-{width}-{theme}")
    assert [line for line in told if "/ws/" not in line] == []
