"""Tiles: the city's own map, cut once from its streets, so that no stranger draws it for us.

A tile is a gzipped Mapbox vector tile (version 2, extent 4096) in the usual web Mercator grid.
It carries three layers:

`streets`      lines; `class` is trunk, primary, secondary, tertiary or minor; `name`; `oneway`
`areas`        polygons; `kind` is sea, sand, river or park
`water_lines`  lines; `kind` is sea or river (with `name`) or depth (with `step`, 1 to 4 from the
               shore)

Streets come from an OpenStreetMap extract.  What such an extract lacks, the sea first of all,
comes from a sketch: GeoJSON whose features say what they are with the property `kind`.  A river
may be sketched as a line with its `width` in metres; a line of kind `sea` only carries its name.
"""

import gzip
import hashlib
import json
import math
import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import numpy as np
import osmium
import shapely
from django.conf import settings
from mapbox_vector_tile import encoder
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

FIRST_ZOOM = 9
LAST_ZOOM = 14
EXTENT = 4096  # units along the edge of a tile
BUFFER = 64  # units drawn beyond the edge, so that no seam shows: 8 px on a tile of 512

# OpenStreetMap's tag `highway` in the five widths that the map draws, each with the first
# zoom where it is of use.  Whatever is not listed (footways, tracks) is left to a later map.
CLASSES = {
    "motorway": "trunk",
    "trunk": "trunk",
    "primary": "primary",
    "secondary": "secondary",
    "tertiary": "tertiary",
    "residential": "minor",
    "unclassified": "minor",
    "living_street": "minor",
    "road": "minor",
}
FIRST_ZOOMS = {"trunk": 9, "primary": 9, "secondary": 10, "tertiary": 11, "minor": 12}
KINDS = frozenset({"sea", "sand", "river", "park"})
LINES = frozenset({"LineString", "MultiLineString"})
AREAS = frozenset({"Polygon", "MultiPolygon"})

DEPTHS = (180.0, 420.0, 760.0, 1200.0)  # metres from the shore to each depth line
DEPTH_FIRST_ZOOM = 11
RIVER = 40.0  # metres across, where the sketch does not say
MARGIN = 12_000.0  # metres of map around the streets, so that nobody scrolls off the sea

# Part of every version: raise it when the same input would give other tiles.
RECIPE = "1"

# A name that can stand in an address and in a path, and can lead nowhere else.
PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")

type Lines = NDArray[np.object_]


class NoSuchMap(Exception):
    """No tiles of this city and version were ever cut here."""


class Malformed(Exception):
    """The extract holds no street, or the sketch holds something that is not a known kind."""


def folder(city: str, version: str) -> Path:
    """Return where the tiles of a city lie.  Raises `NoSuchMap` for what is not a plain name."""
    if not (PLAIN.fullmatch(city) and PLAIN.fullmatch(version)):
        raise NoSuchMap(city, version)
    return Path(settings.DATA_DIR) / city / "tiles" / version


def read(*, city: str, version: str, z: int, x: int, y: int) -> bytes | None:
    """Return one gzipped tile, or nothing where the map is blank.  Raises `NoSuchMap`."""
    home = folder(city, version)
    try:
        return (home / str(z) / str(x) / f"{y}.mvt").read_bytes()
    except FileNotFoundError:
        if home.is_dir():
            return None
        raise NoSuchMap(city, version) from None


@dataclass(frozen=True, slots=True)
class Layer:
    """Shapes in web Mercator metres with the properties that each carries into its tiles."""

    name: str
    shapes: Lines
    facts: list[dict[str, str | int | bool]]
    since: NDArray[np.int_]  # the first zoom at which each is drawn


def version(*, pbf: Path, sketch: Path | None) -> str:
    """Return the name of the tiles that these inputs give: 12 hex digits.

    The same streets and sketch always give the same name, so that a browser may keep a tile
    for ever and a changed map has an address of its own.
    """
    digest = hashlib.sha256(RECIPE.encode())
    for path in (pbf, sketch):
        digest.update(b"\0" if path is None else hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def cut(
    pbf: Path,
    sketch: Path | None,
    out: Path,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Cut the city into tiles `out`/z/x/y.mvt, zooms 9 to 14, and return how many were written.

    Tiles with nothing on them are not written.  `out` appears whole or not at all; an older
    one of the same name is replaced.  `progress` hears how many of how many tiles are done.
    Raises `Malformed`.
    """
    streets = _streets(pbf)
    west, south, east, north = shapely.total_bounds(streets.shapes)
    frame = (west - MARGIN, south - MARGIN, east + MARGIN, north + MARGIN)
    layers = [*_sketched(sketch, frame=frame), streets]

    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".cutting-") as folder:
        work = Path(folder) / "tiles"
        work.mkdir()
        written = 0
        grid = {z: list(_tiles(frame, z)) for z in range(FIRST_ZOOM, LAST_ZOOM + 1)}
        done, total = 0, sum(map(len, grid.values()))
        for z, tiles in grid.items():
            drawn = [_generalised(layer, z) for layer in layers]
            trees = [shapely.STRtree(layer.shapes) for layer in drawn]
            for x, y in tiles:
                body = _encoded(z, x, y, drawn, trees)
                if body:
                    path = work / str(z) / str(x) / f"{y}.mvt"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(gzip.compress(body, mtime=0))
                    written += 1
                done += 1
            progress(done, total)
        if out.exists():
            shutil.rmtree(out)
        work.rename(out)
    return written


def _streets(pbf: Path) -> Layer:
    """Read the streets and join the pieces of each, so that a name has room along its line.

    An extract is cut at every corner.  Pieces of one class, name and direction become the
    longest lines that they can; a one-way line keeps the direction in which it is driven.
    """
    pieces: dict[tuple[str, str, bool], list[list[tuple[float, float]]]] = defaultdict(list)
    ways = osmium.FileProcessor(str(pbf)).with_locations()
    for way in ways.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY)):
        if not isinstance(way, osmium.osm.Way):
            continue
        tags = dict(way.tags)
        kind = CLASSES.get(tags.get("highway", "").removesuffix("_link"))
        if kind is None:
            continue
        points = [(node.lon, node.lat) for node in way.nodes if node.location.valid()]
        if len(points) < 2:
            continue
        oneway = tags.get("oneway") in {"yes", "true", "1", "-1"}
        if tags.get("oneway") == "-1":
            points.reverse()
        pieces[kind, tags.get("name", ""), oneway].append(points)
    if not pieces:
        raise Malformed(f"no street in {pbf.name}")

    shapes: list[BaseGeometry] = []
    facts: list[dict[str, str | int | bool]] = []
    for (kind, name, oneway), lines in sorted(pieces.items()):
        joined = shapely.line_merge(shapely.MultiLineString(lines), directed=oneway)
        about: dict[str, str | int | bool] = {"class": kind}
        if name:
            about["name"] = name
        if oneway:
            about["oneway"] = True
        for line in shapely.get_parts(joined):
            shapes.append(line)
            facts.append(about)
    since = np.array([FIRST_ZOOMS[str(about["class"])] for about in facts])
    return Layer("streets", _projected(shapes), facts, since)


def _sketched(sketch: Path | None, *, frame: tuple[float, float, float, float]) -> list[Layer]:
    """Read the sketch; derive the depth lines from the shore of its sea."""
    shapes: dict[str, list[BaseGeometry]] = {"areas": [], "water_lines": []}
    facts: dict[str, list[dict[str, str | int | bool]]] = {"areas": [], "water_lines": []}

    def draw(layer: str, shape: BaseGeometry, **about: str | int | bool) -> None:
        shapes[layer].append(shape)
        facts[layer].append({key: value for key, value in about.items() if value != ""})

    page = shapely.box(*frame)
    seas: list[BaseGeometry] = []
    for kind, name, width, shape in _features(sketch):
        line = shape.geom_type in LINES
        if line and name:
            draw("water_lines", shape, kind=kind, name=name)
        if line and kind == "river":
            # Mercator stretches: a metre on the ground is longer on the map away from the equator.
            across = width / 2 / _ground(shape)
            draw("areas", shape.buffer(across, cap_style="flat"), kind=kind)
        elif not line:
            whole = _area(shapely.make_valid(shape))
            draw("areas", whole, kind=kind)
            if kind == "sea":
                seas.append(whole)
    sea = shapely.union_all(seas).intersection(page)
    shore = page.difference(sea)
    for step, metres in enumerate(() if sea.is_empty else DEPTHS, start=1):
        # Where it is this far to dry land, as far as this page can tell.
        line = shore.buffer(metres / _ground(sea)).boundary.intersection(sea)
        if not line.is_empty:
            draw("water_lines", line, kind="depth", step=step)

    since = [DEPTH_FIRST_ZOOM if f["kind"] == "depth" else FIRST_ZOOM for f in facts["water_lines"]]
    return [
        Layer("areas", _array(shapes["areas"]), facts["areas"], _first(len(facts["areas"]))),
        Layer("water_lines", _array(shapes["water_lines"]), facts["water_lines"], np.array(since)),
    ]


def _features(sketch: Path | None) -> Iterator[tuple[str, str, float, BaseGeometry]]:
    """Yield kind, name, width in metres and shape in web Mercator, or raise `Malformed`."""
    if sketch is None:
        return
    try:
        features: list[dict[str, Any]] = json.loads(sketch.read_text())["features"]
        for feature in features:
            about, shape = feature["properties"], shapely.geometry.shape(feature["geometry"])
            if about["kind"] not in KINDS:
                raise Malformed(f"{sketch.name}: unknown kind {about['kind']!r}")
            if shape.geom_type not in {*LINES, *AREAS}:
                raise Malformed(f"{sketch.name}: a {shape.geom_type} is neither line nor area")
            width = float(about.get("width", RIVER))
            yield about["kind"], about.get("name", ""), width, _projected([shape])[0]
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        shapely.errors.ShapelyError,
    ) as wrong:
        raise Malformed(f"{sketch.name} is not a sketch: {wrong}") from wrong


# The grid: web Mercator, EPSG:3857.  A sphere of 6 378 137 m; the world is one square.

RADIUS = 6_378_137.0
WORLD = 2 * math.pi * RADIUS


def _array(shapes: list[BaseGeometry]) -> Lines:
    array = np.empty(len(shapes), dtype=object)
    array[:] = shapes
    return array


def _first(count: int) -> NDArray[np.int_]:
    return np.full(count, FIRST_ZOOM)


def _projected(shapes: list[BaseGeometry]) -> Lines:
    """Longitude and latitude in degrees to web Mercator metres."""

    def project(points: NDArray[np.float64]) -> NDArray[np.float64]:
        radians = np.radians(points)
        north = np.log(np.tan(np.pi / 4 + radians[:, 1] / 2))
        return RADIUS * np.column_stack((radians[:, 0], north))

    projected: Lines = shapely.transform(_array(shapes), project)
    return projected


def _area(shape: BaseGeometry) -> BaseGeometry:
    """Return the areas of a shape without the lines and points that cutting may leave."""
    if shape.geom_type in AREAS:
        return shape
    return shapely.union_all([p for p in shapely.get_parts(shape) if p.geom_type in AREAS])


def _ground(shape: BaseGeometry) -> float:
    """Return how many metres of ground one metre of this part of the map stands for."""
    return 1 / math.cosh(shape.centroid.y / RADIUS)


def _tiles(frame: tuple[float, float, float, float], z: int) -> Iterator[tuple[int, int]]:
    """Yield the tiles of a zoom that the frame touches, west to east, north to south."""
    west, south, east, north = frame
    size, last = WORLD / 2**z, 2**z - 1
    columns = (int((edge + WORLD / 2) // size) for edge in (west, east))
    rows = (int((WORLD / 2 - edge) // size) for edge in (north, south))
    first_x, last_x = (min(max(column, 0), last) for column in columns)
    first_y, last_y = (min(max(row, 0), last) for row in rows)
    for x in range(first_x, last_x + 1):
        for y in range(first_y, last_y + 1):
            yield x, y


def _generalised(layer: Layer, z: int) -> Layer:
    """Return what is drawn at a zoom, without the points that nobody could see there.

    Half a pixel of a tile of 512 may go; at the last zoom nothing does, since the map draws
    it on up to zoom 19.
    """
    chosen = layer.since <= z
    shapes = layer.shapes[chosen]
    if z < LAST_ZOOM and len(shapes):
        shapes = shapely.simplify(shapes, WORLD / 2**z / 512 / 2)
    facts = [about for about, kept in zip(layer.facts, chosen, strict=True) if kept]
    return Layer(layer.name, shapes, facts, layer.since[chosen])


def _encoded(z: int, x: int, y: int, layers: list[Layer], trees: list[shapely.STRtree]) -> bytes:
    """Return one tile, or nothing where the city has nothing to draw."""
    size = WORLD / 2**z
    west, north = x * size - WORLD / 2, WORLD / 2 - y * size
    spare = size * BUFFER / EXTENT
    edges = (west - spare, north - size - spare, west + size + spare, north + spare)
    page = shapely.box(*edges)

    def place(points: NDArray[np.float64]) -> NDArray[np.float64]:
        units = (points - (west, north)) * (EXTENT / size)
        placed: NDArray[np.float64] = np.rint(units * (1, -1))
        return placed

    content = []
    for layer, tree in zip(layers, trees, strict=True):
        found = np.sort(tree.query(page, predicate="intersects"))
        if layer.name == "areas":
            clipped = _array([_area(shape & page) for shape in layer.shapes[found]])
        else:
            clipped = shapely.clip_by_rect(layer.shapes[found], *edges)
        features = [
            {"geometry": shape, "properties": layer.facts[i]}
            for i, shape in zip(found, shapely.transform(clipped, place), strict=True)
            if not shape.is_empty
        ]
        if features:
            content.append({"name": layer.name, "features": features})
    if not content:
        return b""
    options = {
        "extents": EXTENT,
        "y_coord_down": True,
        "on_invalid_geometry": encoder.on_invalid_geometry_make_valid,
    }
    body: bytes = mapbox_vector_tile.encode(content, default_options=options)
    return body
