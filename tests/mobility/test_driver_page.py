"""The driver's page: without a script by forms, with one in a browser."""

import json
from datetime import timedelta

import pytest
from django.conf import settings
from playwright.sync_api import expect

from apps.dispatch.models import Offer, Position, Shift
from apps.kernel import clock
from apps.orders.models import Order
from apps.parties.models import User
from apps.regulation.models import Permit
from tests import rides
from tests.browser import assert_accessible, screenshot, watch

pytestmark = pytest.mark.django_db(transaction=True)
STATE = '{"type":"state"}'
REASONS = {"nearest": True, "seconds": 180, "next_seconds": 300, "waited": 60}


@pytest.fixture
def town():
    return rides.town()


@pytest.fixture
def marco(client, town):
    client.force_login(town.worker.user)
    return client


def ring(town):
    town.on_shift(at=clock.now())
    offer = town.offer(town.search(at=clock.now()), at=clock.now())
    Offer.objects.filter(pk=offer.pk).update(reasons=REASONS)
    return offer


def test_a_visitor_signs_in_and_who_is_no_driver_reads_what_it_takes(client, town):
    assert client.get("/drive/").headers["Location"] == "/accounts/login/?next=/drive/"
    client.force_login(town.rider)
    for path in ("/drive/", "/drive/sheet/"):
        answer = client.get(path)
        assert answer.status_code == 403
        assert "To drive here it takes" in answer.content.decode()
    assert client.post("/drive/shift/", {"action": "on_line"}).status_code == 403


def test_a_shift_by_forms_alone(marco, town):
    assert "Go on line" in marco.get("/drive/").content.decode()
    for action, says in [
        ("on_line", "No offers yet"),
        ("pause", "You are paused"),
        ("resume", "No offers yet"),
        ("off_line", "Go on line when you are ready"),
    ]:
        answer = marco.post("/drive/shift/", {"action": action}, follow=True)
        assert answer.redirect_chain == [("/drive/", 302)]
        assert says in answer.content.decode()
    assert not Shift.objects.open().exists()
    assert marco.post("/drive/shift/", {"action": "fly"}).status_code == 422


def test_an_offer_says_all_before_it_is_answered(marco, town):
    ring(town)
    page = marco.get("/drive/").content.decode()
    for words in (
        "for you, fixed",
        "per km with the way there",
        "Plaza de Armas",
        "Faro Monumental",
        "Camila",
        "You arrive first: 3 min.",
        "The next takes 5 min.",
        "The rider has waited for 1 min.",
        "Declining does you no harm.",
        "Give me 15 s more",
    ):
        assert words.replace(" min", "\xa0min") in page.replace(" min", "\xa0min"), words


def test_more_time_is_given_once_and_a_no_is_taken_without_harm(marco, town):
    offer = ring(town)
    page = marco.post(f"/drive/offers/{offer.pk}/", {"answer": "more_time"}, follow=True)
    assert "Give me 15 s more" not in page.content.decode()
    page = marco.post(f"/drive/offers/{offer.pk}/", {"answer": "decline"}, follow=True)
    assert "No offers yet" in page.content.decode()
    assert Offer.objects.get().state == Offer.State.DECLINED


def test_a_ride_by_forms_alone(marco, town):
    offer = ring(town)
    page = marco.post(f"/drive/offers/{offer.pk}/", {"answer": "accept"}, follow=True)
    assert "Drive to the pick-up" in page.content.decode()
    order = Order.objects.get()
    at = f"/drive/rides/{order.ref}/"
    page = marco.post(at, {"step": "arrive"}, follow=True).content.decode()
    assert "Wait for Camila" in page
    assert 'inputmode="numeric"' in page
    page = marco.post(at, {"step": "no_show"}, follow=True).content.decode()
    assert "The rider still has time to come" in page
    page = marco.post(at, {"step": "board", "code": "12"}, follow=True).content.decode()
    assert "That is not the code" in page
    code = f" {order.ride.code[:2]} {order.ride.code[2:]}"
    page = marco.post(at, {"step": "board", "code": code}, follow=True).content.decode()
    assert "Drive to the drop-off" in page
    page = marco.post("/drive/shift/", {"action": "off_line"}, follow=True).content.decode()
    assert "Finish the ride that you are on first" in page
    page = marco.post(at, {"step": "drop_off"}, follow=True).content.decode()
    assert "Earned, without tips" in page
    assert Order.objects.get().stage == "done"


def test_a_ride_is_given_back_with_a_reason(marco, town):
    order = town.confirm(at=clock.now())
    sent = {"step": "give_back", "reason": "car_trouble"}
    page = marco.post(f"/drive/rides/{order.ref}/", sent, follow=True)
    assert "No offers yet" in page.content.decode()
    order.refresh_from_db()
    assert (order.stage, order.reason) == ("searching", "car_trouble")


@pytest.mark.parametrize("step", ["arrive", "assign", "", "x" * 5_000])
def test_rides_of_others_are_not_found(client, town, step):
    order = town.confirm(at=clock.now())
    client.force_login(rides.driver("Rosa Pizarro").user)
    assert client.post(f"/drive/rides/{order.ref}/", {"step": step}).status_code == 404


def test_an_offer_of_others_or_none_is_said_in_words(client, town):
    offer = ring(town)
    client.force_login(rides.driver("Rosa Pizarro").user)
    for number in (offer.pk, 10**30):
        page = client.post(f"/drive/offers/{number}/", {"answer": "accept"}, follow=True)
        assert "This offer is not there any more." in page.content.decode()


def test_a_lapsed_permit_is_named_with_what_to_do(marco, town):
    Permit.objects.filter(provider=town.worker.provider).update(
        revoked_at=clock.now() - timedelta(days=1)
    )
    page = marco.get("/drive/").content.decode()
    assert "(rule 1.4)" in page
    assert Permit.objects.get(provider=town.worker.provider).number in page
    assert "mobility desk" in page
    page = marco.post("/drive/shift/", {"action": "on_line"}, follow=True).content.decode()
    assert "The city has revoked" in page
    assert not Shift.objects.exists()


def signed_in(client, new_page, site, user, **how):
    client.force_login(user)
    page = new_page(geolocation={"latitude": -29.905, "longitude": -71.25}, **how)
    page.context.grant_permissions(["geolocation"])
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site}])
    return page


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_a_shift_in_a_browser(client, new_page, site, town, width, theme):
    page = signed_in(client, new_page, site, town.worker.user, width=width, theme=theme)
    told = watch(page)
    page.goto(f"{site}/drive/")
    page.get_by_role("button", name="Go on line").click()
    expect(page.get_by_role("heading", name="No offers yet")).to_be_visible()
    assert_accessible(page)
    screenshot(page, f"driver-on-line-{width}-{theme}")
    Position.objects.create(worker=town.worker, lat=-29.905, lon=-71.25, seen_at=clock.now())
    offer = ring(town)
    Offer.objects.filter(pk=offer.pk).update(expires_at=clock.now() + timedelta(minutes=2))
    page.reload()
    accept = page.get_by_role("button", name="Accept")
    expect(accept).to_be_visible()
    decline = page.get_by_role("button", name="Decline")
    sizes = [one.bounding_box() for one in (accept, decline)]
    assert sizes[0]["width"] == pytest.approx(sizes[1]["width"], abs=1)
    assert sizes[0]["height"] == sizes[1]["height"] >= 56
    assert_accessible(page)
    screenshot(page, f"driver-offer-{width}-{theme}")
    accept.click()
    page.get_by_role("button", name="I am at the pick-up").click()
    field = page.get_by_label("Start code")
    field.fill("00")
    page.get_by_text("Give the ride back").click()
    assert_accessible(page)
    screenshot(page, f"driver-ride-{width}-{theme}")
    field.fill(Order.objects.get().ride.code)
    page.get_by_role("button", name="Start the ride").click()
    page.get_by_role("button", name="Dropped off").click()
    expect(page.get_by_text("Earned, without tips")).to_be_visible()
    assert_accessible(page)
    # The test server has no sockets; everything else must be quiet.
    assert [one for one in told if "/ws/" not in one] == []


def test_a_new_offer_comes_by_the_line_and_what_is_typed_stays(client, new_page, site, town):
    town.on_shift(at=clock.now())
    page = signed_in(client, new_page, site, town.worker.user)
    told, heard, lines = watch(page), [], []

    def answer(line):
        lines.append(line)
        line.on_message(lambda text: (heard.append(json.loads(text)), line.send(STATE)))

    page.route_web_socket("**/ws/driver", answer)
    page.goto(f"{site}/drive/")
    expect(page.get_by_role("heading", name="No offers yet")).to_be_visible()
    page.wait_for_function("document.querySelector('#line-state').dataset.state === 'open'")
    offer = ring(town)
    lines[-1].send(STATE)
    expect(page.get_by_role("heading", name="New offer")).to_be_focused()
    expect(page).to_have_title("New offer CLP 2,359 · La Serena")
    order = town.accept(offer, clock.now())
    town.step(order, "arrive", town.worker.actor, clock.now())
    lines[-1].send(STATE)
    field = page.get_by_label("Start code")
    field.press_sequentially("12")
    # Something else changes on the sheet beneath the fingers.
    Position.objects.create(worker=town.worker, lat=-29.905, lon=-71.25, seen_at=clock.now())
    User.objects.filter(pk=town.rider.pk).update(name="Carmen Rojas")
    lines[-1].send(STATE)
    expect(page.get_by_role("heading", name="Wait for Carmen")).to_be_visible()
    expect(field).to_have_value("12")
    expect(field).to_be_focused()
    expect(page.locator("#place-state")).to_be_hidden()
    deadline = clock.now() + timedelta(seconds=60)
    while not (positions := [one for one in heard if one["type"] == "position"]):
        assert clock.now() < deadline
        page.evaluate("new Promise(requestAnimationFrame)")
    assert positions[0] == {"type": "position", "lat": -29.905, "lon": -71.25, "heading": None}
    assert told == []


def test_a_browser_that_may_not_say_where_it_is_says_so(client, new_page, site, town):
    page = signed_in(client, new_page, site, town.worker.user)
    page.context.clear_permissions()
    page.route_web_socket("**/ws/driver", lambda line: line.on_message(lambda _: line.send(STATE)))
    page.goto(f"{site}/drive/")
    expect(page.get_by_text("This browser may not say where you are")).to_be_visible()
    sound = page.get_by_role("button", name="Sound and vibration for offers")
    expect(sound).to_have_attribute("aria-pressed", "true")
    sound.click()
    page.reload()
    expect(sound).to_have_attribute("aria-pressed", "false")
    assert_accessible(page)
