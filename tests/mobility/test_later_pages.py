"""The pages and the API of a ride for later."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client

from apps.kernel import clock
from apps.mobility import at_work, operations, queries
from apps.orders.models import Order
from apps.orders.subscribers import go_ahead
from apps.pricing.models import Quote
from tests import rides
from tests.browser import WIDTHS, assert_accessible, screenshot, watch
from tests.mobility.test_rider_pages import TRIP, body, camila, prices, town

__all__ = ["camila", "town"]  # fixtures

TRIP_IN = {end: stop.frozen() for end, stop in (("pickup", rides.PLAZA), ("dropoff", rides.FARO))}


def tomorrow(town):
    """Tomorrow at 14:30 as the clocks of the city show it."""
    return town.city.now(clock.now() + timedelta(days=1)).replace(
        hour=14, minute=30, second=0, microsecond=0
    )


def asked(moment) -> dict[str, str]:
    return {"when": "later", "day": f"{moment:%Y-%m-%d}", "time": f"{moment:%H:%M}"}


def schedule(camila: Client, town) -> Order:
    address = prices(camila, **asked(tomorrow(town)))
    quote = Quote.objects.get()
    sent = {"quote": str(quote.ref), "card": str(town.card.pk), "key": str(uuid4())}
    assert camila.post(address, sent).status_code == 302
    go_ahead(holder=str(Order.objects.get().basket.ref), at=clock.now())
    return Order.objects.get()


def test_a_day_and_an_hour_lead_to_prices_for_them(camila, town):
    later = tomorrow(town)

    page = body(camila.get(prices(camila, **asked(later))))

    assert operations.hour_of(Quote.objects.get()) == later
    day = queries.day_and_hour(later, town.city)
    assert day.endswith(", 14:30")
    assert "14:10</time> on. Until then calling off is free." in page
    assert "near now" not in page
    assert f"when=later&amp;day={later:%Y-%m-%d}&amp;time=14:30" in page


def test_now_is_now_whatever_stands_in_the_other_fields(camila, town):
    prices(camila, **asked(tomorrow(town)) | {"when": "now"})

    assert operations.hour_of(Quote.objects.get()) is None


@pytest.mark.parametrize(
    ("ahead", "field", "says"),
    [
        (timedelta(minutes=5), "time", "at least 30 minutes ahead"),
        (timedelta(days=9), "day", "at most 7 days ahead"),
    ],
)
def test_an_hour_that_cannot_be_is_said_at_its_field(camila, town, ahead, field, says):
    wrong = asked(town.city.now(clock.now() + ahead))

    answer = camila.post("/rides/", TRIP | wrong)

    page = body(answer)
    assert answer.status_code == 422
    assert says in page.split(f'id="id_{field}-error"')[1].split("</p>")[0]
    assert f'name="day" value="{wrong["day"]}"' in page
    assert 'value="later" id="id_when_1" checked' in page


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({}, ["Choose a day.", "Choose a time."]),
        ({"day": "2027-02-30", "time": "14:30"}, ["Enter a valid date."]),
        ({"day": "x", "time": "25:00"}, ["Enter a valid date.", "Enter a valid time."]),
    ],
)
def test_later_needs_a_day_and_an_hour(camila, sent, says):
    answer = camila.post("/rides/", TRIP | {"when": "later"} | sent)

    assert answer.status_code == 422
    assert all(one in body(answer) for one in says)


def test_new_prices_are_for_the_same_hour(camila, town):
    address, later = prices(camila, **asked(tomorrow(town))), tomorrow(town)

    camila.post(f"{address}again/")

    assert [operations.hour_of(quote) for quote in Quote.objects.all()] == [later, later]


def test_the_ride_and_the_orders_show_the_hour_and_until_when_calling_off_is_free(camila, town):
    order = schedule(camila, town)
    hour = queries.day_and_hour(tomorrow(town), town.city).replace("\xa0", " ")

    page = body(camila.get(f"/rides/{order.ref}/"))

    assert "Ordered for later" in page
    assert "Calling off is free until the search begins" in page
    assert "14:10" in page
    assert f"Plaza de Armas to Faro Monumental, {hour}" in body(camila.get("/orders/"))
    assert "It costs nothing." in body(camila.get(f"/rides/{order.ref}/cancel/"))
    camila.post(f"/rides/{order.ref}/cancel/", {"fee": "0", "reason": "other"})
    order.refresh_from_db()
    assert (order.stage, order.charged_minor) == ("cancelled", 0)


def test_the_driver_sees_for_when_it_is(camila, town):
    order, later = schedule(camila, town), tomorrow(town)
    at = later - operations.LEAD
    operations.begin_searches(at=at)
    town.on_shift(at=at)
    town.offer(order, at=at)

    assert at_work.state_of(town.worker, at)["offer"]["pickup_at"] == later


def test_the_api_takes_an_hour_with_an_offset_and_one_on_the_citys_clock(client, town):
    later = tomorrow(town)
    for sent in (later.isoformat(), f"{later:%Y-%m-%dT%H:%M}"):
        answer = client.post(
            "/api/v1/rides/quotes", {**TRIP_IN, "pickup_at": sent}, content_type="application/json"
        )
        bundle = answer.json()
        assert answer.status_code == 201
        assert operations.hour_of(Quote.objects.get(bundle=bundle["bundle"])) == later
        assert bundle["quotes"][0]["eta_seconds"] is None
        again = client.get(f"/api/v1/rides/quotes/{bundle['bundle']}").json()
        assert again["pickup_at"] == bundle["pickup_at"]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("2020-01-01T10:00Z", "too_soon"),
        ("9000-01-01T10:00", "too_late"),
        ("2026-09-06T00:30", "no_such_hour"),
        ("9999-12-31T23:59:59-14:00", "too_late"),
        ("0001-01-01T00:00:00+14:00", "too_soon"),
        ("soon", "invalid"),
    ],
)
def test_the_api_refuses_an_hour_that_cannot_be(client, town, sent, code):
    answer = client.post(
        "/api/v1/rides/quotes", {**TRIP_IN, "pickup_at": sent}, content_type="application/json"
    )

    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("width", "theme"), [(WIDTHS[0], "dark"), (WIDTHS[1], "light")])
def test_the_pages_of_a_later_ride_can_be_used_by_everybody(
    town, camila, new_page, site, width, theme
):
    order = schedule(camila, town)
    chosen = prices(camila, **asked(tomorrow(town)))
    page = new_page(width=width, theme=theme)
    told = watch(page)
    page.context.add_cookies(
        [{"name": "sessionid", "value": camila.cookies["sessionid"].value, "url": site}]
    )
    page.goto(f"{site}/rides/?start=Plaza+de+Armas&to=Faro+Monumental")
    assert not page.locator("#id_day").is_visible()
    page.get_by_label("Later").check()
    page.locator("#id_day").fill("2026-01-01")
    page.locator("#id_time").fill("14:30")
    assert_accessible(page)
    screenshot(page, f"later-plan-{width}-{theme}")
    page.get_by_role("button", name="See prices").click()
    page.wait_for_selector("#id_time-error")
    assert_accessible(page)
    screenshot(page, f"later-plan-error-{width}-{theme}")
    for name, address in {
        "choose": chosen,
        "ride": f"/rides/{order.ref}/",
        "history": "/orders/",
        "cancel": f"/rides/{order.ref}/cancel/",
    }.items():
        page.goto(f"{site}{address}")
        page.wait_for_load_state("load")
        assert_accessible(page)
        screenshot(page, f"later-{name}-{width}-{theme}")
    assert [line for line in told if "/ws/" not in line and "422" not in line] == []
