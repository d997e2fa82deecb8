"""The programs' door to rides: prices, orders and a driver's work, every error a problem."""

from datetime import timedelta
from uuid import uuid4

import pytest

from apps.dispatch.models import Offer, Shift
from apps.kernel import clock
from apps.orders.models import Order
from apps.parties import operations as parties
from tests import rides
from tests.factories import CITY

pytestmark = pytest.mark.django_db
ENDS = {
    "pickup": {"lat": -29.9027, "lon": -71.2520, "name": "Plaza de Armas"},
    "dropoff": {"lat": -29.9057, "lon": -71.2740, "name": "Faro Monumental"},
}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def town():
    return rides.town()


@pytest.fixture
def call(client):
    """Call the API as somebody, with a token of theirs."""
    secrets = {}

    def call(method, path, body=None, *, who=None, token="", **headers):
        if who is not None and who.pk not in secrets:
            secrets[who.pk] = parties.issue_token(
                user_id=who.pk, name="tests", expires_at=None, by=CITY, at=clock.now()
            )[1]
        if secret := token or (who and secrets[who.pk]):
            headers["Authorization"] = f"Bearer {secret}"
        sent = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(client, method)(f"/api/v1/{path}", headers=headers, **sent)

    return call


def said(answer):
    """Status and code of a problem, which is always told as one."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["title"]
    return answer.status_code, problem["code"]


def test_a_trip_has_its_price_for_everybody(call, town):
    answer = call("post", "rides/quotes", ENDS)
    assert answer.status_code == 201
    bundle = answer.json()
    (quote,) = bundle["quotes"]
    assert (quote["kind"], quote["currency"]) == ("standard", "CLP")
    assert quote["total_minor"] == sum(line["amount"] for line in quote["lines"])
    again = call("get", f"rides/quotes/{bundle['bundle']}").json()
    assert again["quotes"][0]["ref"] == quote["ref"]
    assert said(call("get", f"rides/quotes/{uuid4()}")) == (404, "not_found")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"pickup": None}, "invalid"),
        ({"pickup": "Plaza"}, "invalid"),
        ({"pickup": {"lat": "north", "lon": 0}}, "invalid"),
        ({"pickup": {"lat": 91, "lon": 0}}, "invalid"),
        ({"pickup": {"lat": 0, "lon": -181}}, "invalid"),
        ({"pickup": {**ENDS["pickup"], "name": "x" * 201}}, "invalid"),
        ({"pickup": {**ENDS["pickup"], "name": "\x00"}}, "invalid"),
        ({"pickup": {"lat": 0, "lon": 0}}, "outside_city"),
        ({"dropoff": ENDS["pickup"]}, "same_place"),
    ],
)
def test_a_trip_that_is_none_is_refused(call, town, change, code):
    assert said(call("post", "rides/quotes", {**ENDS, **change})) == (422, code)


@pytest.mark.parametrize("body", ["", "{", "[1", "\x00"])
def test_what_is_no_json_is_malformed(call, town, body):
    status, code = said(call("post", "rides/quotes", body))
    assert (status, code) in {(400, "malformed"), (422, "invalid")}


class TestOrdering:
    @pytest.fixture
    def body(self, call, town):
        quotes = call("post", "rides/quotes", ENDS, who=town.rider).json()["quotes"]
        return {"quotes": [quotes[0]["ref"]], "card": town.card.pk}

    def test_a_key_makes_a_second_sending_harmless(self, call, town, body):
        key = {"Idempotency-Key": "one-ride"}
        first = call("post", "orders", body, who=town.rider, **key)
        again = call("post", "orders", body, who=town.rider, **key)
        assert first.status_code == 201
        assert again.status_code in {200, 201}
        assert Order.objects.count() == 1
        other = {**body, "card": town.card.pk + 1}
        assert said(call("post", "orders", other, who=town.rider, **key)) == (409, "key_reused")

    @pytest.mark.parametrize("key", [{}, {"Idempotency-Key": " "}, {"Idempotency-Key": "x" * 201}])
    def test_without_a_key_nothing_is_ordered(self, call, town, body, key):
        assert said(call("post", "orders", body, who=town.rider, **key)) == (400, "key_needed")
        assert not Order.objects.exists()

    @pytest.mark.parametrize(
        ("change", "answer"),
        [
            ({"quotes": []}, (422, "invalid")),
            ({"quotes": ["x"]}, (422, "invalid")),
            ({"quotes": [str(uuid4())]}, (410, "quote_gone")),
            ({"quotes": None}, (422, "invalid")),
            ({"card": "visa"}, (422, "invalid")),
            ({"card": -1}, (422, "no_such_card")),
            ({"card": 10**30}, (422, "no_such_card")),
        ],
    )
    def test_an_order_that_is_none_is_refused(self, call, town, body, change, answer):
        sent = {**body, **change}
        told = call("post", "orders", sent, who=town.rider, **{"Idempotency-Key": "k"})
        assert said(told) == answer
        assert not Order.objects.exists()

    def test_orders_of_others_are_not_found(self, call, town, body):
        call("post", "orders", body, who=town.rider, **{"Idempotency-Key": "k"})
        ref = Order.objects.get().ref
        rosa = rides.driver("Rosa Pizarro").user
        assert call("get", f"orders/{ref}", who=town.rider).status_code == 200
        assert said(call("get", f"orders/{ref}", who=rosa)) == (404, "not_found")
        step = {"step": "cancel"}
        assert said(call("post", f"orders/{ref}/steps", step, who=rosa)) == (404, "not_found")
        assert Order.objects.get().is_live


@pytest.mark.parametrize("path", ["driver", "orders"])
@pytest.mark.parametrize("token", ["", "city_forged", "city_" + "x" * 5_000, "é"])
def test_a_forged_token_opens_nothing(call, town, path, token):
    answer = call("get", path, token=token)
    assert said(answer) == (401, "not_signed_in")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


class TestDriving:
    @pytest.fixture
    def drive(self, call, town):
        def drive(path="", body=None, who=None):
            method = "get" if body is None else "post"
            return call(method, f"driver{path}", body, who=who or town.worker.user)

        return drive

    def test_only_a_driver_has_a_shift(self, drive, town):
        assert said(drive(who=town.rider)) == (403, "not_allowed")

    def test_a_shift_from_on_line_to_off_line(self, drive):
        assert drive().json()["shift"] is None
        assert drive("/shift", {"action": "on_line"}).json()["shift"]["city"] == "la-serena"
        assert drive("/shift", {"action": "pause"}).json()["shift"]["is_paused"] is True
        assert drive("/shift", {"action": "resume"}).json()["shift"]["is_paused"] is False
        assert drive("/shift", {"action": "off_line"}).json()["shift"] is None
        assert said(drive("/shift", {"action": "pause"})) == (409, "not_on_shift")
        assert not Shift.objects.open().exists()

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/shift", {}),
            ("/shift", {"action": "fly"}),
            ("/shift", {"action": ["pause"]}),
            ("/position", {}),
            ("/position", {"lat": "x", "lon": 0}),
            ("/position", {"lat": 91, "lon": 0}),
            ("/position", {"lat": 0, "lon": 0, "heading": 360}),
            ("/offers/1", {"answer": "perhaps"}),
            ("/offers/1", {"answer": "decline", "reason": "x" * 51}),
            ("/offers/1", {"answer": "decline", "reason": "\x00"}),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, drive, path, body):
        assert said(drive(path, body)) == (422, "invalid")

    def test_a_position_is_for_those_on_line(self, drive):
        here = {"lat": -29.9027, "lon": -71.2520}
        assert said(drive("/position", here)) == (409, "not_on_shift")
        drive("/shift", {"action": "on_line"})
        assert drive("/position", here).status_code == 202
        away = {**here, "lat": -29.5}
        assert said(drive("/position", away)) == (422, "implausible_position")

    def test_an_offer_is_its_drivers_alone(self, drive, town):
        town.on_shift(at=clock.now())
        offer = town.offer(town.search(at=clock.now()), at=clock.now())
        rosa = rides.driver("Rosa Pizarro").user
        accept = {"answer": "accept"}
        assert said(drive(f"/offers/{offer.pk}", accept, who=rosa)) == (404, "no_such_offer")
        assert said(drive(f"/offers/{10**30}", accept)) == (404, "no_such_offer")
        state = drive(f"/offers/{offer.pk}", accept).json()
        assert [ride["stage"] for ride in state["rides"]] == ["on_the_way"]

    def test_an_answer_may_come_too_late(self, drive, town):
        town.on_shift(at=clock.now())
        offer = town.offer(town.search(at=clock.now()), at=clock.now())
        Offer.objects.filter(pk=offer.pk).update(expires_at=clock.now() - MINUTE)
        assert said(drive(f"/offers/{offer.pk}", {"answer": "accept"})) == (409, "too_late")
        assert Order.objects.get().stage == "searching"
