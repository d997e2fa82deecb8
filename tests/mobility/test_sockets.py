"""A driver's line: whatever comes in, it answers with a code and goes on."""

import asyncio
import json
from uuid import UUID

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubLoopLayer
from django.conf import settings
from django.test import Client

from apps.dispatch import live
from apps.dispatch.models import Offer
from apps.kernel import clock
from apps.mobility import consumers
from apps.mobility.models import Ride
from apps.orders.models import Order
from apps.parties import operations as parties
from apps.parties.models import Worker
from cityplatform.asgi import application
from tests import rides
from tests.rides import CITY

# An order that there is not, the same in every process that collects these tests.
NOBODYS = str(UUID(int=7))

pytestmark = pytest.mark.django_db(transaction=True)
HERE = {"type": "position", "lat": -29.9027, "lon": -71.2520, "heading": 90}
AWAY = {**HERE, "lat": -29.5}


class Line:
    """A phone's end of the line."""

    def __init__(self, user=None, path="/ws/driver", headers=()):
        cookie = []
        if user:
            client = Client()
            client.force_login(user)
            name = settings.SESSION_COOKIE_NAME
            cookie = [(b"cookie", f"{name}={client.cookies[name].value}".encode())]
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": b"",
            "headers": [*cookie, *headers],
            "subprotocols": [],
        }
        self.wire = ApplicationCommunicator(application, scope)

    async def open(self):
        """Whether the line was opened; the code if it was not."""
        await self.wire.send_input({"type": "websocket.connect"})
        said = await self.wire.receive_output(timeout=30)
        return said["type"] == "websocket.accept" or said.get("code", 1000)

    async def close(self):
        await self.wire.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wire.wait(timeout=30)

    async def hear(self):
        """The next message; the code if the line is closed."""
        said = await self.wire.receive_output(timeout=30)
        return said["code"] if said["type"] == "websocket.close" else json.loads(said["text"])

    async def send(self, **frame):
        await self.wire.send_input({"type": "websocket.receive", **frame})

    async def say(self, message):
        await self.send(text=message if isinstance(message, str) else json.dumps(message))

    async def ask(self, message):
        """Say something; the code of what was wrong with it, or the state that follows."""
        await self.say(message)
        said = await self.hear()
        return said["code"] if isinstance(said, dict) and said["type"] == "error" else said


@database_sync_to_async
def at_work():
    """A driver on line with an offer; another without; and the offer's order."""
    town = rides.town()
    town.on_shift(at=clock.now())
    order = town.search(at=clock.now())
    offer = town.offer(order, at=clock.now())
    rosa = town.on_shift(rides.driver("Rosa Pizarro"), at=clock.now())
    return town, order, offer, rosa


line_for = database_sync_to_async(Line)


async def opened(user):
    line = await line_for(user)
    assert await line.open() is True
    return line, await line.hear()


async def test_a_visitor_and_who_is_no_driver_are_told_so_by_code():
    town = await database_sync_to_async(rides.town)()
    assert await (await line_for()).open() == 4401
    assert await (await line_for(town.rider)).open() == 4403


async def test_a_page_of_another_site_gets_no_line():
    town = await database_sync_to_async(rides.town)()
    foreign = [(b"origin", b"https://elsewhere.example"), (b"host", b"city.example")]
    line = await line_for(town.worker.user, headers=foreign)
    assert await line.open() == 1000


async def test_the_whole_state_comes_first():
    town, _, offer, _ = await at_work()
    line, state = await opened(town.worker.user)
    assert state["type"] == "state"
    assert (state["shift"]["city"], state["offer"]["id"], state["rides"]) == (
        "la-serena",
        offer.pk,
        [],
    )
    await line.close()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", "malformed"),
        ("{", "malformed"),
        ("[" * 2_000, "malformed"),
        ("null", "malformed"),
        ("[]", "malformed"),
        ('{"type": 7}', "malformed"),
        ('{"type": "fly"}', "unknown_message"),
        ('{"type": "accept"}', "malformed"),
        ('{"type": "accept", "offer": "7"}', "malformed"),
        ('{"type": "accept", "offer": true}', "malformed"),
        ('{"type": "accept", "offer": 1.5}', "malformed"),
        ('{"type": "accept", "offer": -1}', "no_such_offer"),
        ('{"type": "accept", "offer": ' + "9" * 300 + "}", "no_such_offer"),
        ('{"type": "accept", "offer": ' + "9" * 4_050 + "}", "no_such_offer"),
        ('{"type": "more_time", "offer": 999999}', "no_such_offer"),
        ('{"type": "decline", "offer": 999999, "reason": {"a": 1}}', "no_such_offer"),
        ('{"type": "step", "order": "no-ref", "step": "arrive"}', "malformed"),
        ('{"type": "step", "order": 7, "step": "arrive"}', "malformed"),
        ('{"type": "step", "order": "' + NOBODYS + '", "step": "arrive"}', "no_such_ride"),
        ('{"type": "step", "order": "' + NOBODYS + '", "step": "assign"}', "malformed"),
        ('{"type": "position"}', "malformed"),
        ('{"type": "position", "lat": "-29.9", "lon": "-71.2"}', "malformed"),
        ('{"type": "position", "lat": NaN, "lon": -71.2}', "malformed"),
        ('{"type": "position", "lat": 1e999, "lon": -71.2}', "malformed"),
        ('{"type": "position", "lat": -Infinity, "lon": -71.2}', "malformed"),
        ('{"type": "position", "lat": true, "lon": -71.2}', "malformed"),
        ('{"type": "position", "lat": 91, "lon": 0}', "malformed"),
        ('{"type": "position", "lat": ' + "9" * 400 + ', "lon": 0}', "malformed"),
    ],
)
async def test_what_makes_no_sense_is_answered_with_a_code(frame, code):
    town, _, offer, _ = await at_work()
    line, _ = await opened(town.worker.user)
    assert await line.ask(frame) == code
    # And the line is as good as before.
    await line.say({"type": "sync"})
    said = await line.hear()
    while said["type"] == "state" and said["offer"] is None:
        said = await line.hear()
    assert said["offer"]["id"] == offer.pk
    await line.close()


@pytest.mark.parametrize(
    ("frame", "code"),
    [({"text": "x" * 1_000_000}, "too_big"), ({"bytes": b"\x00\xff" * 99}, "malformed")],
)
async def test_a_megabyte_or_binary_ends_the_line(frame, code):
    town, *_ = await at_work()
    line, _ = await opened(town.worker.user)
    await line.send(**frame)
    assert (await line.hear())["code"] == code
    assert await line.hear() == 4413


async def test_a_flood_ends_the_line():
    town, *_ = await at_work()
    line, _ = await opened(town.worker.user)
    for _ in range(60):
        await line.say({"type": "nothing"})
    heard = []
    while not isinstance(said := await line.hear(), int):
        heard.append(said["code"])
    assert said == 4429
    assert heard[-1] == "too_fast"
    assert len(heard) < 60


@pytest.mark.parametrize("heading", [None, "north", True, -90, 1e308, [], 720])
async def test_a_strange_heading_does_not_hide_the_car(heading):
    town, *_ = await at_work()
    line, _ = await opened(town.worker.user)
    await line.say({**HERE, "heading": heading})
    assert (await line.ask({"type": "sync"}))["type"] == "state"
    await line.close()


async def test_nobody_jumps_forty_kilometres():
    town, *_ = await at_work()
    line, _ = await opened(town.worker.user)
    await line.say(HERE)
    assert await line.ask(AWAY) == "implausible_position"
    await line.close()


async def test_who_is_not_on_line_sends_no_position():
    town = await database_sync_to_async(rides.town)()
    line, state = await opened(town.worker.user)
    assert state["shift"] is None
    assert await line.ask(HERE) == "not_on_shift"
    assert await line.ask({"type": "pause"}) == "not_on_shift"
    await line.close()


async def test_offers_and_rides_of_others_are_not_there():
    town, order, offer, rosa = await at_work()
    line, _ = await opened(rosa.user)
    for kind in ("accept", "decline", "more_time"):
        assert await line.ask({"type": kind, "offer": offer.pk}) == "no_such_offer"
        assert (await line.hear())["type"] == "state"
    await database_sync_to_async(town.accept)(offer, clock.now())
    step = {"type": "step", "order": str(order.ref), "step": "arrive"}
    assert await line.ask(step) == "no_such_ride"
    assert (await Order.objects.aget(pk=order.pk)).stage == "on_the_way"
    await line.close()


async def test_a_ride_by_the_line_alone():
    town, order, offer, _ = await at_work()
    line, _ = await opened(town.worker.user)
    state = await line.ask({"type": "accept", "offer": offer.pk})
    assert [ride["stage"] for ride in state["rides"]] == ["on_the_way"]
    step = {"type": "step", "order": str(order.ref)}
    assert (await line.ask({**step, "step": "arrive"}))["rides"][0]["stage"] == "at_pickup"
    assert await line.ask({**step, "step": "no_show"}) == "too_early"
    await line.hear()
    assert await line.ask({**step, "step": "board", "code": "0"}) == "wrong_code"
    await line.hear()
    assert await line.ask({**step, "step": "drop_off"}) == "out_of_turn"
    await line.hear()
    code = (await Ride.objects.aget(order=order)).code
    state = await line.ask({**step, "step": "board", "code": code})
    assert state["rides"][0]["stage"] == "on_board"
    state = await line.ask({**step, "step": "drop_off"})
    assert (state["rides"], state["shift"]["rides"]) == ([], 1)
    await line.close()


async def test_a_line_does_not_look_again_at_what_it_did_itself():
    town, _, offer, _ = await at_work()
    relay_all = database_sync_to_async(rides.relay_all)
    await relay_all(clock.now())
    line, _ = await opened(town.worker.user)
    other, _ = await opened(town.worker.user)
    said = await line.ask({"type": "accept", "offer": offer.pk})

    await relay_all(clock.now())

    # The other phone is told.
    heard = await other.hear()
    assert heard["rides"][0]["ref"] == said["rides"][0]["ref"]
    assert await line.wire.receive_nothing(timeout=0.5, interval=0.05)
    await line.close()
    await other.close()


async def test_whoever_waits_for_a_car_hears_where_it_is():
    town, order, offer, _ = await at_work()
    await database_sync_to_async(town.accept)(offer, clock.now())
    driver, _ = await opened(town.worker.user)
    rider = await line_for(town.rider, f"/ws/order/{order.ref}")
    assert await rider.open() is True
    await rider.hear()

    await driver.say(HERE)

    while (heard := await rider.hear())["type"] != "car":
        pass
    assert (heard["lat"], heard["lon"], heard["heading"]) == (HERE["lat"], HERE["lon"], 90)
    await rider.close()
    await driver.close()


async def test_a_layer_that_takes_no_word_of_a_car_makes_the_line_look_for_itself(
    monkeypatch, caplog
):
    monkeypatch.setattr(consumers, "LOOK_EVERY", 0.05)
    town, _, offer, _ = await at_work()
    await database_sync_to_async(town.accept)(offer, clock.now())
    line, _ = await opened(town.worker.user)

    async def group_send(*_):
        raise ConnectionRefusedError

    monkeypatch.setattr(RedisPubSubLoopLayer, "group_send", group_send)
    await line.say(HERE)
    while not any("stand still" in one.getMessage() for one in caplog.records):
        await asyncio.sleep(0)
    await line.say(HERE)

    assert (await line.hear())["type"] == "state"
    assert any("hears nothing" in one.getMessage() for one in caplog.records)
    await line.close()


async def test_words_that_no_database_holds_are_malformed():
    town, _, offer, _ = await at_work()
    line, _ = await opened(town.worker.user)
    said = {"type": "decline", "offer": offer.pk, "reason": "\x00"}
    assert await line.ask(said) == "malformed"
    await line.hear()
    assert await line.ask({**said, "reason": "\ud800"}) == "malformed"
    assert (await Offer.objects.aget()).state == Offer.State.OPEN
    await line.close()


async def test_who_is_let_go_loses_the_line():
    town, *_ = await at_work()
    line, _ = await opened(town.worker.user)
    await Worker.objects.filter(pk=town.worker.pk).aupdate(is_active=False)
    assert await line.ask({"type": "sync"}) == 4403


async def test_without_a_channel_layer_the_line_looks_for_itself(monkeypatch, caplog):
    monkeypatch.setattr(consumers, "LOOK_EVERY", 0.05)
    town, _, offer, _ = await at_work()
    works = RedisPubSubLoopLayer.group_add
    is_down = asyncio.Event()
    is_down.set()

    async def group_add(self, *args):
        if is_down.is_set():
            raise ConnectionRefusedError
        await works(self, *args)

    monkeypatch.setattr(RedisPubSubLoopLayer, "group_add", group_add)
    line, state = await opened(town.worker.user)
    assert state["offer"]["id"] == offer.pk
    for _ in range(3):
        assert (await line.hear())["type"] == "state"
    told = [one for one in caplog.records if "hears nothing" in one.getMessage()]
    assert len(told) == 1

    is_down.clear()
    # What was under way comes to its end, and then the line is silent until it is rung.
    while not await line.wire.receive_nothing(timeout=0.5, interval=0.05):
        await line.hear()
    await get_channel_layer().group_send(live.line_of(town.worker.pk), {"type": "changed"})
    assert (await line.hear())["type"] == "state"
    await line.close()


@database_sync_to_async
def keyed(user):
    """A token of somebody, and its secret."""
    return parties.issue_token(
        user_id=user.pk, name="phone", expires_at=None, by=CITY, at=clock.now()
    )


def bearing(secret):
    return [(b"authorization", f"Bearer {secret}".encode())]


async def test_a_program_gets_a_drivers_line_by_a_token():
    town, *_ = await at_work()
    _, secret = await keyed(town.worker.user)
    line = Line(headers=bearing(secret))
    assert await line.open() is True
    assert (await line.hear())["shift"]["city"] == "la-serena"
    await line.close()


async def test_a_program_watches_an_order_by_its_riders_token_and_by_no_other():
    town, order, _, rosa = await at_work()
    path = f"/ws/order/{order.ref}"
    _, secret = await keyed(town.rider)
    line = Line(path=path, headers=bearing(secret))
    assert await line.open() is True
    assert (await line.hear())["stage"] == "searching"
    await line.close()
    _, secret = await keyed(rosa.user)
    assert await Line(path=path, headers=bearing(secret)).open() == 4404


async def test_a_wrong_or_revoked_token_opens_nothing_though_there_is_a_cookie():
    town, *_ = await at_work()
    user = town.worker.user
    for secret in ("", "city_wrong", "\xff"):
        line = await line_for(user, headers=bearing(secret))
        assert await line.open() == 4401
    token, secret = await keyed(user)
    await database_sync_to_async(parties.revoke_token)(
        token_id=token.pk, user_id=user.pk, by=CITY, at=clock.now()
    )
    assert await (await line_for(user, headers=bearing(secret))).open() == 4401


async def test_a_line_answers_whoever_asks_whether_it_lives():
    town = await database_sync_to_async(rides.town)()
    line, _state = await opened(town.worker.user)

    await line.say({"type": "ping"})

    assert await line.hear() == {"type": "pong"}
    await line.close()
