"""The line of a street, read from the tiles that draw it, and the narrow zone along it."""

import gzip
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import mapbox_vector_tile

from apps.places import geometry, queries, tiles
from apps.places.geometry import Point
from apps.places.models import City, Place, Zone

# A street goes on in the next tile, but not for ever.
MOST_TILES = 64
MOST_FOUND = 6

type Line = list[tuple[float, float]]  # of (lon, lat)


@dataclass(frozen=True, slots=True)
class Outline:
    """Something with a name that has an edge: a street so many metres wide, or a zone."""

    name: str
    detail: str
    boundary: dict[str, Any]

    @property
    def as_text(self) -> str:
        """Its edge as GeoJSON is written."""
        return json.dumps(self.boundary, separators=(",", ":"))


def find(city: City, text: str, *, width: float) -> list[Outline]:
    """Return streets and zones that the text may mean, with their edges, the likeliest first."""
    zones = Zone.objects.filter(city=city, name__icontains=text.strip()).order_by("name")
    found = [Outline(zone.name, zone.get_kind_display(), zone.boundary) for zone in zones[:3]]
    named = queries.search(city, text, limit=20) if text.strip() else []
    for place in named:
        if place.kind == Place.Kind.STREET and len(found) < MOST_FOUND:
            edge = along_street(city, place.name, place.point, width=width)
            if edge:
                found.append(Outline(place.name, place.detail, edge))
    return found


def along_street(city: City, name: str, near: Point, *, width: float) -> dict[str, Any] | None:
    """Return the ground of a street, `width` metres across, inside the city; None if unknown."""
    lines = list(lines_of(city, name, near))
    if not lines:
        return None
    try:
        return geometry.common(geometry.along(lines, metres=width / 2), city.boundary)
    except ValueError:
        return None


def lines_of(city: City, name: str, near: Point) -> Iterator[Line]:
    """Return the pieces of the street of this name that passes near a point.

    From tile to tile, as far as the street goes on: another one of the same name in another
    part of the city is another street.
    """
    if not city.tiles_version:
        return
    ahead = [_tile_of(near)]
    seen: set[tuple[int, int]] = set()
    while ahead and len(seen) < MOST_TILES:
        tile = ahead.pop()
        if tile in seen:
            continue
        seen.add(tile)
        for line in _drawn(city, tile, name):
            yield [_ground(tile, x, y) for x, y in line]
            ahead += [_next(tile, x, y) for x, y in line if _leaves(x, y)]


def _drawn(city: City, tile: tuple[int, int], name: str) -> Iterator[list[tuple[int, int]]]:
    column, row = tile
    body = tiles.read(
        city=city.slug, version=city.tiles_version, z=tiles.LAST_ZOOM, x=column, y=row
    )
    if body is None:
        return
    read = mapbox_vector_tile.decode(gzip.decompress(body), default_options={"y_coord_down": True})
    for feature in read.get("streets", {"features": []})["features"]:
        if feature["properties"].get("name") == name:
            kind, where = feature["geometry"]["type"], feature["geometry"]["coordinates"]
            yield from [where] if kind == "LineString" else where


def _tile_of(point: Point) -> tuple[int, int]:
    across = 2**tiles.LAST_ZOOM
    lat = math.radians(point.lat)
    return (
        math.floor((point.lon + 180) / 360 * across),
        math.floor((1 - math.asinh(math.tan(lat)) / math.pi) / 2 * across),
    )


def _ground(tile: tuple[int, int], x: float, y: float) -> tuple[float, float]:
    across = 2**tiles.LAST_ZOOM
    column, row = tile[0] + x / tiles.EXTENT, tile[1] + y / tiles.EXTENT
    lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / across))))
    return column / across * 360 - 180, lat


def _leaves(x: float, y: float) -> bool:
    return not (0 < x < tiles.EXTENT and 0 < y < tiles.EXTENT)


def _next(tile: tuple[int, int], x: float, y: float) -> tuple[int, int]:
    column, row = tile
    east = 1 if x >= tiles.EXTENT else -1 if x <= 0 else 0
    south = 1 if y >= tiles.EXTENT else -1 if y <= 0 else 0
    return column + east, row + south
