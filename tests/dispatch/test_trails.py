"""Where somebody was driven: what is kept of it, who looks, and when it is forgotten."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings as configured

from apps.audit.models import Record
from apps.dispatch import operations, queries, telemetry, trail
from apps.dispatch.models import Job, Trace
from apps.dispatch.positions import Positions, Receiver
from tests import races, rides
from tests.dispatch.scenes import BEACH, PLAZA
from tests.factories import CITY, NOON, OFFICER

SECOND = timedelta(seconds=1)


@pytest.fixture
def town(db):
    return rides.town()


def seen(town, at, place=PLAZA, heading=-1):
    telemetry.keep([(town.worker.pk, place.lat, place.lon, heading, at.timestamp())])
    return trail.record()


def aboard(town, at=NOON):
    order = town.confirm(at)
    town.step(order, "arrive", town.worker.actor, at)
    return town.step(order, "board", town.worker.actor, at, code=order.ride.code)


def test_the_way_is_kept_from_boarding_to_the_drop_off(town):
    order = town.confirm()
    by = town.worker.actor
    assert seen(town, NOON) == 0
    town.step(order, "arrive", by)
    assert seen(town, NOON + SECOND) == 0
    order = town.step(order, "board", by, NOON + 2 * SECOND, code=order.ride.code)

    assert seen(town, NOON + 3 * SECOND) == 1
    assert seen(town, NOON + 6 * SECOND, BEACH, heading=270) == 1
    town.step(order, "drop_off", by, NOON + 7 * SECOND)
    assert seen(town, NOON + 9 * SECOND) == 0

    kept = [(one.point, one.heading, one.seen_at) for one in queries.trail_of(order.ref)]
    assert kept == [(PLAZA, None, NOON + 3 * SECOND), (BEACH, 270, NOON + 6 * SECOND)]


def test_where_the_car_was_before_boarding_is_nobodys_business(town):
    telemetry.keep([(town.worker.pk, PLAZA.lat, PLAZA.lon, -1, NOON.timestamp())])
    order = aboard(town, NOON + SECOND)

    assert trail.record() == 0
    assert queries.trail_of(order.ref) == []


def test_a_moment_is_kept_once_whoever_saw_it(town):
    order = aboard(town)
    telemetry.keep([(town.worker.pk, PLAZA.lat, PLAZA.lon, -1, (NOON + SECOND).timestamp())])

    assert [trail.record(), trail.record()] == [1, 0]
    assert len(queries.trail_of(order.ref)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_matchers_at_once_keep_a_moment_once(town):
    order = aboard(town)
    telemetry.keep([(town.worker.pk, PLAZA.lat, PLAZA.lon, -1, (NOON + SECOND).timestamp())])

    assert sorted(races.at_once(trail.record, trail.record)) == [0, 1]
    assert len(queries.trail_of(order.ref)) == 1


def test_all_trails_are_written_in_one_statement(town, django_assert_num_queries):
    aboard(town)
    telemetry.keep([(town.worker.pk, PLAZA.lat, PLAZA.lon, -1, (NOON + SECOND).timestamp())])

    with django_assert_num_queries(1):
        trail.record()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("url", [None, ""], ids=["through NATS", "without NATS"])
def test_the_thread_that_keeps_positions_keeps_the_trail(town, url):
    order = aboard(town)
    receiver = Receiver(configured.NATS_URL if url is None else url, Positions(), every=0.1)
    telemetry.keep([(town.worker.pk, PLAZA.lat, PLAZA.lon, -1, (NOON + SECOND).timestamp())])

    receiver.start()
    try:
        races.eventually(lambda: queries.trail_of(order.ref))
    finally:
        receiver.stop()
    assert queries.trail_of(order.ref)[0].point == PLAZA


def test_picking_up_twice_is_picking_up_once(town):
    order = aboard(town)
    operations.pick_up(holder=order.ref, by=CITY, at=NOON + SECOND)

    assert Job.objects.get(holder=order.ref).picked_up_at == NOON


def test_each_look_at_a_trail_stays_on_record(town):
    order = aboard(town)
    seen(town, NOON + SECOND)

    for reason in ("Call 17", "Call 17 again"):
        told = operations.open_trail(holder=order.ref, reason=reason, by=OFFICER, at=NOON)
        assert [one.point for one in told] == [PLAZA]
    rides.relay_all(NOON)

    looks = Record.objects.filter(topic="dispatch.trail_opened").order_by("pk")
    assert [(one.by, one.body["holder"], one.body["reason"]) for one in looks] == [
        (str(OFFICER), str(order.ref), "Call 17"),
        (str(OFFICER), str(order.ref), "Call 17 again"),
    ]


def test_old_trails_are_forgotten_but_for_those_that_are_looked_into(town):
    order = aboard(town)
    seen(town, NOON + SECOND)
    seen(town, NOON + 4 * SECOND, BEACH)
    forget = {"city_id": town.city.pk, "before": NOON + 4 * SECOND}

    assert operations.forget_trails(**forget, but=[order.ref]) == 0
    assert operations.forget_trails(**forget | {"city_id": town.city.pk + 1}) == 0
    assert operations.forget_trails(**forget, but=[uuid4()]) == 1
    assert operations.forget_trails(**forget) == 0
    assert Trace.objects.get().point == BEACH
