from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.kernel import clock
from apps.orders.models import Order
from apps.places.models import Place
from apps.pricing.models import Quote, Tariff
from tests import factories, rides
from tests.browser import assert_accessible, each_look, screenshot, watch

PLACES = {"Plaza de Armas": (-29.9027, -71.2520), "Faro Monumental": (-29.9057, -71.2740)}
TRIP = {"start": "Plaza de Armas", "to": "Faro Monumental"}


@pytest.fixture
def town(db):
    cache.clear()
    town = rides.town()
    Tariff.objects.update(valid=factories.FOR_GOOD)
    for name, (lat, lon) in PLACES.items():
        Place.objects.create(
            city=town.city,
            kind="LANDMARK",
            name=name,
            detail="",
            search=name.lower(),
            lat=lat,
            lon=lon,
        )
    return town


@pytest.fixture
def camila(town) -> Client:
    client = Client()
    client.force_login(town.rider)
    return client


def prices(client: Client, **asked: str) -> str:
    """The address of the prices for a trip."""
    answer = client.post("/rides/", TRIP | asked)
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


def wants(price: Quote, town, **other) -> dict[str, str]:
    return {"quote": str(price.ref), "card": str(town.card.pk), "key": str(uuid4())} | other


def body(answer) -> str:
    return answer.content.decode().replace("\xa0", " ")


def test_typed_names_lead_to_prices(camila, town):
    page = camila.get(prices(camila))

    quote = Quote.objects.get()
    assert quote.request["pickup"]["name"] == "Plaza de Armas"
    assert (quote.request["dropoff"]["lat"], quote.consumer) == (-29.9057, town.rider)
    assert f"CLP {quote.total_minor:,}" in body(page)
    assert "Cancel free until 2 min after a driver accepts" in body(page)


def test_a_name_typed_over_a_chosen_place_wins_over_its_point(camila):
    prices(
        camila,
        to="Faro Monumental",
        to_was="La Recova",
        to_lat="-29.9001",
        to_lon="-71.2447",
    )

    assert Quote.objects.get().request["dropoff"]["lon"] == -71.274


@pytest.mark.parametrize(
    ("lat", "lon"), [("91", "0"), ("nan", "nan"), ("north", "west"), ("", "1")]
)
def test_a_point_that_is_none_leaves_the_name_to_be_looked_up(camila, lat, lon):
    prices(camila, to_lat=lat, to_lon=lon)

    assert Quote.objects.get().request["dropoff"]["lon"] == -71.274


def test_a_place_chosen_on_the_home_page_is_filled_in(camila):
    page = body(camila.get("/rides/?to=Faro+Monumental&to_lat=-29.9057&to_lon=-71.2740"))

    assert 'name="to" value="Faro Monumental"' in page
    assert 'name="to_lat" data-lat value="-29.9057"' in page


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"to": ""}, "This field is required"),
        ({"to": "   "}, "This field is required"),
        ({"to": "Xyzzyx 99"}, "We know no place of this name"),
        ({"to": "x" * 121}, "at most 120 characters"),
        ({"to": "a\x00b"}, "Null characters are not allowed"),
        ({"to": "-29.95,-71.10"}, "outside the city"),
        ({"to": "Plaza de Armas"}, "same place"),
    ],
)
def test_what_cannot_be_priced_is_said_and_what_was_typed_stays(camila, asked, says):
    answer = camila.post("/rides/", TRIP | asked)

    assert answer.status_code == 422
    assert says in body(answer)
    assert 'name="start" value="Plaza de Armas"' in body(answer)
    assert not Quote.objects.exists()


def test_a_name_that_is_nearly_known_is_answered_with_links_to_the_nearest(camila, town):
    Place.objects.create(
        city=town.city,
        kind="STREET",
        name="Avenida Faro",
        detail="",
        search="avenida faro",
        lat=-29.91,
        lon=-71.27,
    )

    answer = camila.post("/rides/", TRIP | {"to": "faro"})

    assert answer.status_code == 422
    assert "to=Faro+Monumental&amp;to_lat=-29.905700&amp;to_lon=-71.274000" in body(answer)
    assert "start_lat=-29.902700" in body(answer)


@pytest.mark.parametrize("point", ["", "x", "91,0", "nan,nan", "1,2,3"])
def test_a_tap_that_is_no_place_is_refused(camila, point):
    assert camila.get("/rides/point/", {"point": point}).status_code == 422


def test_a_tap_is_called_by_what_is_nearest(camila):
    answer = camila.get("/rides/point/", {"point": "-29.9027,-71.2521"})

    assert answer.content.decode() == "Plaza de Armas"


def test_a_visitor_sees_prices_and_signs_in_to_order(town):
    visitor = Client()
    address = prices(visitor)

    page = body(visitor.get(address))
    sent = visitor.post(address, wants(Quote.objects.get(), town))

    assert f"/accounts/login/?next={address}" in page
    assert sent["Location"] == f"/accounts/login/?next={address}"
    assert not Order.objects.exists()


def test_prices_of_somebody_else_are_not_found(camila):
    address = prices(camila)
    stranger = Client()
    stranger.force_login(factories.UserFactory())

    assert Client().get(address).status_code == 404
    assert stranger.get(address).status_code == 404
    assert stranger.post(f"{address}again/").status_code == 404


def test_a_form_sent_twice_is_one_ride(camila, town):
    address = prices(camila)
    asked = wants(Quote.objects.get(), town)

    first, second = camila.post(address, asked), camila.post(address, asked)

    assert first["Location"] == second["Location"]
    order = Order.objects.get()
    assert first["Location"] == f"/rides/{order.ref}/"
    assert "Asking your bank" in body(camila.get(first["Location"]))


@pytest.mark.parametrize(
    ("other", "status"),
    [
        ({"key": "x"}, 422),
        ({"key": ""}, 422),
        ({"quote": "x"}, 422),
        ({"quote": str(uuid4())}, 410),
        ({"card": "x"}, 422),
        ({"card": "0"}, 422),
        ({"card": "99999999999999999999"}, 422),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_in_words(camila, town, other, status):
    address = prices(camila)

    answer = camila.post(address, wants(Quote.objects.get(), town, **other))

    assert answer.status_code == status
    assert "notice--critical" in body(answer)
    assert not Order.objects.exists()


def test_somebody_elses_card_pays_nothing(camila, town):
    address, other = prices(camila), rides.card_of(factories.UserFactory())

    answer = camila.post(address, wants(Quote.objects.get(), town, card=str(other.pk)))

    assert (answer.status_code, Order.objects.count()) == (422, 0)


def test_a_price_orders_one_ride_only(camila, town):
    address = prices(camila)
    camila.post(address, wants(Quote.objects.get(), town))

    answer = camila.post(address, wants(Quote.objects.get(), town))

    assert (answer.status_code, Order.objects.count()) == (410, 1)
    assert "used already" in body(answer)


def test_prices_that_ran_out_are_renewed_and_a_new_sum_is_said(camila, town):
    address = prices(camila)
    old = Quote.objects.get()
    Quote.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    Tariff.objects.update(start_minor=750)

    assert "older than five minutes" in body(camila.get(address))
    assert camila.post(address, wants(old, town)).status_code == 410
    page = body(camila.post(f"{address}again/", follow=True))

    new = Quote.objects.exclude(pk=old.pk).get()
    assert f"is now CLP {new.total_minor:,}. It was CLP {old.total_minor:,}." in page


def test_without_a_card_the_page_asks_for_one_first(town):
    client = Client()
    client.force_login(factories.UserFactory())
    address = prices(client)

    assert f"/me/cards/?next={address}" in body(client.get(address))


def order_of(town) -> Order:
    return town.confirm(at=clock.now())


def test_the_ride_shows_driver_car_plate_and_code(camila, town):
    order = order_of(town)

    page = body(camila.get(f"/rides/{order.ref}/"))

    assert f"{town.worker.user.short_name} is on the way" in page
    assert "Grey Kia Rio" in page
    assert "Say this code to the driver" in page
    assert "Calling off is free until" in page
    assert 'aria-current="step"' in page


@pytest.mark.parametrize("page", ["", "sheet/", "cancel/"])
def test_somebody_elses_ride_is_not_found(town, page):
    order = town.place(at=clock.now())
    stranger = Client()
    stranger.force_login(factories.UserFactory())

    assert stranger.get(f"/rides/{order.ref}/{page}").status_code == 404
    assert Client().get(f"/rides/{order.ref}/{page}").status_code == 302


def test_calling_off_in_time_is_free(camila, town):
    order = order_of(town)

    asks = body(camila.get(f"/rides/{order.ref}/cancel/"))
    done = camila.post(f"/rides/{order.ref}/cancel/", {"fee": "0", "reason": "other"})

    assert "It costs nothing." in asks
    assert done["Location"] == f"/rides/{order.ref}/"
    order.refresh_from_db()
    assert (order.stage, order.charged_minor, order.reason) == ("cancelled", 0, "other")


def test_nobody_pays_another_fee_than_the_one_beside_the_button(camila, town):
    order = town.confirm(at=clock.now() - timedelta(minutes=5))

    answer = camila.post(f"/rides/{order.ref}/cancel/", {"fee": "0", "reason": "wrong_place"})

    assert answer.status_code == 409
    assert "Call off for CLP 700" in body(answer)
    assert 'value="wrong_place" checked' in body(answer)
    assert Order.objects.get().stage == "on_the_way"
    camila.post(f"/rides/{order.ref}/cancel/", {"fee": "700", "reason": "wrong_place"})
    assert Order.objects.get().charged_minor == 700


def test_a_ride_under_way_cannot_be_called_off(camila, town):
    order, by = order_of(town), town.worker.actor
    town.step(order, "arrive", by, clock.now())
    town.step(order, "board", by, clock.now(), code=order.ride.code)

    answer = camila.post(f"/rides/{order.ref}/cancel/", {"fee": "0"})

    assert answer.status_code == 409
    assert "cannot be called off any more" in body(answer)


@pytest.mark.parametrize(
    ("step", "says", "next_act"),
    [
        ("refuse", "Your bank refused the card. Nothing was taken", "choose another card"),
        ("give_up", "No driver was free to take it", "Try again"),
    ],
)
def test_a_ride_that_did_not_come_about_says_why_and_what_next(camila, town, step, says, next_act):
    order = town.step(town.place(at=clock.now()), step, factories.CITY, clock.now())

    page = body(camila.get(f"/rides/{order.ref}/"))
    again = camila.post(f"/rides/{order.ref}/again/")

    assert says in page
    assert next_act in page
    assert again["Location"].startswith("/rides/quotes/")


def test_the_way_back_is_priced_from_the_receipt(camila, town):
    order = order_of(town)

    camila.post(f"/rides/{order.ref}/again/", {"back": "1"})

    asked = Quote.objects.order_by("-pk").first().request
    assert (asked["pickup"]["name"], asked["dropoff"]["name"]) == (
        "Faro Monumental",
        "Plaza de Armas",
    )


@pytest.mark.django_db(transaction=True)
@each_look
def test_the_pages_of_a_ride_can_be_used_by_everybody(town, camila, new_page, site, width, theme):
    done = town.drive(order_of(town), clock.now())
    town.worker.shifts.update(ended_at=None)
    chosen = prices(camila)
    live = town.accept(town.offer(town.search(clock.now()), at=clock.now()), clock.now())
    page = new_page(width=width, theme=theme)
    told = watch(page)
    page.context.add_cookies(
        [{"name": "sessionid", "value": camila.cookies["sessionid"].value, "url": site}]
    )
    for name, address in {
        "plan": reverse("mobility:plan"),
        "choose": chosen,
        "ride": f"/rides/{live.ref}/",
        "cancel": f"/rides/{live.ref}/cancel/",
        "history": "/orders/",
        "receipt": f"/orders/{done.ref}/",
    }.items():
        page.goto(f"{site}{address}")
        page.wait_for_load_state("load")
        assert_accessible(page)
        screenshot(page, f"{name}-{width}-{theme}", full=name in ("history", "receipt", "cancel"))
    # The test server has no sockets; everything else must be quiet.
    assert [line for line in told if "/ws/" not in line] == []
