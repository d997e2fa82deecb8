"""When many ask and few are free: how far a fare is lifted, and how far the city lets it be."""

import pytest

from apps.dispatch.models import Position
from apps.dispatch.queries import Demand, demand
from apps.pricing.models import Tariff
from tests import rides
from tests.factories import NOON
from tests.policies import enforced
from tests.rides import COQUIMBO, PLAZA

pytestmark = pytest.mark.django_db


@pytest.fixture
def town():
    """A town whose tariff lets demand double the fare, with a free driver at the plaza."""
    town = rides.town()
    Tariff.objects.update(surge_most_bp=20_000)
    town.on_shift()
    where = {"lat": PLAZA.point.lat, "lon": PLAZA.point.lon, "seen_at": NOON}
    Position.objects.update_or_create(worker=town.worker, defaults=where)
    return town


def wait(town, riders):
    for _ in range(riders):
        town.search()


def surge(quote):
    lifted = [line for line in quote.price if line.code == "surge"]
    return (lifted[0].rate, lifted[0].amount, lifted[0].rule) if lifted else None


@pytest.mark.parametrize(
    ("waiting", "free", "factor"),
    [
        (0, 0, 10_000),
        (2, 0, 10_000),
        (3, 0, 20_000),
        (3, 1, 20_000),
        (3, 2, 10_000),
        (4, 2, 13_000),
        (9, 2, 30_000),
        (9, 50, 10_000),
    ],
)
def test_the_factor_is_two_thirds_of_those_who_wait_for_each_who_is_free(waiting, free, factor):
    assert Demand(waiting, free).factor_bp == factor


def test_only_what_is_near_counts(town):
    wait(town, 3)

    assert demand(town.city, PLAZA.point, at=NOON) == Demand(waiting=3, free=1)
    assert demand(town.city, COQUIMBO.point, at=NOON) == Demand(waiting=0, free=0)


def test_a_driver_who_has_not_been_heard_of_is_nobody(town):
    Position.objects.update(seen_at=NOON.replace(hour=11))

    assert demand(town.city, PLAZA.point, at=NOON).free == 0


def test_many_who_wait_lift_the_fare_and_the_city_says_how_far(town):
    quiet = town.quote()
    wait(town, 3)
    fare = sum(line.amount for line in quiet.price if line.code in ("start", "distance", "time"))

    assert surge(quiet) is None
    assert surge(town.quote()) == (20_000, fare, "")
    enforced("price", {"surge_most_bp": 12_000})
    assert surge(town.quote()) == (12_000, (fare * 2 + 5) // 10, "P-1/1")


def test_a_ride_for_later_has_no_surge(town):
    wait(town, 3)

    assert surge(town.quote(pickup_at=NOON.replace(hour=18))) is None


def test_where_the_tariff_knows_no_surge_nobody_counts(town):
    wait(town, 3)
    Tariff.objects.update(surge_most_bp=10_000)

    quote = town.quote()
    assert (surge(quote), "demand_bp" in quote.request) == (None, False)
