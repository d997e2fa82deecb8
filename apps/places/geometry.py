"""Where things are: points, distances, hexagons and areas.  Knows no city and no database."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import shapely
from h3.api import basic_int as h3
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

# IUGG mean radius; a sphere of it is within 0.6 % of the ellipsoid everywhere.
EARTH_RADIUS_METRES = 6_371_008.8

# H3 hexagons of this resolution are about 350 m across: a few blocks.
CELL_RESOLUTION = 9

# An area in GeoJSON, as it stands in the database: {"type": ..., "coordinates": ...}.
type Area = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the ground in WGS 84 degrees.  Raises `ValueError` if there is no such place."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        # Written so that NaN fails as well.
        if not -90 <= self.lat <= 90:
            raise ValueError(f"latitude {self.lat} is not between -90 and 90")
        if not -180 <= self.lon <= 180:
            raise ValueError(f"longitude {self.lon} is not between -180 and 180")

    def __str__(self) -> str:
        """Write it as `parse` reads it, to 6 decimals: about 11 cm."""
        return f"{self.lat:.6f},{self.lon:.6f}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "lat,lon" in decimal degrees.  Raises `ValueError` for anything else."""
        lat, _, lon = text[:80].partition(",")
        try:
            return cls(lat=float(lat), lon=float(lon))
        except ValueError:
            raise ValueError(f"{text[:80]!r} is not a point written as lat,lon") from None

    @property
    def lon_lat(self) -> tuple[float, float]:
        """The order of GeoJSON and of OSRM."""
        return (self.lon, self.lat)


def metres_between(a: Point, b: Point) -> float:
    """Return the great-circle distance in metres (the haversine formula)."""
    half_lat = math.radians(b.lat - a.lat) / 2
    half_lon = math.radians(b.lon - a.lon) / 2
    square = (
        math.sin(half_lat) ** 2
        + math.cos(math.radians(a.lat)) * math.cos(math.radians(b.lat)) * math.sin(half_lon) ** 2
    )
    return 2 * EARTH_RADIUS_METRES * math.asin(min(1.0, math.sqrt(square)))


def cell(point: Point) -> int:
    """Return the H3 cell (resolution 9) that the point lies in.  It fits a signed 64-bit column."""
    return int(h3.latlng_to_cell(point.lat, point.lon, CELL_RESOLUTION))


def cell_centre(h3_cell: int) -> Point:
    """Return the middle of an H3 cell."""
    lat, lon = h3.cell_to_latlng(h3_cell)
    return Point(lat=lat, lon=lon)


def cell_within(point: Point, *, resolution: int) -> int:
    """Return the H3 cell of another size that the point lies in; 8 is about 900 m across."""
    return int(h3.latlng_to_cell(point.lat, point.lon, resolution))


def wider(h3_cell: int, *, resolution: int) -> int:
    """Return the larger cell that this one belongs to."""
    return int(h3.cell_to_parent(h3_cell, resolution))


def cell_name(h3_cell: int) -> str:
    """Return the cell as others write it: 15 hexadecimal signs."""
    return str(h3.int_to_str(h3_cell))


def cell_edge(h3_cell: int) -> dict[str, Any]:
    """Return the hexagon of a cell as a GeoJSON Polygon."""
    ring = [[round(lon, 6), round(lat, 6)] for lat, lon in h3.cell_to_boundary(h3_cell)]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def cells_around(point: Point, *, rings: int) -> set[int]:
    """Return the cells at most `rings` steps away, the point's own among them."""
    return set(h3.grid_disk(cell(point), rings))


def cells_covering(area: Area) -> list[int]:
    """Return every cell that shares ground with the area, sorted.

    A point inside the area always lies in one of them; the other way round is not so at the
    edge: ask `contains` for the last word.
    """
    cells = h3.polygon_to_cells_experimental(
        h3.geo_to_h3shape(area), CELL_RESOLUTION, contain="overlap"
    )
    return sorted(cells)


def contains(area: Area, point: Point) -> bool:
    """Say whether the point lies inside the area or on its edge."""
    prepared = _prepared(json.dumps(area, sort_keys=True))
    return bool(shapely.intersects_xy(prepared, point.lon, point.lat))


class Shape:
    """An area that is asked often, made ready for it."""

    def __init__(self, area: Area) -> None:
        self._ready = _ready(area)

    def contains(self, point: Point) -> bool:
        """Say whether the point lies inside or on the edge."""
        return bool(shapely.intersects_xy(self._ready, point.lon, point.lat))


def inside(area: Area, points: Sequence[Point]) -> list[bool]:
    """Say of each point whether it lies inside the area or on its edge."""
    prepared = _prepared(json.dumps(area, sort_keys=True))
    lons, lats = [point.lon for point in points], [point.lat for point in points]
    return [bool(is_in) for is_in in shapely.intersects_xy(prepared, lons, lats)]


@lru_cache(maxsize=256)
def _prepared(area: str) -> BaseGeometry:
    return _ready(json.loads(area))


def _ready(area: Area) -> BaseGeometry:
    geometry = shape(area)
    shapely.prepare(geometry)
    # The index inside is built by the first question: ask it before threads share the geometry.
    shapely.intersects_xy(geometry, 0.0, 0.0)
    return geometry


def multipolygon(area: Area) -> dict[str, Any]:
    """Return a Polygon, MultiPolygon, Feature or FeatureCollection as one clean MultiPolygon.

    Raises `ValueError` if it holds no area.
    """
    geometry = shapely.make_valid(shapely.union_all(list(_geometries(area))))
    # Mending may leave lines and points, and polygons inside a collection: take out the polygons.
    parts = shapely.get_parts(shapely.get_parts(geometry))
    polygons = [part for part in parts if part.geom_type == "Polygon" and not part.is_empty]
    if not polygons:
        raise ValueError("the GeoJSON holds no polygon")
    return as_json(shapely.MultiPolygon(polygons))


def _geometries(area: Area) -> Iterable[BaseGeometry]:
    if not isinstance(area, Mapping):
        raise ValueError("not a GeoJSON area")
    if area.get("type") == "FeatureCollection":
        for feature in area.get("features", []):
            yield from _geometries(feature)
    elif area.get("type") == "Feature":
        yield from _geometries(area.get("geometry") or {})
    else:
        try:
            geometry = shape(area)
            if not math.isfinite(shapely.get_coordinates(geometry).sum()):
                raise ValueError("a coordinate is not a number")
        except (shapely.errors.ShapelyError, LookupError, AttributeError, TypeError) as error:
            raise ValueError(f"not a GeoJSON area: {error}") from None
        yield geometry


def bounds(area: Area) -> tuple[float, float, float, float]:
    """Return west, south, east and north of the area in degrees."""
    west, south, east, north = shape(area).bounds
    return west, south, east, north


def hull(points: Iterable[Point], *, margin_metres: float = 250) -> dict[str, Any]:
    """Return the ground that these points are scattered over, with a margin, as a MultiPolygon.

    A concave hull: it follows a bay instead of cutting across it.  Raises `ValueError` without
    points.
    """
    coordinates = [point.lon_lat for point in points]
    if not coordinates:
        raise ValueError("no points, no area")
    middle = sum(lat for _, lat in coordinates) / len(coordinates)
    # Stretched, so that the margin is even.
    shrink = _shrink(middle)
    stretched = shapely.MultiPoint([(lon * shrink, lat) for lon, lat in coordinates])
    degrees = math.degrees(margin_metres / EARTH_RADIUS_METRES)
    outline = shapely.concave_hull(stretched, ratio=0.15).buffer(degrees, quad_segs=4)
    outline = outline.simplify(degrees / 5)
    flat = shapely.transform(outline, lambda xy: xy / [shrink, 1.0])
    return multipolygon(as_json(flat))


def polygon(area: Area) -> dict[str, Any]:
    """Return what somebody drew as a clean MultiPolygon.

    Raises `ValueError` if it holds no area, and `Crossing` if its edge crosses itself: what it
    means inside of such an edge is anybody's guess.
    """
    if not all(shapely.is_valid(one) for one in _geometries(area)):
        raise Crossing("the edge crosses itself")
    return multipolygon(area)


class Crossing(ValueError):
    """An edge that crosses or touches itself."""


def along(lines: Iterable[Sequence[tuple[float, float]]], *, metres: float) -> dict[str, Any]:
    """Return the ground within so many metres of lines of (lon, lat), as a MultiPolygon.

    Raises `ValueError` without lines.
    """
    drawn = [line for line in lines if len(line) > 1]
    if not drawn:
        raise ValueError("no lines, no area")
    shrink = _shrink(sum(line[0][1] for line in drawn) / len(drawn))
    flat = shapely.MultiLineString([[(lon * shrink, lat) for lon, lat in one] for one in drawn])
    degrees = math.degrees(metres / EARTH_RADIUS_METRES)
    wide = shapely.line_merge(flat).buffer(degrees, quad_segs=2, cap_style="flat")
    return multipolygon(
        as_json(shapely.transform(wide.simplify(degrees / 10), lambda xy: xy / [shrink, 1.0]))
    )


def square_metres(area: Area) -> float:
    """Return how large an area is; the ground of a city is flat enough."""
    geometry = shape(area)
    high = math.radians(1) * EARTH_RADIUS_METRES
    return float(geometry.area) * high * high * _shrink(geometry.centroid.y)


def corners(area: Area) -> int:
    """Return how many corners an area has."""
    return int(shapely.get_num_coordinates(shape(area)))


def within(area: Area, other: Area) -> bool:
    """Say whether an area lies inside another, give or take the metre that rounding costs."""
    slack = math.degrees(1 / EARTH_RADIUS_METRES)
    return bool(shape(other).buffer(slack).covers(shape(area)))


def _shrink(lat: float) -> float:
    """Degrees of longitude shrink towards the poles."""
    return max(0.05, math.cos(math.radians(lat)))


def common(area: Area, other: Area) -> dict[str, Any]:
    """Return the part of an area that lies in the other.  Raises `ValueError` if none does."""
    inside = shapely.make_valid(shape(area)).intersection(shapely.make_valid(shape(other)))
    return multipolygon(as_json(inside))


def overlap(area: Area, other: Area) -> bool:
    """Say whether two areas share ground; an edge in common is none."""
    return bool(shape(area).intersection(shape(other)).area > 0)


def without(area: Area, others: Iterable[Area]) -> dict[str, Any]:
    """Return the area less all the others.  Raises `ValueError` if nothing is left."""
    taken = shapely.union_all([shapely.make_valid(shape(other)) for other in others])
    return multipolygon(as_json(shape(area).difference(taken)))


def as_json(geometry: BaseGeometry) -> dict[str, Any]:
    """Return a geometry as plain GeoJSON with 6 decimals: about 11 cm."""
    rounded = shapely.transform(geometry, lambda xy: xy.round(6))
    plain: dict[str, Any] = json.loads(json.dumps(mapping(rounded)))
    return plain
