"""The demo's rules: made by two officers as any others are, and gentle to the demo's prices."""

import pytest

from apps.kernel import clock
from apps.mobility import demo as rides_demo
from apps.mobility import operations as mobility
from apps.places.demo import Demo
from apps.places.models import Zone
from apps.regulation import demo, in_force, rulebook
from apps.regulation.models import Policy, PolicyVersion
from apps.regulation.rulebook import Standing
from tests import rides
from tests.factories import CITY, CityFactory, ZoneFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    city, at = CityFactory(), clock.now()
    ZoneFactory(slug="centro-de-la-serena", name="Centro de La Serena")
    for _ in range(2):
        demo.seed(Demo(city=city, at=at, people_file=tmp_path / "people.json"))
    in_force.forget()
    return Demo(city=city, at=at, people_file=tmp_path / "people.json")


def test_two_officers_made_the_rules_and_one_of_them_waits(seeded):
    entries = rulebook.entries(Policy.objects.order_by("pk"), seeded.at)

    # Without a map of the streets there is none along a street.
    assert [(one.policy.number, one.shown.version.kind, one.shown.standing) for one in entries] == [
        ("P-1", "price", Standing.IN_FORCE),
        ("P-2", "commission", Standing.IN_FORCE),
        ("P-3", "pay", Standing.IN_FORCE),
        ("P-4", "fee", Standing.IN_FORCE),
        ("P-5", "fee", Standing.PROPOSED),
    ]
    hands = set(PolicyVersion.objects.values_list("drafted_by__name", "decided_by__name"))
    assert hands == {("Valentina Soto", "Francisca Vidal"), ("Valentina Soto", None)}
    assert set(Zone.objects.values_list("name", flat=True)) == {
        "Aeropuerto La Florida",
        "Centro de La Serena",
    }


def test_they_change_no_price_of_the_way_that_the_demo_shows(seeded):
    rides_demo.seed(seeded)

    quotes = mobility.quote_trip(
        city=seeded.city, pickup=rides.PLAZA, dropoff=rides.FARO, consumer_id=None, by=CITY,
        at=seeded.at,
    )  # fmt: skip

    rules = {line.rule for quote in quotes for line in quote.price}
    assert not [rule for rule in rules if rule.startswith("P-")]
