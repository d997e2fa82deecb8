"""An officer draws zones from a GeoJSON file, and may look first."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.bus.models import Event
from apps.places.geometry import Point
from apps.places.models import Zone
from apps.places.queries import zones_at
from tests.factories import CityFactory

pytestmark = pytest.mark.django_db


def square(west=-71.26, south=-29.91, side=0.02):
    east, north = west + side, south + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def feature(name="Centro", geometry=None, **more):
    told = {"name": name, **more}
    return {"type": "Feature", "properties": told, "geometry": geometry or square()}


@pytest.fixture
def load(tmp_path):
    CityFactory()

    def load(*features, city="la-serena", **options):
        path, told = tmp_path / "zones.geojson", StringIO()
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        call_command("load_zones", city, str(path), stdout=told, **options)
        return told.getvalue().strip()

    return load


def test_zones_are_drawn_and_found(load):
    said = load(feature(), feature("Puerto", square(-71.36), kind="no_pickup", slug="port"))
    assert said == "La Serena: 2 new, 0 changed, 0 as they were"
    (zone,) = zones_at(Zone.objects.first().city, Point(-29.90, -71.25))
    assert (zone.slug, zone.kind) == ("centro", "DISTRICT")
    assert len(zone.cells) > 10
    assert Zone.objects.get(slug="port").kind == "NO_PICKUP"


def test_the_same_again_changes_nothing_and_what_is_not_named_stays(load):
    load(feature(), feature("Puerto"))
    assert (
        load(feature(geometry=square(side=0.03))) == "La Serena: 0 new, 1 changed, 0 as they were"
    )
    said = load(feature(geometry=square(side=0.03)))
    assert said == "La Serena: 0 new, 0 changed, 1 as they were"
    assert Zone.objects.count() == 2
    assert Event.objects.filter(topic="places.zones_drawn").count() == 2


def test_looking_first_leaves_no_trace(load):
    assert load(feature(), dry_run=True).startswith("La Serena: 1 new")
    assert not Zone.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ([feature(name="")], "feature 1"),
        ([feature(), feature(kind="moat")], "feature 2"),
        ([feature(geometry={"type": "Point", "coordinates": [0, 0]})], "feature 1"),
        ([feature(), feature()], "twice"),
        (["x"], "feature 1"),
    ],
)
def test_what_is_no_zone_is_named(load, features, says):
    with pytest.raises(CommandError, match=says):
        load(*features)
    assert not Zone.objects.exists()


def test_there_is_no_such_city(load):
    with pytest.raises(CommandError, match="no city"):
        load(feature(), city="atlantis")
