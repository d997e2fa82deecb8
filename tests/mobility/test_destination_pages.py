"""The pages and the API on which a rider changes the destination."""

from datetime import timedelta

import pytest
from django.test import Client

from apps.dispatch.models import Position
from apps.kernel import clock
from apps.orders.models import Change, Order
from apps.parties.models import User
from apps.payments import operations as payments
from apps.payments.gateway import Answer
from apps.payments.models import Attempt
from apps.places.models import Place
from apps.pricing.models import Quote
from tests import rides
from tests.browser import assert_accessible, each_look, screenshot, watch
from tests.mobility.test_destination import BANK, HALFWAY
from tests.mobility.test_rider_pages import body, camila, town
from tests.rides import COQUIMBO, FARO

__all__ = ["camila", "town"]  # fixtures

pytestmark = pytest.mark.django_db


def on_board(town) -> Order:
    """A ride whose money is promised, halfway there."""
    at = clock.now()
    order = town.place(at=at)
    bank(town, at=at)
    town.on_shift(at=at)
    town.accept(town.offer(order, at=at), at)
    town.step(order, "arrive", town.worker.actor, at)
    town.step(order, "board", town.worker.actor, at, code=order.ride.code)
    lat, lon = HALFWAY
    Position.objects.create(worker=town.worker, lat=lat, lon=lon, seen_at=at)
    Place.objects.create(
        city=town.city,
        kind="LANDMARK",
        name="Coquimbo",
        detail="",
        search="coquimbo",
        lat=COQUIMBO.point.lat,
        lon=COQUIMBO.point.lon,
    )
    return Order.objects.get()


def bank(town, says=True, at=None):
    at = at or clock.now()
    rides.relay_all(at)
    for question in Attempt.objects.open():
        answer = Answer(says, f"pi_{question.pk}", "" if says else "declined")
        payments.record(attempt_id=question.pk, answer=answer, by=BANK, at=at)
    rides.relay_all(at)


def ask(camila, order, to="Coquimbo"):
    return camila.post(f"/rides/{order.ref}/destination/", {"to": to})


def test_old_and_new_price_stand_side_by_side_and_the_yes_changes_the_ride(town, camila):
    order = on_board(town)
    assert "Change the destination" in body(camila.get(f"/rides/{order.ref}/"))
    assert "New destination" in body(camila.get(f"/rides/{order.ref}/destination/"))

    address = ask(camila, order)["Location"]
    page = body(camila.get(address))

    quote = Quote.objects.get(replaces=order.quote)
    for minor in (order.total_minor, quote.total_minor):
        assert f">{minor:,}<" in page.replace("<strong>", "").replace("</strong>", "")
    assert f"hold up to CLP {quote.total_minor - order.total_minor:,} more" in page
    assert "What was driven so far stays in the price" in page

    assert camila.post(address)["Location"] == f"/rides/{order.ref}/"
    assert "Your bank is asked about the new destination" in body(
        camila.get(f"/rides/{order.ref}/")
    )
    bank(town)
    page = body(camila.get(f"/rides/{order.ref}/"))
    assert "→ Coquimbo" in page
    assert f"{quote.total_minor:,}" in page
    assert camila.post(address, follow=True).status_code == 200
    assert Change.objects.count() == 1


def test_a_refused_card_is_said_in_words(town, camila):
    order = on_board(town)
    camila.post(ask(camila, order)["Location"])
    bank(town, says=False)

    page = body(camila.get(f"/rides/{order.ref}/"))

    assert "Your bank refused the new price. The ride still goes to Faro Monumental" in page


@pytest.mark.parametrize(
    ("to", "says"),
    [
        ("Faro Monumental", "The ride goes there already"),
        ("Nowhere at all", "We know no place of this name"),
        ("-33.45, -70.66", "lies outside the city"),
    ],
)
def test_what_cannot_be_is_said_at_the_field(town, camila, to, says):
    answer = ask(camila, on_board(town), to)

    assert answer.status_code == 422
    assert says in body(answer)


def test_a_price_that_is_gone_leads_back_to_the_question(town, camila):
    order = on_board(town)
    address = ask(camila, order)["Location"]
    Quote.objects.filter(replaces=order.quote).update(expires_at=clock.now())

    assert "older than five minutes" in body(camila.get(address))
    page = body(camila.post(address, follow=True))

    assert "This price is not there any more" in page
    assert not Change.objects.exists()


def test_other_peoples_rides_are_not_found(town, camila, client):
    order = on_board(town)
    address = ask(camila, order)["Location"]
    client.force_login(town.worker.user)

    for path in (f"/rides/{order.ref}/destination/", address):
        assert client.get(path).status_code == 404
        assert client.post(path, {"to": "Coquimbo"}).status_code == 404


def test_by_the_api(town):
    order = on_board(town)
    api = Client()
    api.force_login(town.rider)

    def post(path, **what):
        return api.post(f"/api/v1/orders/{order.ref}/{path}", what, content_type="application/json")

    same = post("destination", dropoff=FARO.frozen())
    assert (same.status_code, same.json()["code"]) == (422, "same_destination")
    told = post("destination", dropoff=COQUIMBO.frozen())
    assert told.status_code == 201
    prices = told.json()
    assert prices["before"]["total_minor"] == order.total_minor
    assert prices["after"]["total_minor"] > order.total_minor

    first, again = (post("changes", quote=prices["after"]["ref"]) for _ in range(2))
    assert (first.status_code, first.json()["state"]) == (201, "ASKED")
    assert again.json() == first.json()
    bank(town)
    assert [one["state"] for one in api.get(f"/api/v1/orders/{order.ref}/changes").json()] == [
        "AGREED"
    ]
    now = api.get(f"/api/v1/orders/{order.ref}").json()
    assert now["total_minor"] == prices["after"]["total_minor"]
    assert now["lines"] == prices["after"]["lines"]
    assert now["details"]["change"]["state"] == "AGREED"
    gone = post("changes", quote=now["ref"])
    assert (gone.status_code, gone.json()["code"]) == (410, "quote_gone")


def test_driver_receipt_and_officer_see_both_prices(town, camila, client):
    order = on_board(town)
    first = order.total_minor
    camila.post(ask(camila, order)["Location"])
    bank(town)
    client.force_login(town.worker.user)

    page = client.get("/drive/").content.decode()
    assert "The rider changed the destination: Coquimbo" in page
    assert 'data-stage="on_board-way1"' in page

    at = clock.now() + timedelta(seconds=1)
    order = town.step(Order.objects.get(), "drop_off", town.worker.actor, at)
    bank(town, at=at)
    page = body(camila.get(f"/orders/{order.ref}/"))
    assert f"CLP {first:,} before, CLP {order.charged_minor:,} since." in page
    officer = Client()
    officer.force_login(User.objects.create_superuser("chief@example.org", "secret"))
    assert "in force" in body(officer.get(f"/admin/orders/order/{order.pk}/change/"))


@pytest.mark.django_db(transaction=True)
@each_look
def test_the_pages_can_be_used_by_everybody(new_page, site, town, camila, width, theme):
    order = on_board(town)
    address = ask(camila, order)["Location"]
    page = new_page(width=width, theme=theme)
    told = watch(page)
    page.context.add_cookies(
        [{"name": "sessionid", "value": camila.cookies["sessionid"].value, "url": site}]
    )
    for name, path in {
        "destination": f"/rides/{order.ref}/destination/",
        "new-price": address,
    }.items():
        page.goto(f"{site}{path}")
        page.wait_for_load_state("load")
        assert_accessible(page)
        screenshot(page, f"{name}-{width}-{theme}")
    camila.post(address)
    page.goto(f"{site}/rides/{order.ref}/")
    assert_accessible(page)
    screenshot(page, f"changing-{width}-{theme}")
    assert [line for line in told if "/ws/" not in line] == []
