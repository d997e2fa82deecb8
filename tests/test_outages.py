"""Whatever is away, people hear that it passes; and what they asked for was done whole or not."""

import asyncio
import sys

import kombu.exceptions
import nats.errors
import psycopg
import pytest
import redis.exceptions
import uvloop
from asgiref.testing import ApplicationCommunicator
from django import db
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client, RequestFactory

from apps.orders.models import Order
from apps.payments.models import Payment
from apps.regulation.models import Decision
from cityplatform import outages
from cityplatform.asgi import application
from tests import engines, rides
from tests.browser import assert_accessible, screenshot
from tests.mobility.test_sockets import Line


def told(error, path="/"):
    """What a person is told when this was caught by nobody."""
    try:
        raise error
    except type(error):
        return outages.sorry(RequestFactory().get(path))


class TestWhatIsAway:
    @pytest.mark.parametrize(
        "error",
        [
            db.OperationalError(),
            db.InterfaceError(),
            psycopg.errors.AdminShutdown(),
            redis.exceptions.ConnectionError(),
            redis.exceptions.BusyLoadingError(),
            redis.exceptions.TimeoutError(),
            kombu.exceptions.OperationalError(),
            nats.errors.NoServersError(),
            ConnectionRefusedError(),
        ],
        ids=repr,
    )
    def test_an_engine_that_does_not_answer_is(self, error):
        answer = told(error)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")

    @pytest.mark.parametrize(
        "error",
        [
            db.IntegrityError(),
            db.ProgrammingError(),
            db.DataError(),
            redis.exceptions.ResponseError(),
            KeyError("fare"),
        ],
        ids=repr,
    )
    def test_a_mistake_of_ours_is_not(self, error):
        answer = told(error)
        assert (answer.status_code, answer.headers.get("Retry-After")) == (500, None)
        assert "This did not work on our side" in answer.content.decode()

    def test_what_fails_because_of_an_outage_is_part_of_it(self):
        try:
            try:
                raise db.OperationalError
            except db.OperationalError:
                raise db.ProgrammingError("no new connection in an atomic block")  # noqa: B904
        except db.ProgrammingError:
            assert outages.is_away(sys.exception())

    def test_a_line_that_uvloop_has_just_lost_is(self):
        async def write_on_a_lost_line():
            async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
                _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
                writer.transport.abort()
                await asyncio.sleep(0)
                writer.writelines([b"SUBSCRIBE"])

        with (
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop,
            pytest.raises(RuntimeError) as lost,
        ):
            loop.run(write_on_a_lost_line())
        assert outages.is_away(lost.value)
        assert not outages.is_away(RuntimeError("published outside a transaction"))

    def test_a_program_hears_a_problem_and_a_person_plain_words(self):
        page = told(db.OperationalError())
        assert "The city is catching its breath" in page.content.decode()
        for error, status, code in (
            (db.OperationalError(), 503, "away"),
            (KeyError(), 500, "our_fault"),
        ):
            answer = told(error, "/api/v1/orders")
            assert answer["Content-Type"] == "application/problem+json"
            assert answer.status_code == status
            assert b'"code": "%s"' % code.encode() in answer.content


@pytest.mark.django_db(transaction=True)
class TestTheDatabase:
    @pytest.fixture
    def rider(self):
        town = rides.town()
        client = Client(raise_request_exception=False)
        client.force_login(town.rider)
        return town, client

    @pytest.fixture
    def nowhere(self, monkeypatch):
        def go():
            connection.close()
            monkeypatch.setitem(connection.settings_dict, "HOST", "/nonexistent")

        yield go
        connection.close()

    @pytest.mark.parametrize("path", ["/", "/me/", "/city/", "/admin/", "/accounts/login/"])
    def test_a_page_without_it_says_so_in_plain_words(self, rider, nowhere, path):
        nowhere()
        answer = rider[1].get(path)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert "The city is catching its breath" in answer.content.decode()
        assert "script-src 'self'" in answer["Content-Security-Policy"]

    @pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer city_nobody"}])
    def test_the_api_without_it_says_so_to_a_program(self, rider, nowhere, header):
        nowhere()
        answer = rider[1].get("/api/v1/orders", headers=header)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "away"

    def test_wherever_the_line_is_cut_an_order_is_placed_once_or_can_be_asked_for_again(
        self, rider
    ):
        """The server ends our session before the first statement, the second, ... the last."""
        town, client = rider
        cut_at, answers = 0, []
        while not answers or answers[-1] != 201:
            cut_at += 1
            body = {"quotes": [str(town.quote().ref)], "card": town.card.pk}

            def order(body=body, key=f"cut at {cut_at}"):
                return client.post(
                    "/api/v1/orders",
                    body,
                    content_type="application/json",
                    headers={"Idempotency-Key": key},
                ).status_code

            with Cut(cut_at):
                answers.append(order())
            assert order() == 201, cut_at

        assert set(answers[:-1]) == {503}
        # There is something to cut, before and after the order is there.
        assert cut_at > 15
        orders = Order.objects.count()
        assert (
            orders
            == cut_at
            == Payment.objects.count()
            == Decision.objects.filter(act="book").count()
        )
        assert Session.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("width", "theme", "lang"), [(390, "dark", "es"), (1280, "light", "en")])
def test_the_page_can_be_read(new_page, site, monkeypatch, width, theme, lang):
    page = new_page(width=width, theme=theme, lang=lang)
    connection.close()
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "HOST", "/nonexistent")
        answer = page.goto(f"{site}/city/")
    assert answer.status == 503
    title = {"es": "La ciudad toma aire un momento", "en": "The city is catching its breath"}
    assert page.get_by_role("heading").inner_text() == title[lang]
    assert_accessible(page)
    screenshot(page, f"away-{width}-{theme}")


class Cut:
    """End the connection at the server just before its nth statement."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __enter__(self):
        self.wrapped = connection.execute_wrapper(self)
        self.wrapped.__enter__()

    def __exit__(self, *fault):
        self.wrapped.__exit__(*fault)
        # As every request does when it begins, except those of a test.
        connection.close_if_unusable_or_obsolete()

    def __call__(self, execute, sql, params, many, context):
        self.left -= 1
        if self.left == 0:
            postgres = engines.engines.postgres
            with postgres.connect(engines.engines.installation.passwords["database"]) as other:
                ours = connection.connection.info.backend_pid
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [ours])
        return execute(sql, params, many, context)


@pytest.mark.django_db(transaction=True)
class TestSockets:
    @pytest.fixture
    def valkey_is_away(self, settings):
        settings.CHANNEL_LAYERS = {
            "default": {
                "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
                "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
            }
        }

    @pytest.fixture
    def line(self):
        order = (town := rides.town()).confirm()
        return Line(town.rider, f"/ws/order/{order.ref}")

    async def test_one_that_cannot_be_opened_now_is_asked_to_try_again(self, line, valkey_is_away):
        assert await line.open() == 1013

    async def test_where_the_server_can_say_why_it_is_503(self, line, valkey_is_away):
        scope = {**line.wire.scope, "extensions": {"websocket.http.response": {}}}
        wire = ApplicationCommunicator(application, scope)
        await wire.send_input({"type": "websocket.connect"})
        start = await wire.receive_output(timeout=30)
        assert (start["type"], start["status"]) == ("websocket.http.response.start", 503)
        assert start["headers"] == [(b"retry-after", b"5")]
        assert await wire.receive_output() == {"type": "websocket.http.response.body", "body": b""}

    async def test_one_that_is_open_is_closed_with_a_code_that_says_so(self):
        async def falls(scope, receive, send):
            await receive()
            await send({"type": "websocket.accept"})
            raise db.OperationalError

        wire = ApplicationCommunicator(outages.Patient(falls), {"type": "websocket"})
        await wire.send_input({"type": "websocket.connect"})
        assert (await wire.receive_output())["type"] == "websocket.accept"
        assert await wire.receive_output() == {"type": "websocket.close", "code": 1013}

    async def test_one_that_is_gone_is_told_nothing(self):
        async def falls(scope, receive, send):
            while (await receive())["type"] != "websocket.disconnect":
                await send({"type": "websocket.accept"})
            raise db.OperationalError

        wire = ApplicationCommunicator(outages.Patient(falls), {"type": "websocket"})
        await wire.send_input({"type": "websocket.connect"})
        await wire.receive_output()
        await wire.send_input({"type": "websocket.disconnect", "code": 1001})
        await wire.wait()
        assert wire.output_queue.empty()

    async def test_a_mistake_is_not_hushed_up(self):
        async def falls(scope, receive, send):
            raise KeyError

        wire = ApplicationCommunicator(outages.Patient(falls), {"type": "websocket"})
        with pytest.raises(KeyError):
            await wire.wait()
