"""Positions on their way from the sockets to the matcher and the database."""

from datetime import timedelta

import nats
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as configured

from apps.dispatch import queries, telemetry
from apps.dispatch.models import Position
from apps.dispatch.positions import Positions, Receiver
from apps.kernel import clock
from apps.places.geometry import Point
from cityplatform import processes
from cityplatform.engines.nats import Nats
from cityplatform.installation import free_ports
from tests.dispatch.scenes import BEACH, PLAZA
from tests.factories import NOON, WorkerFactory
from tests.races import eventually

AT = NOON.timestamp()


def seen(worker=7, at=AT, place=PLAZA, heading=-1):
    return (worker, place.lat, place.lon, heading, at)


def north(metres):
    return Point(PLAZA.lat + metres / 111_195, PLAZA.lon)


class TestWhatIsBelieved:
    @pytest.mark.parametrize(
        ("metres", "seconds", "believed"),
        [
            (0, 0, True),
            # 100 m of blur, and 60 m for each second.
            (99, 0, True),
            (101, 0, False),
            (399, 5, True),
            (401, 5, False),
            (3_000, 5, False),
            # A clock that runs backwards gives nobody time to travel.
            (101, -3600, False),
            # After a minute without a word a car may be anywhere.
            (3_000_000, 61, True),
        ],
    )
    def test_a_car_cannot_fly(self, metres, seconds, believed):
        before, after = seen(), seen(at=AT + seconds, place=north(metres))

        assert telemetry.is_plausible(before, after) is believed

    def test_the_date_line_is_no_jump(self):
        before = (7, 0.0, 179.9999, -1, AT)

        assert telemetry.is_plausible(before, (7, 0.0, -179.9999, -1, AT + 1))

    def test_a_phone_hears_that_it_is_not_believed_and_its_next_true_word_counts(self):
        reporter = telemetry.Reporter()
        reporter._start = lambda: None
        reporter.report("la-serena", seen())

        with pytest.raises(telemetry.Implausible):
            reporter.report("la-serena", seen(at=AT + 1, place=BEACH))
        reporter.report("la-serena", seen(at=AT + 2, place=north(50)))

    @pytest.mark.parametrize("offset", [-61, 61, -7200, 7200])
    def test_what_is_old_or_not_yet_is_dropped(self, offset):
        positions = Positions()

        assert positions.hear("la-serena", [seen(at=AT + offset)], at=AT) == 0
        assert positions.of_city("la-serena", at=AT) == []

    def test_the_newest_word_stands_whatever_the_order(self):
        positions = Positions()
        positions.hear("la-serena", [seen(at=AT, place=north(10))], at=AT)
        positions.hear("la-serena", [seen(at=AT - 5)], at=AT)

        assert positions.of_city("la-serena", at=AT) == [seen(place=north(10))]

    def test_who_is_silent_for_a_minute_is_forgotten(self):
        positions = Positions()
        positions.hear("la-serena", [seen(), seen(worker=8, at=AT + 30)], at=AT + 30)

        assert positions.of_city("la-serena", at=AT + 61) == [seen(worker=8, at=AT + 30)]


class TestTheMessage:
    def test_comes_out_as_it_went_in_at_34_bytes_a_position(self):
        batch = [seen(), seen(worker=2**40, heading=359)]

        assert len(telemetry.pack(batch)) == 68
        assert telemetry.unpack(telemetry.pack(batch)) == batch

    def test_that_is_none_is_refused(self):
        with pytest.raises(ValueError, match="multiple of element size"):
            telemetry.unpack(b"{}")


@pytest.mark.django_db
class TestTheDatabase:
    def test_keeps_one_position_a_worker_and_the_newest(self):
        worker = WorkerFactory()
        telemetry.keep([seen(worker.pk, heading=90)])
        telemetry.keep([seen(worker.pk, at=AT + 5, place=BEACH)])
        telemetry.keep([seen(worker.pk, at=AT + 2)])

        where = queries.where_is(worker.pk)
        assert (where.point, where.heading) == (BEACH, None)
        assert where.seen_at == NOON + timedelta(seconds=5)

    def test_passes_over_workers_that_are_gone(self):
        worker = WorkerFactory()
        telemetry.keep([seen(worker.pk), seen(worker.pk + 1)])

        assert Position.objects.get().worker == worker

    def test_is_asked_for_many_in_one_statement(self, django_assert_num_queries):
        workers = WorkerFactory.create_batch(5)

        with django_assert_num_queries(1):
            telemetry.keep([seen(worker.pk) for worker in workers])
        with django_assert_num_queries(0):
            telemetry.keep([])


@pytest.mark.django_db(transaction=True)
class TestTheWholeWay:
    @pytest.fixture
    def worker(self):
        return WorkerFactory()

    def test_from_a_socket_into_the_matcher_and_the_database(self, worker):
        positions, reporter = Positions(), telemetry.Reporter()
        receiver = Receiver(configured.NATS_URL, positions, every=0.1)
        receiver.start()
        try:
            eventually(lambda: receiver.is_connected)
            now = clock.now().timestamp()

            def arrived():
                # The subscription may be a moment younger than the connection.
                reporter.report("la-serena", seen(worker.pk, at=clock.now().timestamp()))
                return positions.of_city("la-serena", at=now)

            eventually(arrived)
            assert positions.of_city("la-serena", at=now)[0][1:3] == (PLAZA.lat, PLAZA.lon)
            eventually(lambda: queries.where_is(worker.pk) is not None)
        finally:
            receiver.stop()

    def test_without_nats_through_the_database(self, worker, settings):
        settings.NATS_URL = "nats://127.0.0.1:1"
        reporter = telemetry.Reporter()
        now = clock.now()

        reporter.report("la-serena", seen(worker.pk, at=now.timestamp()))

        eventually(lambda: queries.where_is(worker.pk) is not None)
        assert queries.where_is(worker.pk).point == PLAZA

    def test_when_nats_comes_back_so_does_telemetry(self, worker, settings, tmp_path):
        ports = free_ports()
        own = Nats(
            tmp_path,
            port=ports["nats"],
            monitor=ports["nats_monitor"],
            password="secret",
            system_password="hidden",
        )
        own.prepare()
        settings.NATS_URL = f"nats://app:secret@127.0.0.1:{own.port}"
        positions, reporter = Positions(), telemetry.Reporter()
        receiver = Receiver(settings.NATS_URL, positions, every=0.1)
        receiver.start()

        def arrives():
            now = clock.now().timestamp()
            reporter.report("la-serena", seen(worker.pk, at=now))
            return [one for one in positions.of_city("la-serena", at=now) if one[4] > self.since]

        try:
            # It begins before NATS does, and goes on after NATS was gone.
            for _ in range(2):
                assert not receiver.is_connected
                self.since = clock.now().timestamp()
                program = own.program()
                process = processes.start(program, tmp_path / "nats.log")
                try:
                    processes.wait_ready(program, process, tmp_path / "nats.log")
                    eventually(arrives)
                finally:
                    processes.stop(program, process)
                eventually(lambda: not receiver.is_connected)
        finally:
            receiver.stop()

    async def test_what_is_no_position_is_passed_over(self, worker):
        positions = Positions()
        receiver = Receiver(configured.NATS_URL, positions, every=0.1)
        receiver.start()
        client = await nats.connect(configured.NATS_URL)
        try:
            good = telemetry.pack([seen(worker.pk, at=clock.now().timestamp())])

            def heard():
                return positions.of_city("la-serena", at=clock.now().timestamp())

            for _ in range(500):
                await client.publish("telemetry.la-serena", b"nonsense")
                await client.publish("telemetry.la-serena", good)
                await client.flush()
                if await sync_to_async(heard)():
                    break
            assert len(heard()) == 1
        finally:
            await client.close()
            await sync_to_async(receiver.stop)()


@pytest.mark.django_db
def test_a_matcher_that_begins_knows_what_the_database_remembers():
    worker = WorkerFactory()
    telemetry.keep([seen(worker.pk, heading=90)])
    positions = Positions()

    positions.warm_up("la-serena", [worker.pk], at=NOON)

    assert positions.of_city("la-serena", at=AT) == [seen(worker.pk, heading=90)]
    assert positions.take_new() == []
