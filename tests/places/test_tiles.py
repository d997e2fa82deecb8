import gzip
import json
import math
from pathlib import Path

import mapbox_vector_tile
import osmium
import pytest
from django.test import AsyncClient
from django.urls import Resolver404, resolve
from osmium.osm.mutable import Node, Way

from apps.places import tiles

# The middle of La Serena lies in this tile of zoom 14.
X, Y = 4949, 9619


def ground(x: float, y: float, *, zoom: int = 14, column: int = X, row: int = Y):
    """Longitude and latitude of a spot in a tile, in its units of 1/4096."""
    lon = (column + x / 4096) / 2**zoom * 360 - 180
    lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (row + y / 4096) / 2**zoom))))
    return lon, lat


def write_streets(path: Path, *ways: tuple[dict[str, str], list[tuple[float, float]]]) -> Path:
    """Write an extract of these streets; where two share a spot they share the node."""
    spots = {spot: i for i, spot in enumerate({s: None for _, line in ways for s in line}, start=1)}
    with osmium.SimpleWriter(str(path), overwrite=True) as out:
        for spot, number in spots.items():
            out.add_node(Node(id=number, location=ground(*spot), tags={}, version=1))
        for number, (tags, line) in enumerate(ways, start=1):
            out.add_way(Way(id=number, nodes=[spots[s] for s in line], tags=tags, version=1))
    return path


def write_sketch(path: Path, *features: tuple[dict[str, object], str, object]) -> Path:
    drawn = [
        {"type": "Feature", "properties": about, "geometry": {"type": kind, "coordinates": where}}
        for about, kind, where in features
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": drawn}))
    return path


def layer(out: Path, name: str, *, zoom: int = 14, column: int = X, row: int = Y):
    """What a tile draws in one layer: properties with geometry, y pointing down."""
    file = out / str(zoom) / str(column) / f"{row}.mvt"
    if not file.exists():
        return []
    body = gzip.decompress(file.read_bytes())
    read = mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})
    features = read.get(name, {"features": []})["features"]
    return [
        (f["properties"], f["geometry"]["type"], f["geometry"]["coordinates"]) for f in features
    ]


CORDOVEZ = [(400, 1000), (900, 1000), (1500, 1200)]


@pytest.fixture
def streets(tmp_path):
    return write_streets(
        tmp_path / "city.osm.pbf",
        ({"highway": "residential", "name": "Cordovez"}, CORDOVEZ[:2]),
        ({"highway": "residential", "name": "Cordovez"}, CORDOVEZ[1:]),
        ({"highway": "trunk", "name": "Ruta 5", "oneway": "-1"}, [(2000, 3000), (2000, 500)]),
        ({"highway": "tertiary_link"}, [(3000, 100), (3000, 200)]),
        ({"highway": "footway", "name": "Paseo"}, [(100, 100), (200, 200)]),
        ({"building": "yes"}, [(10, 10), (20, 20)]),
    )


class TestWhatATileDraws:
    def test_the_pieces_of_a_street_become_one_line_with_its_name(self, streets, tmp_path):
        tiles.cut(streets, None, tmp_path / "out")
        drawn = layer(tmp_path / "out", "streets")
        assert (
            {"class": "minor", "name": "Cordovez"},
            "LineString",
            [list(spot) for spot in CORDOVEZ],
        ) in drawn

    def test_a_one_way_street_runs_the_way_it_is_driven(self, streets, tmp_path):
        tiles.cut(streets, None, tmp_path / "out")
        assert (
            {"class": "trunk", "name": "Ruta 5", "oneway": True},
            "LineString",
            [[2000, 500], [2000, 3000]],
        ) in layer(tmp_path / "out", "streets")

    def test_footways_and_buildings_are_left_out_and_links_count_as_their_street(
        self, streets, tmp_path
    ):
        tiles.cut(streets, None, tmp_path / "out")
        drawn = layer(tmp_path / "out", "streets")
        assert sorted(about["class"] for about, _, _ in drawn) == ["minor", "tertiary", "trunk"]
        assert ({"class": "tertiary"}, "LineString", [[3000, 100], [3000, 200]]) in drawn

    @pytest.mark.parametrize(
        ("zoom", "classes"),
        [
            (9, {"trunk"}),
            (10, {"trunk"}),
            (11, {"trunk", "tertiary"}),
            (12, {"trunk", "tertiary", "minor"}),
            (14, {"trunk", "tertiary", "minor"}),
        ],
    )
    def test_small_streets_appear_as_one_comes_nearer(self, streets, tmp_path, zoom, classes):
        tiles.cut(streets, None, tmp_path / "out")
        far = 14 - zoom
        drawn = layer(tmp_path / "out", "streets", zoom=zoom, column=X >> far, row=Y >> far)
        assert {about["class"] for about, _, _ in drawn} == classes

    def test_a_street_goes_on_64_units_beyond_the_edge_so_that_no_seam_shows(self, tmp_path):
        pbf = write_streets(
            tmp_path / "city.osm.pbf", ({"highway": "primary"}, [(3000, 2048), (5000, 2048)])
        )
        tiles.cut(pbf, None, tmp_path / "out")
        here, next_door = (
            layer(tmp_path / "out", "streets", column=column) for column in (X, X + 1)
        )
        assert here == [({"class": "primary"}, "LineString", [[3000, 2048], [4160, 2048]])]
        assert next_door == [({"class": "primary"}, "LineString", [[-64, 2048], [904, 2048]])]

    def test_accents_survive(self, tmp_path):
        pbf = write_streets(
            tmp_path / "city.osm.pbf",
            ({"highway": "primary", "name": "Avenida Juan Cisternas Ñuñoa"}, [(10, 10), (900, 10)]),
        )
        tiles.cut(pbf, None, tmp_path / "out")
        assert layer(tmp_path / "out", "streets")[0][0]["name"] == "Avenida Juan Cisternas Ñuñoa"


class TestWhatTheSketchAdds:
    def test_the_sea_is_drawn_with_its_depth_lines_from_the_shore(self, streets, tmp_path):
        shore = [ground(2048, -90_000), ground(2048, 90_000)]
        far = [ground(-90_000, 90_000), ground(-90_000, -90_000)]
        sketch = write_sketch(
            tmp_path / "sketch.geojson",
            ({"kind": "sea"}, "Polygon", [[*shore, *far, shore[0]]]),
        )
        tiles.cut(streets, sketch, tmp_path / "out")
        [(about, kind, [ring])] = layer(tmp_path / "out", "areas")
        assert (about, kind) == ({"kind": "sea"}, "Polygon")
        assert {x for x, _ in ring} == {-64, 2048}
        lines = layer(tmp_path / "out", "water_lines")
        assert {about["kind"] for about, _, _ in lines} == {"depth"}
        # 4096 units are 2446 m of map and 2121 m of ground here: 180, 420 and 760 m off shore.
        steps = {about["step"]: line[0][0] for about, _, line in lines}
        assert steps == {1: 1700, 2: 1237, 3: 580}

    def test_a_river_sketched_as_a_line_becomes_water_of_its_width_with_its_name(
        self, streets, tmp_path
    ):
        course = [ground(500, 2000), ground(3500, 2000)]
        sketch = write_sketch(
            tmp_path / "sketch.geojson",
            ({"kind": "river", "name": "Río Elqui", "width": 60}, "LineString", course),
        )
        tiles.cut(streets, sketch, tmp_path / "out")
        assert layer(tmp_path / "out", "water_lines") == [
            ({"kind": "river", "name": "Río Elqui"}, "LineString", [[500, 2000], [3500, 2000]])
        ]
        [(about, _, [ring])] = layer(tmp_path / "out", "areas")
        assert about == {"kind": "river"}
        assert {y for _, y in ring} == {1942, 2058}  # 60 m of ground

    @pytest.mark.parametrize(
        "text",
        [
            "not json",
            "[]",
            '{"features": [{"properties": {"kind": "volcano"}, "geometry": {"type": "Point", '
            '"coordinates": [0, 0]}}]}',
            '{"features": [{"properties": {}, "geometry": {"type": "Point", '
            '"coordinates": [0, 0]}}]}',
            '{"features": [{"properties": {"kind": "sea"}, "geometry": {"type": "Point", '
            '"coordinates": [0, 0]}}]}',
            '{"features": [{"properties": {"kind": "sea"}, "geometry": null}]}',
            '{"features": [{"properties": {"kind": "sea"}, "geometry": {"type": "Polygon", '
            '"coordinates": "x"}}]}',
        ],
    )
    def test_a_sketch_that_is_none_is_refused_and_leaves_nothing_behind(
        self, streets, tmp_path, text
    ):
        sketch = tmp_path / "sketch.geojson"
        sketch.write_text(text)
        with pytest.raises(tiles.Malformed):
            tiles.cut(streets, sketch, tmp_path / "new" / "out")
        assert not (tmp_path / "new" / "out").exists()


class TestCutting:
    def test_it_counts_what_it_wrote_and_tells_how_far_it_is(self, streets, tmp_path):
        heard = []
        count = tiles.cut(
            streets,
            None,
            tmp_path / "out",
            progress=lambda done, total: heard.append((done, total)),
        )
        assert count == len(list((tmp_path / "out").rglob("*.mvt"))) == 6
        assert [total for _, total in heard] == [heard[-1][0]] * 6
        assert heard == sorted(heard)

    def test_cutting_again_gives_the_same_bytes_and_replaces_what_was_there(
        self, streets, tmp_path
    ):
        out = tmp_path / "out"
        tiles.cut(streets, None, out)
        first = {path: path.read_bytes() for path in out.rglob("*.mvt")}
        (out / "9" / "old.mvt").write_bytes(b"")
        tiles.cut(streets, None, out)
        assert {path: path.read_bytes() for path in out.rglob("*.mvt")} == first
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []

    def test_an_extract_without_a_street_is_refused(self, tmp_path):
        pbf = write_streets(tmp_path / "none.osm.pbf", ({"highway": "steps"}, [(1, 1), (2, 2)]))
        with pytest.raises(tiles.Malformed, match="no street in none.osm.pbf"):
            tiles.cut(pbf, None, tmp_path / "out")

    def test_the_version_follows_from_the_streets_and_the_sketch(self, streets, tmp_path):
        sketch = write_sketch(tmp_path / "sketch.geojson")
        with_sketch = tiles.version(pbf=streets, sketch=sketch)
        assert with_sketch == tiles.version(pbf=streets, sketch=sketch)
        assert len({with_sketch, tiles.version(pbf=streets, sketch=None)}) == 2
        assert len(with_sketch) == 12


@pytest.fixture
def served(settings, streets, tmp_path):
    """The tiles of a small city, as version abc123, and the pages that serve them."""
    settings.DATA_DIR = tmp_path / "data"
    tiles.cut(streets, None, tiles.folder("la-serena", "abc123"))


@pytest.mark.usefixtures("served")
class TestServing:
    async def test_a_tile_comes_gzipped_and_may_be_kept_for_ever(self):
        answer = await AsyncClient().get(f"/places/la-serena/tiles/abc123/14/{X}/{Y}.mvt")
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/vnd.mapbox-vector-tile"
        assert answer["Content-Encoding"] == "gzip"
        assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
        assert b"Cordovez" in gzip.decompress(answer.content)

    async def test_a_blank_part_of_the_map_is_an_empty_answer(self):
        answer = await AsyncClient().get("/places/la-serena/tiles/abc123/14/0/0.mvt")
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer["Cache-Control"] == "public, max-age=31536000, immutable"

    @pytest.mark.parametrize(
        "address",
        [
            "nowhere/tiles/abc123/14/0/0.mvt",
            "la-serena/tiles/old/14/0/0.mvt",
            "la-serena/tiles/abc123/8/0/0.mvt",
            "la-serena/tiles/abc123/15/0/0.mvt",
            "la-serena/tiles/abc123/9/512/0.mvt",
            "la-serena/tiles/abc123/9/0/512.mvt",
            f"la-serena/tiles/{'v' * 300}/14/0/0.mvt",
            f"{'c' * 300}/tiles/abc123/14/0/0.mvt",
            f"la-serena/tiles/abc123/14/0/{'9' * 4000}.mvt",
        ],
    )
    async def test_what_is_no_tile_of_a_known_map_is_not_found(self, address):
        answer = await AsyncClient().get(f"/places/{address}")
        assert (answer.status_code, answer["Content-Type"]) == (404, "text/plain")

    @pytest.mark.parametrize(
        "address",
        [
            "la-serena/tiles/abc123/9/-1/0.mvt",
            "la-serena/tiles/abc123/9/0/x.mvt",
            "la-serena/tiles/abc123/9/0/0.5.mvt",
            "la-serena/tiles/../14/0/0.mvt",
            "la-serena/tiles/a%2f../14/0/0.mvt",
            f"la-serena/tiles/abc123/14/0/{'9' * 5000}.mvt",
        ],
    )
    def test_what_is_not_written_as_a_tile_leads_nowhere(self, address):
        with pytest.raises(Resolver404):
            resolve(f"/places/{address}")

    async def test_a_tile_can_only_be_read(self):
        answer = await AsyncClient().post(f"/places/la-serena/tiles/abc123/14/{X}/{Y}.mvt")
        assert answer.status_code == 405

    @pytest.mark.parametrize("name", ["", "..", "a/b", "a\n", "a" * 65])
    def test_a_name_that_could_lead_elsewhere_is_no_map(self, name):
        with pytest.raises(tiles.NoSuchMap):
            tiles.folder(name, "abc123")
        with pytest.raises(tiles.NoSuchMap):
            tiles.folder("la-serena", name)
