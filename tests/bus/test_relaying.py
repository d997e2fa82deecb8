"""The relay at its work: woken at once, many beside one another, and through outages."""

import json
import logging
from collections import Counter
from contextlib import contextmanager
from functools import partial
from threading import Barrier, Event, Lock, Thread

import nats
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connection, transaction

from apps.bus import operations as bus
from apps.bus import relaying
from apps.bus import stream as streaming
from apps.bus.models import Delivery
from apps.bus.models import Event as News
from apps.kernel import clock
from cityplatform import processes
from cityplatform.engines.nats import Nats
from cityplatform.installation import free_ports
from tests import engines
from tests.factories import ADA, NOON, OFFICER
from tests.races import at_once, eventually

handled = Counter()
counting = Lock()
rung = Event()
answered = Event()
WAIT = 60


@bus.subscribe("tests.counted")
def count(*, number, **_):
    with counting:
        handled[number] += 1


@bus.subscribe("tests.rang")
def ring(*, by, at, **_):
    bus.publish("tests.answered", by=by, at=clock.now())
    rung.set()


@bus.subscribe("tests.answered")
def answer(**_):
    answered.set()


@bus.subscribe("tests.doubled")
def names_itself_twice(*, event, **_):
    # Breaks a deferred foreign key: nobody complains before the commit.
    Delivery.objects.create(event_id=-event, subscriber="nobody", due_at=NOON)


@bus.subscribe("tests.doubled")
def innocent(**_):
    with counting:
        handled["innocent"] += 1


@pytest.fixture(autouse=True)
def forget():
    handled.clear()
    rung.clear()
    answered.clear()


@contextmanager
def running(work):
    """A relay process's work in a thread of our own, from ready to stopped."""
    stop = Event()
    failed = []

    def run():
        try:
            work(stop)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(WAIT)
        assert not thread.is_alive()
        assert failed == []


def tell(topic, at=None, **body):
    with transaction.atomic():
        bus.publish(topic, by=ADA, at=at or clock.now(), **body)


def superuser():
    postgres, passwords = engines.engines.postgres, engines.engines.installation.passwords
    return postgres.connect(passwords["database"])


def cut_all_lines():
    """What a crash of the database looks like from here: every connection is gone."""
    with superuser() as line:
        line.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid()",
            [settings.DATABASES["default"]["NAME"]],
        )
    connection.close()


@pytest.mark.django_db(transaction=True)
class TestTheLoop:
    def test_news_and_the_news_of_news_are_heard_long_before_the_timer(self, monkeypatch):
        monkeypatch.setattr(relaying, "TIMER", 600)
        drained = Event()
        with running(partial(relaying.deliver_until, on_news=drained.set)):
            assert drained.wait(WAIT)
            tell("tests.rang")
            assert answered.wait(WAIT)
            # Let go of the long wait.
            tell("tests.unheard_of")
            drained.clear()
            assert drained.wait(WAIT)
            monkeypatch.undo()
            tell("tests.unheard_of")

    def test_it_outlives_the_database(self, caplog):
        caplog.set_level(logging.INFO, logger="apps.bus.relaying")
        with running(relaying.deliver_until):
            tell("tests.rang")
            assert answered.wait(WAIT)
            answered.clear()

            cut_all_lines()
            tell("tests.rang")

            assert answered.wait(WAIT)
        said = [record.message for record in caplog.records]
        assert len(said) == 2
        assert said[0].startswith("the database is away")
        assert said[1] == "the database is back"


@pytest.mark.django_db(transaction=True)
class TestBatches:
    def test_a_complaint_at_the_commit_hits_only_whom_it_concerns(self):
        tell("tests.doubled", at=NOON)

        assert bus.relay(at=NOON) == 3

        waiting = Delivery.objects.get(done_at=None)
        assert waiting.subscriber.endswith("names_itself_twice")
        assert waiting.error.startswith("IntegrityError")
        assert Delivery.objects.filter(done_at=NOON).count() == 2

    def test_four_relays_hand_each_of_a_thousand_events_over_once(self):
        with transaction.atomic():
            for number in range(1000):
                bus.publish("tests.counted", by=ADA, at=NOON, number=number)

        def drain():
            tried = 0
            while now := bus.relay(at=NOON, limit=40):
                tried += now
            return tried

        tried = at_once(*[drain] * 4)

        assert sum(tried) == 2000, "ours and the audit's"
        assert handled == Counter(range(1000))

    def test_naive_relays_hand_over_twice(self):
        tell("tests.counted", at=NOON, number=7)
        both_have_looked = Barrier(2)

        def naive():
            mine = Delivery.objects.due(NOON).get(subscriber__endswith=".count")
            both_have_looked.wait(WAIT)
            bus._hand_over(mine)
            Delivery.objects.filter(pk=mine.pk).update(done_at=NOON)

        at_once(naive, naive)

        assert handled == Counter({7: 2})

    def test_of_many_who_retry_at_once_one_does(self):
        tell("tests.unheard_of", at=NOON)
        given_up = Delivery.objects.get()
        Delivery.objects.update(failures=12, dead_at=NOON, error="why")

        at_once(*[partial(bus.retry, delivery_id=given_up.pk, by=OFFICER, at=NOON)] * 4)

        assert News.objects.filter(topic="bus.retried").count() == 1


@contextmanager
def streamer(url):
    ours = streaming.Streamer(url)
    ours.start()
    try:
        yield ours
    finally:
        ours.stop()


async def _told(url):
    """What stands in the stream, oldest first."""
    client = await nats.connect(url)
    try:
        jetstream = client.jetstream()
        info = await jetstream.stream_info(streaming.STREAM)
        first, last = info.state.first_seq, info.state.last_seq
        return [await jetstream.get_msg(streaming.STREAM, seq=n) for n in range(first, last + 1)]
    finally:
        await client.close()


told = async_to_sync(_told)


def all_streamed():
    return not News.objects.filter(streamed_at=None).exists()


class Server:
    """A NATS server that a test may stop and start."""

    def __init__(self, folder):
        ports = free_ports()
        ours = Nats(
            folder,
            port=ports["nats"],
            monitor=ports["nats_monitor"],
            password="secret",
            system_password="secret",
        )
        ours.prepare()
        self.program, self.log = ours.program(), folder / "nats.log"
        self.url = f"nats://app:secret@127.0.0.1:{ports['nats']}"
        self.process = None

    def start(self):
        self.process = processes.start(self.program, self.log)
        processes.wait_ready(self.program, self.process, self.log)

    def stop(self):
        if self.process:
            processes.stop(self.program, self.process)
        self.process = None


@pytest.fixture
def server(tmp_path):
    ours = Server(tmp_path)
    ours.start()
    yield ours
    ours.stop()


@pytest.mark.django_db(transaction=True)
class TestTheStream:
    def test_every_event_goes_out_in_order_as_a_cloud_event(self, server):
        for number in range(600):
            tell("tests.counted", at=NOON, number=number)
        ids = list(News.objects.order_by("pk").values_list("pk", flat=True))

        with streamer(server.url):
            eventually(all_streamed)

        messages = told(server.url)
        assert [message.headers["Nats-Msg-Id"] for message in messages] == list(map(str, ids))
        assert {message.subject for message in messages} == {"city.tests.counted"}
        assert json.loads(messages[7].data) == {
            "specversion": "1.0",
            "id": str(ids[7]),
            "source": "task",
            "type": "city.tests.counted",
            "time": "2027-05-01T12:00:00+00:00",
            "datacontenttype": "application/json",
            "actor": "consumer:1",
            "data": {"number": 7},
        }

    def test_an_event_told_twice_stands_in_it_once(self, server):
        tell("tests.unheard_of")
        with streamer(server.url) as ours:
            eventually(all_streamed)
            News.objects.update(streamed_at=None)
            ours.nudge()
            eventually(all_streamed)

        assert len(told(server.url)) == 1

    def test_while_it_is_away_events_wait_and_deliveries_go_on(self, server, caplog):
        caplog.set_level(logging.INFO, logger="apps.bus.stream")
        with (
            streamer(server.url) as ours,
            running(partial(relaying.deliver_until, on_news=ours.nudge)),
        ):
            tell("tests.counted", number=1)
            eventually(all_streamed)

            server.stop()
            tell("tests.counted", number=2)
            eventually(lambda: handled[2] == 1)
            eventually(lambda: len(caplog.records) == 1)
            assert not all_streamed()

            server.start()
            eventually(all_streamed)

        numbers = [json.loads(message.data)["data"]["number"] for message in told(server.url)]
        assert numbers == [1, 2]
        said = [record.message for record in caplog.records]
        assert said[0].startswith("the stream cannot be told, events wait")
        assert said[1:] == ["the stream is back"]

    def test_of_two_relays_one_tells_until_it_is_gone(self, server):
        with streamer(server.url) as second:
            with streamer(server.url) as first:
                for each in (first, second):
                    tell("tests.unheard_of")
                    each.nudge()
                eventually(all_streamed)
                with superuser() as line:
                    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                    assert line.execute(held).fetchone() == (1,)
            tell("tests.unheard_of")
            second.nudge()
            eventually(all_streamed)

        assert len(told(server.url)) == 3
