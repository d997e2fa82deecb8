"""Streets under the city's speed limits: another version of the same streets, and a change-over.

A limit only ever makes a street slower, and 0 closes it to through traffic.  Files only, as in
`loading`: who decides what is limited stands above.
"""

import csv
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from apps.places import loading, routing, streets
from apps.places.geometry import Area, Point, Shape
from apps.places.models import City

# What cars drive where nothing is written, km/h: OSRM's profile for cars (profiles/car.lua).
USUAL = {
    "motorway": 90,
    "motorway_link": 45,
    "trunk": 85,
    "trunk_link": 40,
    "primary": 65,
    "primary_link": 30,
    "secondary": 55,
    "secondary_link": 25,
    "tertiary": 40,
    "tertiary_link": 20,
    "unclassified": 25,
    "residential": 25,
    "living_street": 10,
    "service": 15,
}
SLOWEST_USUAL = 10


class NotBuilt(Exception):
    """The city's streets are not here, or were built before limits were known: load them again."""


@dataclass(frozen=True)
class Limit:
    """How fast anybody may drive on this ground, in km/h; 0 for not through at all."""

    boundary: Area
    kmh: int


def apply(city: City, limits: Sequence[Limit]) -> bool:
    """Put the city's streets in force under these limits; say whether that changed anything.

    The whole takes as long as OSRM's contraction: until then the version before serves.
    Raises `NotBuilt`, and `loading.Failed`.
    """
    base = routing.folder(city.slug) / city.streets_version
    pbf = routing.folder(city.slug) / loading.SOURCE
    if not city.streets_version or not base.is_dir() or (limits and not pbf.exists()):
        raise NotBuilt(city.slug)
    version = city.streets_version
    if limits:
        speeds = speeds_of(pbf, limits)
        if speeds:
            version = loading.build_limited(city.slug, version, speeds)
    if routing.version(city.slug) == version:
        return False
    loading.activate(city.slug, version, base=city.streets_version)
    return True


def speeds_of(pbf: Path, limits: Sequence[Limit]) -> str:
    """OSRM's table of speeds for the pieces of street whose middle lies under a limit, as CSV.

    Each line is a node of the extract, the next one, and km/h; both directions are written.
    """
    shapes = [(Shape(limit.boundary), limit.kmh) for limit in limits]
    rows: dict[tuple[int, int], int] = {}
    for kind, written, nodes in streets.drivable(pbf):
        usual = min(USUAL.get(kind, SLOWEST_USUAL), written or 1_000)
        for (a, lat, lon), (b, other_lat, other_lon) in itertools.pairwise(nodes):
            middle = Point((lat + other_lat) / 2, (lon + other_lon) / 2)
            held = [kmh for shape, kmh in shapes if shape.contains(middle)]
            if held and min(held) < usual:
                rows[a, b] = rows[b, a] = min(held)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(
        (a, b, kmh) for (a, b), kmh in sorted(rows.items())
    )
    return out.getvalue()
