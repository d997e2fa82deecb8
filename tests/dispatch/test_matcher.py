"""Who is asked, by whom, and who takes over."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread

import pytest
from django.conf import settings
from django.db import connection

from apps.dispatch import matcher, telemetry
from apps.dispatch import operations as dispatch
from apps.dispatch.matcher import Matcher, match_until
from apps.dispatch.models import Offer, Shift
from apps.dispatch.positions import Positions
from apps.kernel import clock
from tests.dispatch.scenes import PLAZA, on_line, search, under_way
from tests.dispatch.test_telemetry import north
from tests.factories import CITY, DRIVER, CityFactory
from tests.races import eventually


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def positions():
    return Positions()


@pytest.fixture
def now():
    return clock.now()


def somebody(positions, now, place=PLAZA, **told):
    """A worker on the line of whom the matcher has heard."""
    worker = on_line(at=now, place=place, **told)
    positions.hear(
        "la-serena", [(worker.pk, place.lat, place.lon, -1, now.timestamp())], at=now.timestamp()
    )
    return worker


def search_now(now, **told):
    return search(at=now, until=now + timedelta(minutes=10), **told)


@pytest.mark.django_db
@pytest.mark.usefixtures("no_streets")
class TestOneLook:
    def test_the_nearest_who_is_free_is_asked_and_told_why(self, city, positions, now):
        near, far = (somebody(positions, now, place=north(metres)) for metres in (400, 2_000))
        job = search_now(now)

        assert Matcher(city, positions).match(at=now) == 1

        shown = Offer.objects.get()
        assert (shown.worker, shown.job) == (near, job)
        assert shown.is_estimate
        assert (shown.eta_seconds, shown.eta_metres) == (78, 520)
        assert shown.reasons == {
            "nearest": True,
            "seconds": 78,
            "next_seconds": 390,
            "waited": 0,
        }
        assert far.offers.count() == 0

    def test_a_second_look_asks_nobody_while_the_first_rings(self, city, positions, now):
        somebody(positions, now)
        somebody(positions, now, place=north(100))
        search_now(now)
        matcher = Matcher(city, positions)

        assert [matcher.match(at=now), matcher.match(at=now)] == [1, 0]

    def test_after_a_no_the_next_is_asked_and_never_the_same_again(self, city, positions, now):
        first, second = somebody(positions, now), somebody(positions, now, place=north(500))
        search_now(now)
        matcher = Matcher(city, positions)
        matcher.match(at=now)
        shown = Offer.objects.get()
        assert shown.worker == first
        dispatch.decline(offer_id=shown.pk, worker_id=first.pk, by=DRIVER, at=now)

        assert matcher.match(at=now) == 1
        shown = Offer.objects.open().get()
        assert shown.worker == second
        dispatch.decline(offer_id=shown.pk, worker_id=second.pk, by=DRIVER, at=now)
        assert matcher.match(at=now) == 0

    def test_whoever_is_under_way_paused_unable_or_silent_is_not_asked(self, city, positions, now):
        under_way(somebody(positions, now), at=now)
        paused = somebody(positions, now)
        dispatch.pause_shift(worker_id=paused.pk, by=DRIVER, at=now)
        somebody(positions, now, seats=4)
        on_line(at=now, seats=6)

        search_now(now, seats=5)

        assert Matcher(city, positions).match(at=now) == 0

    def test_only_a_car_with_a_ramp_is_asked_for_a_wheelchair(self, city, positions, now):
        for metres in range(0, 1_500, 100):
            somebody(positions, now, place=north(metres))
        able = somebody(positions, now, place=north(3_000), abilities=["accessible"])
        search_now(now, needs=["accessible"])

        Matcher(city, positions).match(at=now)

        assert Offer.objects.get().worker == able

    def test_cars_of_another_city_are_not_asked(self, positions, now):
        other = CityFactory(slug="valparaiso")
        somebody(positions, now)
        search_now(now, city_id=other.pk)

        assert Matcher(other, positions).match(at=now) == 0

    def test_one_that_lost_the_lead_asks_nobody(self, city, positions, now):
        somebody(positions, now)
        search_now(now)

        class Lost(Exception):
            pass

        def lost():
            raise Lost

        with pytest.raises(Lost):
            Matcher(city, positions).match(at=now, still_leading=lost)
        assert not Offer.objects.exists()

    def test_in_a_crowd_the_cars_round_each_job_are_looked_at(self, city, positions, now):
        crowd = [(i, north(10 * i)) for i in range(1, 400)]
        at = now.timestamp()
        positions.hear("la-serena", [(i, p.lat, p.lon, -1, at) for i, p in crowd], at=at)
        search_now(now)
        jobs = matcher.waiting(city.pk, now)

        near = matcher.near(jobs, positions.of_city("la-serena", at=at))

        assert sorted(one[0] for one in near) == list(range(1, 101))


@pytest.mark.django_db(transaction=True)
class TestTheProcess:
    """`match_until` in a thread of its own, as the command runs it."""

    @pytest.fixture
    def matching(self, city, positions):
        stop = Event()
        thread = Thread(
            target=match_until,
            args=[stop],
            kwargs={"slug": None, "positions": positions, "is_fed": lambda: False},
        )
        thread.start()
        yield thread
        stop.set()
        thread.join(timeout=30)
        assert not thread.is_alive()

    def test_asks_as_soon_as_a_job_searches(self, matching, now):
        eventually(lambda: len(leaders()) == 1)
        worker = on_line(at=now)
        search_now(now)

        eventually(lambda: Offer.objects.filter(worker=worker).exists())

    def test_outlives_its_connection(self, matching, now):
        eventually(lambda: len(leaders()) == 1)
        [before] = leaders()
        end_connection(before)

        eventually(lambda: set(leaders()) - {before})
        on_line(at=now)
        search_now(now)
        eventually(lambda: Offer.objects.exists())

    def test_lets_offers_run_out(self, matching, now):
        worker = on_line(at=now - timedelta(minutes=1))
        job = search(at=now - timedelta(minutes=1), until=now + timedelta(minutes=10))
        dispatch.offer(
            job_id=job.pk,
            worker_id=worker.pk,
            eta_seconds=1,
            eta_metres=1,
            by=CITY,
            at=now - timedelta(minutes=1),
        )

        eventually(lambda: Offer.objects.get(worker=worker).state == Offer.State.EXPIRED)
        assert Shift.objects.get().missed == 1

    def test_leads_a_city_that_is_new(self, matching):
        eventually(lambda: len(leaders()) == 1)
        CityFactory(slug="valparaiso")

        eventually(lambda: len(leaders()) == 2)

    def test_stands_by_while_another_leads_and_takes_over_when_that_one_is_lost(
        self, matching, city, now
    ):
        eventually(lambda: len(leaders()) == 1)
        [first] = leaders()
        stop = Event()
        positions = Positions()
        standby = Thread(
            target=match_until,
            args=[stop],
            kwargs={"slug": city.slug, "positions": positions, "is_fed": lambda: False},
        )
        standby.start()
        try:
            eventually(standing_by)
            assert leaders() == [first]
            end_connection(first)
            eventually(lambda: set(leaders()) - {first})
            assert len(leaders()) == 1
        finally:
            stop.set()
            standby.join(timeout=30)


def leaders():
    """The processes of the database that hold the lead of a city, one entry for each city."""
    return query(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND granted"
    )


def standing_by():
    """The processes of the database whose last word was to ask for a lead that they did not get."""
    asking = query(
        "SELECT pid FROM pg_stat_activity WHERE query LIKE %s AND pid <> pg_backend_pid()",
        ["SELECT pg_try_advisory_lock%"],
    )
    return [pid for pid in asking if pid not in leaders()]


def query(statement, given=(matcher.LEASE,)):
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return sorted(row[0] for row in cursor.fetchall())


def end_connection(pid):
    query("SELECT pg_terminate_backend(%s)", [pid])


@contextmanager
def matcher_process(city, log):
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "matcher", "--city", city.slug],
            cwd=settings.BASE_DIR,
            env={**os.environ, "DATABASE_ROLE": ""},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.django_db(transaction=True)
def test_when_the_leader_is_killed_the_standby_asks_within_five_seconds(city, tmp_path):
    log = tmp_path / "standby.log"
    with matcher_process(city, tmp_path / "leader.log") as leader:
        eventually(leaders)
        [first] = leaders()
        with matcher_process(city, log) as standby:
            eventually(lambda: "stands by for la-serena" in log.read_text())
            worker = on_line(at=clock.now())
            leader.send_signal(signal.SIGKILL)
            killed = clock.now()
            telemetry.keep([(worker.pk, PLAZA.lat, PLAZA.lon, -1, killed.timestamp())])
            search_now(killed)

            eventually(Offer.objects.exists)
            assert clock.now() - killed < timedelta(seconds=5)
            assert leaders() != [first]
            standby.terminate()
            assert standby.wait(60) == 0
            assert "Traceback" not in log.read_text()
