"""Caps on what is under way at once: so many cars of a fleet on line, so many rides."""

import pytest

from apps.mobility import operations
from apps.mobility.models import Vehicle
from apps.regulation import operations as regulation
from apps.regulation.models import Allowance
from tests import rides
from tests.factories import NOON, WorkerFactory
from tests.policies import enforced

pytestmark = pytest.mark.django_db


@pytest.fixture
def town():
    return rides.town()


def used():
    return list(Allowance.objects.values_list("subject", "period", "used"))


def test_a_fleet_has_so_many_cars_on_line_and_one_that_leaves_makes_room(town):
    enforced("cap", {"fact": "shifts", "most": 1, "per": "now", "of": "provider"})
    first = town.worker
    second = WorkerFactory(provider=first.provider)
    Vehicle.objects.create(worker=second, make="Kia Rio", colour="Grey", plate="LX0002")
    town.on_shift(first)

    with pytest.raises(regulation.NotPermitted, match="policy_"):
        town.on_shift(second)
    for _ in range(2):
        operations.leave_shift(worker_id=first.pk, by=first.actor, at=NOON)

    assert used() == [(f"P-1:provider:{first.provider_id}", "now", 0)]
    town.on_shift(second)
    assert used() == [(f"P-1:provider:{first.provider_id}", "now", 1)]


def test_what_counts_by_the_day_stays_counted_when_a_shift_ends(town):
    enforced("cap", {"fact": "shifts", "most": 3, "per": "day", "of": "worker"})
    town.on_shift()

    operations.leave_shift(worker_id=town.worker.pk, by=town.worker.actor, at=NOON)

    assert used() == [(f"P-1:worker:{town.worker.pk}", "2027-05-01", 1)]


@pytest.mark.parametrize(("per", "left"), [("now", 0), ("day", 1)])
def test_a_ride_that_is_done_counts_no_more_at_once_and_still_for_the_day(town, per, left):
    enforced("cap", {"fact": "rides", "most": 9, "per": per, "of": "city"})

    town.drive(town.confirm())

    assert [row[2] for row in used()] == [left]
