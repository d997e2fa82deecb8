from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection, transaction

from apps.bus import operations as bus
from apps.bus import queries
from apps.bus.models import Delivery, Event
from tests.factories import ADA, NOON, OFFICER, SOON

heard = []
hooks = []


@bus.subscribe("tests.greeted")
def listen(*, name, by, at, source, **_):
    heard.append((name, by, at, source, bus.source.get()))


@bus.subscribe("tests.greeted")
def choke(*, name, by, at, **_):
    bus.publish("tests.half_done", by=by, at=at)
    transaction.on_commit(lambda: hooks.append("choked"))
    raise ValueError(name)


@bus.subscribe("tests.ordered")
def first_task(**_):
    transaction.on_commit(broker_is_away)


@bus.subscribe("tests.ordered")
def second_task(**_):
    transaction.on_commit(lambda: hooks.append("second"))


def broker_is_away():
    raise ConnectionError("the broker is away")


def mine(*names):
    return Delivery.objects.filter(subscriber__in=[f"{__name__}.{name}" for name in names])


@pytest.fixture(autouse=True)
def forget():
    heard.clear()
    hooks.clear()


@pytest.mark.django_db
class TestPublish:
    def test_what_travels_keeps_its_meaning(self):
        bus.publish(
            "tests.unheard_of",
            by=ADA,
            at=NOON,
            ref=UUID(int=7),
            price=Decimal("2.45"),
            moment=datetime(2027, 5, 1, 12, 0, 0, 123456, tzinfo=UTC),
        )

        assert Event.objects.get().body == {
            "ref": "00000000-0000-0000-0000-000000000007",
            "price": "2.45",
            "moment": "2027-05-01T12:00:00.123456+00:00",
        }

    def test_it_costs_one_statement(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            bus.publish("tests.greeted", by=ADA, at=NOON, name="Grace")

    @pytest.mark.parametrize("word", ["event", "topic", "source"])
    def test_a_body_may_not_speak_for_the_envelope(self, word):
        with pytest.raises(ValueError, match=f"says {word}"):
            bus.publish("tests.greeted", by=ADA, at=NOON, **{word: 1})

        assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_published_outside_a_transaction():
    with pytest.raises(RuntimeError, match="outside a transaction"):
        bus.publish("tests.greeted", by=ADA, at=NOON, name="Grace")


@pytest.mark.django_db(transaction=True)
def test_relays_are_woken_once_per_transaction_and_only_by_what_committed():
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {bus.CHANNEL}")
    with transaction.atomic():
        for name in ("Ada", "Grace"):
            bus.publish("tests.greeted", by=ADA, at=NOON, name=name)
    with transaction.atomic():
        bus.publish("tests.greeted", by=ADA, at=NOON, name="Nobody")
        transaction.set_rollback(True)

    calls = list(connection.connection.notifies(timeout=0.2))

    assert [call.channel for call in calls] == ["bus"]
    assert Event.objects.count() == 2


@pytest.mark.django_db
class TestRelay:
    def test_one_subscriber_who_fails_stops_nobody_else(self):
        here = bus.source.set("/a/page/")
        bus.publish("tests.greeted", by=ADA, at=NOON, name="Grace")
        bus.source.reset(here)

        tried = [bus.relay(at=NOON) for _ in range(3)]
        assert (sum(tried), tried[-1]) == (3, 0), "two of ours and the audit; then one waits"
        assert bus.relay(at=SOON) == 1

        # Told again when its batch had failed; what it wrote the first time was taken back.
        assert set(heard) == {("Grace", ADA, NOON, "/a/page/", "/a/page/")}
        assert mine("listen").get().done_at == NOON
        failed = Delivery.objects.get(done_at=None)
        assert (failed.failures, failed.error) == (2, "ValueError: Grace")
        assert not Event.objects.filter(topic="tests.half_done").exists()

    def test_no_more_than_its_limit_is_taken(self):
        for name in ("Ada", "Grace"):
            bus.publish("tests.unheard_of", by=ADA, at=NOON, name=name)

        assert [bus.relay(at=NOON, limit=1) for _ in range(3)] == [1, 1, 0]

    def test_who_fails_twelve_times_is_given_up_until_an_officer_asks_again(self):
        bus.publish("tests.greeted", by=ADA, at=NOON, name="Grace")
        at = NOON
        for _ in range(20):
            bus.relay(at=at)
            at += timedelta(hours=2)

        given_up = mine("choke").get()
        assert (given_up.failures, given_up.dead_at) == (12, NOON + timedelta(hours=22))
        assert queries.dead() == 1

        for _ in range(2):
            bus.retry(delivery_id=given_up.pk, by=OFFICER, at=at)

        assert Event.objects.filter(topic="bus.retried").count() == 1
        assert queries.dead() == 0
        bus.relay(at=at)
        given_up.refresh_from_db()
        assert (given_up.failures, given_up.dead_at) == (1, None)

    def test_a_subscriber_that_is_gone_is_an_error_and_not_a_loss(self):
        bus.publish("tests.unheard_of", by=ADA, at=NOON)
        Delivery.objects.update(subscriber="apps.gone.listen")

        bus.relay(at=NOON)

        assert Delivery.objects.get().error == "NobodyListens: apps.gone.listen"

    def test_retrying_what_is_done_or_unknown(self):
        bus.publish("tests.unheard_of", by=ADA, at=NOON)
        bus.relay(at=NOON)
        done = Delivery.objects.get()

        bus.retry(delivery_id=done.pk, by=OFFICER, at=SOON)
        with pytest.raises(bus.NoSuchDelivery):
            bus.retry(delivery_id=done.pk + 1, by=OFFICER, at=SOON)

        done.refresh_from_db()
        assert done.done_at == NOON
        assert not Event.objects.filter(topic="bus.retried").exists()

    def test_the_queue_can_be_looked_at(self):
        assert (queries.waiting(), queries.oldest_due_age(SOON)) == (0, timedelta())

        bus.publish("tests.greeted", by=ADA, at=NOON, name="Grace")

        assert (queries.waiting(), queries.dead(), queries.unstreamed()) == (3, 0, 1)
        assert queries.oldest_due_age(SOON) == timedelta(minutes=15)


@pytest.mark.django_db(transaction=True)
class TestAfterTheCommit:
    def test_a_task_is_started_only_by_work_that_committed(self):
        with transaction.atomic():
            bus.publish("tests.greeted", by=ADA, at=NOON, name="Grace")

        bus.relay(at=NOON)

        assert hooks == []

    def test_a_task_that_cannot_be_started_does_not_stop_the_next(self):
        with transaction.atomic():
            bus.publish("tests.ordered", by=ADA, at=NOON)

        assert bus.relay(at=NOON) == 3

        assert hooks == ["second"]
        assert not Delivery.objects.filter(done_at=None).exists()


@pytest.mark.django_db
class TestSweep:
    LATER = NOON + timedelta(days=31)

    def told(self, streamed_at=NOON, relayed=True):
        bus.publish("tests.unheard_of", by=ADA, at=NOON)
        if relayed:
            bus.relay(at=NOON)
        Event.objects.update(streamed_at=streamed_at)

    def test_after_a_month_what_was_told_is_forgotten(self):
        self.told()

        assert bus.sweep(at=NOON + timedelta(days=29)) == 0
        assert bus.sweep(at=self.LATER) == 1
        assert not Event.objects.exists()
        assert not Delivery.objects.exists()

    def test_what_is_still_to_be_told_is_kept(self):
        self.told(relayed=False)

        assert bus.sweep(at=self.LATER) == 0
        assert Delivery.objects.count() == 1

    def test_what_was_told_only_lately_is_kept(self):
        self.told(relayed=False)
        bus.relay(at=self.LATER)

        assert bus.sweep(at=self.LATER) == 0

    def test_what_waits_for_the_stream_is_kept_if_there_is_one(self, settings):
        self.told(streamed_at=None)

        assert bus.sweep(at=self.LATER) == 0
        settings.NATS_URL = ""
        assert bus.sweep(at=self.LATER) == 1

    def test_how_long_is_a_setting(self, settings):
        settings.BUS_KEEP_DAYS = 1
        self.told()

        assert bus.sweep(at=NOON + timedelta(days=2)) == 1
