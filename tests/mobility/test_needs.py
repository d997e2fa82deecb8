"""What a rider needs: asked once, seen by the driver, never paid for."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from apps.bus.models import Event
from apps.dispatch.models import Job, Position
from apps.dispatch.queries import nearby
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.mobility import at_work, operations, queries
from apps.parties import operations as parties
from apps.parties.models import Consumer, User
from apps.parties.queries import needs_of
from apps.pricing.models import Quote
from tests import factories, rides
from tests.browser import assert_accessible, each_look, screenshot, watch
from tests.factories import CITY, NOON
from tests.mobility.test_rider_pages import body, camila, prices, town, wants

__all__ = ["camila", "town"]  # fixtures

pytestmark = pytest.mark.django_db(transaction=True)
TRIP_IN = {end: stop.frozen() for end, stop in (("pickup", rides.PLAZA), ("dropoff", rides.FARO))}


def quote(town, **asked) -> Quote:
    return operations.quote_trip(
        city=town.city,
        pickup=rides.PLAZA,
        dropoff=rides.FARO,
        consumer_id=town.rider.pk,
        by=town.rider.acting(Kind.CONSUMER),
        at=NOON,
        **asked,
    )[0]


def test_no_need_changes_a_line_of_the_price(town):
    plain = quote(town, needs=[])

    for need in Consumer.Need:
        assert quote(town, needs=[need]).lines == plain.lines
    assert quote(town, needs=list(Consumer.Need)).total_minor == plain.total_minor


def test_a_wheelchair_rings_only_at_cars_that_take_one(town):
    able = rides.driver("Elsa Araya", abilities=["accessible", "large"])
    for worker in (able, town.worker):
        town.on_shift(worker)
        Position.objects.create(worker=worker, lat=-29.9027, lon=-71.252, seen_at=NOON)

    town.step(town.place(quote(town, needs=["STEP_FREE", "GUIDE_DOG"])), "authorise", CITY)

    job = Job.objects.get()
    assert job.needs == ["accessible"]
    found = nearby(town.city, job.pickup, needs=job.needs, at=NOON)
    assert [one.worker_id for one in found] == [able.pk]


def test_an_accessible_ride_for_a_wheelchair_asks_for_it_once(town):
    listing = factories.permitted(factories.ListingFactory(kind="accessible"))
    factories.TariffFactory(city=town.city, kind="accessible", **rides.PRICES)
    quotes = operations.quote_trip(
        city=town.city,
        pickup=rides.PLAZA,
        dropoff=rides.FARO,
        consumer_id=None,
        needs=["STEP_FREE"],
        by=CITY,
        at=NOON,
    )

    theirs = next(one for one in quotes if one.listing == listing)
    assert operations.trip_of(theirs).needs == ("accessible",)


def test_needs_not_said_are_those_of_the_profile_and_none_are_none(town):
    parties.remember_needs(user_id=town.rider.pk, needs=["GUIDE_DOG"], by=CITY, at=NOON)

    assert quote(town).request["needs"] == ["GUIDE_DOG"]
    assert quote(town, needs=[]).request["needs"] == []


def test_what_is_remembered_is_written_once(town):
    for _ in range(2):
        quote(town, needs=["QUIET", "TO_THE_DOOR", "QUIET"], remember_needs=True)

    assert needs_of(town.rider.pk) == ["QUIET", "TO_THE_DOOR"]
    assert Event.objects.filter(topic="parties.person_changed").count() == 1


def test_a_need_that_nobody_knows_is_refused(town):
    with pytest.raises(ValueError, match="CHAMPAGNE"):
        quote(town, needs=["CHAMPAGNE"])
    with pytest.raises(ValueError, match="CHAMPAGNE"):
        parties.remember_needs(user_id=town.rider.pk, needs=["CHAMPAGNE"], by=CITY, at=NOON)
    with pytest.raises(ValidationError):
        Consumer(user=town.rider, needs=["CHAMPAGNE"]).full_clean()


def test_the_driver_reads_them_in_the_offer_and_on_the_ride(town, client):
    at = clock.now()
    asked = operations.quote_trip(
        city=town.city,
        pickup=rides.PLAZA,
        dropoff=rides.FARO,
        consumer_id=town.rider.pk,
        needs=["GUIDE_DOG", "HEARING"],
        by=CITY,
        at=at,
    )[0]
    order = town.step(town.place(asked, at=at), "authorise", CITY, at)
    town.on_shift(at=at)
    offer = town.offer(order, at=at)
    client.force_login(town.worker.user)

    state = at_work.state_of(town.worker, at)
    assert state["offer"]["needs"] == ["GUIDE_DOG", "HEARING"]
    for says in ("Brings a guide dog", "Hears badly: write, do not call"):
        assert says in client.get("/drive/").content.decode()

    order = town.accept(offer, at)
    assert at_work.state_of(town.worker, at)["rides"][0]["needs"] == ["GUIDE_DOG", "HEARING"]
    assert "Brings a guide dog" in client.get("/drive/").content.decode()
    assert queries.live(order, at)["needs"] == ["GUIDE_DOG", "HEARING"]


def test_the_api_takes_them_and_remembers_them(town):
    client = Client()
    client.force_login(town.rider)
    wish = {**TRIP_IN, "needs": ["TO_THE_DOOR"], "remember_needs": True}

    answer = client.post("/api/v1/rides/quotes", wish, content_type="application/json")

    assert (answer.status_code, answer.json()["needs"]) == (201, ["TO_THE_DOOR"])
    assert needs_of(town.rider.pk) == ["TO_THE_DOOR"]
    again = client.post("/api/v1/rides/quotes", TRIP_IN, content_type="application/json")
    assert again.json()["needs"] == ["TO_THE_DOOR"]
    wish["needs"] = ["CHAMPAGNE"]
    wrong = client.post("/api/v1/rides/quotes", wish, content_type="application/json")
    assert wrong.status_code == 422


def test_the_form_comes_filled_from_the_profile_and_its_prices_say_so(town, camila):
    parties.remember_needs(user_id=town.rider.pk, needs=["STEP_FREE"], by=CITY, at=clock.now())
    assert 'value="STEP_FREE" id="id_needs_0" checked' in body(camila.get("/rides/"))

    page = body(camila.get(prices(camila, needs=["STEP_FREE", "QUIET"], remember_needs="on")))

    assert "at the same price" in page
    assert "A car that takes a wheelchair" in page
    assert "&amp;needs=STEP_FREE&amp;needs=QUIET" in page
    assert needs_of(town.rider.pk) == ["QUIET", "STEP_FREE"]
    plain = body(camila.get(prices(camila)))
    assert "at the same price" not in plain
    assert "&amp;needs=" in plain


def test_a_form_that_is_shown_again_keeps_every_need(town, camila):
    answer = camila.post(
        "/rides/", {"start": "Plaza de Armas", "to": "Nowhere", "needs": ["QUIET", "GUIDE_DOG"]}
    )

    page = body(answer)
    assert answer.status_code == 422
    for need in ("GUIDE_DOG", "QUIET"):
        assert f'value="{need}"' in page
    assert page.count(" checked") == 2


def test_prices_asked_again_keep_what_the_rider_needs(town, camila):
    address = prices(camila, needs=["GUIDE_DOG"])
    camila.post(address, wants(Quote.objects.get(), town))
    order = town.rider.orders.get()
    parties.remember_needs(user_id=town.rider.pk, needs=["QUIET"], by=CITY, at=clock.now())

    camila.post(f"/rides/{order.ref}/again/")

    assert Quote.objects.latest("pk").request["needs"] == ["GUIDE_DOG"]


def test_officers_find_who_needed_what_and_who_was_served(town, client):
    order = town.step(town.place(quote(town, needs=["STEP_FREE"])), "authorise", CITY)
    town.step(order, "give_up", CITY)
    town.place(quote(town, needs=[]))
    client.force_login(User.objects.create_superuser("chief@example.org", "secret"))

    page = client.get("/admin/mobility/ride/?need=STEP_FREE&order__stage=unserved")
    served = client.get("/admin/mobility/ride/?need=any&order__stage=done")

    assert page.context["cl"].result_count == 1
    assert served.context["cl"].result_count == 0


@each_look
def test_needs_on_the_pages(new_page, site, town, camila, width, theme):
    page = new_page(width=width, theme=theme)
    told = watch(page)
    page.context.add_cookies(
        [{"name": "sessionid", "value": camila.cookies["sessionid"].value, "url": site}]
    )
    page.goto(f"{site}/rides/")
    page.get_by_label("From", exact=True).fill("Plaza de Armas")
    page.get_by_label("To", exact=True).fill("Faro Monumental")
    page.get_by_text("What you need").first.click()
    page.get_by_label("A guide dog comes along").check()
    page.get_by_label("Help to the door and from it").check()
    assert_accessible(page)
    screenshot(page, f"needs-plan-{width}-{theme}")
    page.get_by_role("button", name="See prices").click()
    page.get_by_text("at the same price").wait_for()
    assert_accessible(page)
    screenshot(page, f"needs-choose-{width}-{theme}")
    assert told == []
