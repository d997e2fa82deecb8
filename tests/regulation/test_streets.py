"""From a policy on speed to the way that cars take."""

from datetime import timedelta

import pytest

from apps.places import routing
from apps.places.models import City
from apps.regulation.streets import apply_limits
from tests.factories import NOON, ZoneFactory
from tests.places import extracts
from tests.places.test_limits import EAST, HALF, WEST
from tests.places.test_loading import load
from tests.policies import enforced

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_data")]


@pytest.fixture
def city(tmp_path):
    load(extracts.write(tmp_path / "town.osm.pbf"))
    city = City.objects.get()
    boundary = {"type": "MultiPolygon", "coordinates": [HALF["coordinates"]]}
    ZoneFactory(city=city, slug="market", boundary=boundary)
    return city


def seconds():
    return routing.route("villa-alamo", [WEST, EAST]).seconds


def test_ways_are_slower_while_the_policy_holds_and_no_longer(city):
    """Saturdays only; noon is one, in Santiago too."""
    free = seconds()
    saturdays = {"zones": ["market"], "weekdays": [5]}
    enforced("speed", {"kmh": 9}, city=city, scope=saturdays)

    assert apply_limits(at=NOON) == [city]
    assert seconds() > free + 200
    assert apply_limits(at=NOON) == []

    assert apply_limits(at=NOON + timedelta(days=1)) == [city]
    assert seconds() == free


def test_a_city_without_built_streets_keeps_its_routes(city, caplog):
    enforced("speed", {"kmh": 9}, city=city, scope={"zones": ["market"]})
    (routing.folder(city.slug) / "streets.osm.pbf").unlink()

    assert apply_limits(at=NOON) == []
    assert "Villa Álamo has speed limits and no streets" in caplog.text
