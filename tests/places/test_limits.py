"""Streets under the city's speed limits, with OSRM's own files."""

import pytest

from apps.places import limits, routing
from apps.places.geometry import Point
from apps.places.limits import Limit
from apps.places.models import City
from tests.places import extracts
from tests.places.test_loading import load

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_data")]

WEST, EAST = Point(0, 0), Point(0, 0.02)


def box(west, south, east, north):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


# The second half of Avenida Álamo, and all of it.
HALF, WHOLE = box(0.011, -0.001, 0.019, 0.001), box(-0.001, -0.001, 0.021, 0.001)


@pytest.fixture
def city(tmp_path):
    load(extracts.write(tmp_path / "town.osm.pbf"))
    return City.objects.get()


def seconds():
    return round(routing.route("villa-alamo", [WEST, EAST]).seconds)


def test_a_limit_slows_the_streets_under_it_and_no_others(city):
    before = seconds()

    assert limits.apply(city, [Limit(HALF, 9)])

    # 1,113 m at 9 km/h instead of 36 times 0.8, as OSRM takes a sign.
    assert seconds() - before == pytest.approx(1_113 / 2.5 - 1_113 / 8, abs=8)


def test_the_same_limits_again_change_nothing(city):
    limits.apply(city, [Limit(HALF, 9)])

    assert not limits.apply(city, [Limit(HALF, 9)])


def test_a_limit_makes_no_street_faster(city):
    before = seconds()

    assert not limits.apply(city, [Limit(WHOLE, 120)])
    assert seconds() == before


def test_a_closed_street_leads_nowhere(city):
    limits.apply(city, [Limit(box(-0.001, -0.001, 0.021, 0.001), 0)])

    with pytest.raises(routing.Unreachable):
        routing.route("villa-alamo", [Point(-0.005, 0.01), EAST])


def test_lifted_everything_is_as_before(city):
    before = seconds()
    limits.apply(city, [Limit(WHOLE, 9)])

    assert limits.apply(city, [])
    assert (seconds(), routing.version(city.slug)) == (before, city.streets_version)


def test_a_city_without_streets_says_so(city, own_data):
    (routing.folder(city.slug) / "streets.osm.pbf").unlink()

    with pytest.raises(limits.NotBuilt):
        limits.apply(city, [Limit(HALF, 9)])


def test_loading_the_same_extract_again_leaves_limits_in_force(city, tmp_path):
    limits.apply(city, [Limit(HALF, 9)])

    assert load(tmp_path / "town.osm.pbf") == "Villa Álamo: nothing to do\n"
