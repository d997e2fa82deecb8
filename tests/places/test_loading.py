import io
import json

import pytest
from django.core.management import CommandError, call_command

from apps.places import geometry, loading, queries, routing, tiles
from apps.places.demo import network
from apps.places.geometry import Point
from apps.places.models import City, Place
from apps.places.operations import Facts, Unfit
from tests.places import extracts

FACTS = {"name": "Villa Álamo", "tz": "America/Santiago", "currency": "CLP", "locale": "es-cl"}

pytestmark = pytest.mark.usefixtures("own_data")


def load(path, **options) -> str:
    said = io.StringIO()
    call_command("load_city", str(path), stdout=said, **(FACTS | options))
    return said.getvalue()


@pytest.fixture
def extract(tmp_path):
    return extracts.write(tmp_path / "town.osm.pbf")


@pytest.mark.django_db
def test_any_extract_opens_a_city(extract):
    said = load(extract)
    city = City.objects.get()
    assert (city.slug, city.name, city.locale) == ("villa-alamo", "Villa Álamo", "es-cl")
    assert not city.is_demo
    assert "Villa Álamo: 4 pieces of street\n" in said
    assert "Villa Álamo: 6 names, 0 districts\n" in said
    assert set(Place.objects.values_list("kind", "name")) == {
        ("STREET", "Avenida Álamo"),
        ("STREET", "Boldo"),
        ("STREET", "Canelo"),
        ("STREET", "Isla"),
        ("CROSSING", "Avenida Álamo con Boldo"),
        ("CROSSING", "Boldo con Canelo"),
    }
    corner = queries.search(city, "boldo / alamo")[0]
    assert (corner.name, corner.point) == ("Avenida Álamo con Boldo", Point(0, 0.01))
    way = routing.route(city.slug, [Point(0, 0), Point(0, 0.02)])
    assert not way.is_estimate
    assert tiles.folder(city.slug, city.tiles_version).is_dir()
    assert city.contains(Point(0, 0.01))


@pytest.mark.django_db
def test_the_same_extract_again_changes_nothing(extract):
    load(extract)
    assert load(extract) == "Villa Álamo: nothing to do\n"


@pytest.mark.django_db
def test_a_newer_extract_brings_the_city_up_to_date(extract):
    load(extract)
    before = City.objects.get()
    slow = routing.route(before.slug, [Point(0, 0), Point(0, 0.02)])
    renamed = [("Avenida Ulmo" if n == "Boldo" else n, k, line) for n, k, line in extracts.TOWN]
    load(extracts.write(extract, renamed, speed=72))
    after = City.objects.get()
    assert after.pk == before.pk
    assert after.streets_version != before.streets_version
    assert queries.search(after, "boldo") == []
    assert queries.search(after, "ulmo")[0].name == "Avenida Ulmo"
    fast = routing.route(after.slug, [Point(0, 0), Point(0, 0.02)])
    assert fast.seconds < slow.seconds


@pytest.mark.django_db
def test_an_edge_of_its_own_says_what_belongs_to_the_city(extract, tmp_path):
    edge = {
        "type": "Feature",
        "properties": {},
        "geometry": {
            "type": "Polygon",
            "coordinates": [
                [
                    [-0.005, -0.005],
                    [0.015, -0.005],
                    [0.015, 0.015],
                    [-0.005, 0.015],
                    [-0.005, -0.005],
                ]
            ],
        },
    }
    path = tmp_path / "edge.geojson"
    path.write_text(json.dumps(edge))
    load(extract, boundary=path)
    city = City.objects.get()
    assert geometry.bounds(city.boundary) == (-0.005, -0.005, 0.015, 0.015)
    assert not Place.objects.filter(name="Isla").exists()
    assert Place.objects.filter(name="Boldo").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is not an OpenStreetMap extract"),
        (b"this is no map" * 100, "is not an OpenStreetMap extract"),
        ("half", "is not an OpenStreetMap extract"),
        ("paths", "holds no street that a car may use"),
    ],
)
def test_a_file_that_is_no_city_is_refused_in_words(extract, tmp_path, content, complaint):
    path = tmp_path / "other.osm.pbf"
    if content == "half":
        whole = extract.read_bytes()
        content = whole[: len(whole) // 2]
    if content == "paths":
        extracts.write(path, [("Senda", "footway", extracts.ALPHA)])
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=complaint):
        load(path)
    assert not City.objects.exists()
    assert routing.version("villa-alamo") == ""


@pytest.mark.django_db
def test_a_bad_update_leaves_the_city_as_it_was(extract):
    load(extract)
    before = City.objects.get()
    extract.write_bytes(b"rubbish")
    with pytest.raises(CommandError):
        load(extract)
    assert City.objects.get().streets_version == before.streets_version
    assert not routing.route("villa-alamo", [Point(0, 0), Point(0, 0.02)]).is_estimate
    assert not list(routing.folder("villa-alamo").glob(".*"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fact", "value", "complaint"),
    [
        ("tz", "America/Atlantis", "is not a time zone"),
        ("tz", "../etc", "is not a time zone"),
        ("currency", "pesos", "is not a currency"),
        ("locale", "Spanish of Chile", "is not a locale"),
        ("slug", "../up", "is not a slug"),
        ("name", " ", "is not a slug"),
    ],
)
def test_a_city_that_cannot_be_is_refused_in_words(extract, fact, value, complaint):
    with pytest.raises(CommandError, match=complaint):
        load(extract, **{fact: value})


@pytest.mark.django_db
@pytest.mark.parametrize("content", [None, "{", '{"type": "Point", "coordinates": [1, 2]}'])
def test_an_edge_that_is_none_is_refused_in_words(extract, tmp_path, content):
    path = tmp_path / "edge.geojson"
    if content is not None:
        path.write_text(content)
    with pytest.raises(CommandError, match="is not the edge of a city"):
        load(extract, boundary=path)


@pytest.mark.django_db
def test_the_demo_city_stays_out_of_production(settings):
    settings.MODE = "production"
    with pytest.raises(CommandError, match="MODE=demo"):
        call_command("load_demo_city")


def test_an_archive_that_is_not_the_network_is_refused(tmp_path):
    other = tmp_path / "coquimbo.zip"
    other.write_bytes(b"PK?")
    with pytest.raises(network.Missing, match="does not hold the network"):
        network.convert(other, tmp_path / "out.osm.pbf")
    assert not (tmp_path / "out.osm.pbf").exists()


def test_the_demo_network_has_streets_and_no_connectors(tmp_path):
    out = tmp_path / "coquimbo.osm.pbf"
    assert network.convert(network.archive(), out) == 19_846
    again = tmp_path / "again.osm.pbf"
    network.convert(network.archive(), again)
    assert loading.digest(out) == loading.digest(again)


def test_facts_know_what_a_city_cannot_be():
    with pytest.raises(Unfit, match="at most 100 letters"):
        Facts(slug="x", name="x" * 101, timezone="UTC", currency="CLP", locale="es-cl")
