"""What an OpenStreetMap extract knows of streets: the ways cars use, their names, their crossings.

Pure: files in, values out.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import osmium

from apps.places import names
from apps.places.geometry import Point, metres_between

# The tag `highway` of the ways that have names people say, and how much each counts.
CLASSES = {
    "motorway": 0.9,
    "trunk": 0.9,
    "primary": 1.0,
    "secondary": 0.9,
    "tertiary": 0.7,
    "unclassified": 0.4,
    "residential": 0.4,
    "living_street": 0.4,
    "pedestrian": 0.5,
    "road": 0.3,
}

# The tag `highway` of what is no street for a car, now or ever.
NOT_FOR_CARS = frozenset(
    {
        "bridleway",
        "construction",
        "corridor",
        "cycleway",
        "elevator",
        "footway",
        "path",
        "platform",
        "proposed",
        "steps",
    }
)

# Raise it when the same extract would give other names.
RECIPE = "1"

# Two pieces with one name further apart than this are two streets.
APART_METRES = 400.0

# The carriageways of one crossing lie nearer together than this.
CROSSING_METRES = 90.0

# A street of this length counts in full.
LONG_METRES = 5_000.0

type Node = tuple[int, float, float]  # id, latitude, longitude


class Unreadable(Exception):
    """The file is missing, is no OpenStreetMap extract, or holds no street."""


@dataclass(frozen=True, slots=True)
class Named:
    """A place that has a name: a street, a crossing or a landmark, as the search will hold it."""

    kind: str
    name: str
    search: str
    point: Point
    weight: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """A piece of a street that has a name."""

    name: str
    weight: float
    nodes: list[Node]


@dataclass(slots=True)
class Street:
    """Everything in one neighbourhood that bears one name."""

    name: str
    ways: list[Way] = field(default_factory=list)

    @property
    def metres(self) -> float:
        return sum(
            metres_between(Point(a[1], a[2]), Point(b[1], b[2]))
            for way in self.ways
            for a, b in itertools.pairwise(way.nodes)
        )

    @property
    def weight(self) -> float:
        """From 0 to 1: half for the class of its best piece, half for its length."""
        best = max(way.weight for way in self.ways)
        return round((best + min(1.0, self.metres / LONG_METRES)) / 2, 3)

    @property
    def middle(self) -> Point:
        """The point on the street that is nearest to the middle of it all."""
        nodes = [node for way in self.ways for node in way.nodes]
        lat = sum(node[1] for node in nodes) / len(nodes)
        lon = sum(node[2] for node in nodes) / len(nodes)
        shrink = math.cos(math.radians(lat))
        nearest = min(
            nodes, key=lambda n: (n[1] - lat) ** 2 + ((n[2] - lon) * shrink) ** 2 + n[0] * 1e-18
        )
        return Point(lat=nearest[1], lon=nearest[2])


def sift(source: Path, out: Path, *, box: Sequence[float] | None = None) -> int:
    """Copy the ways for cars, their nodes and their turn restrictions; return how many ways.

    With a box (west, south, east, north in degrees) only ways that touch it.  Raises `Unreadable`.
    """
    out.unlink(missing_ok=True)
    kept: set[int] = set()
    try:
        with osmium.BackReferenceWriter(str(out), ref_src=str(source), overwrite=True) as writer:
            for way in _highways(source, located=box is not None):
                if box is None or _touches(way, box):
                    writer.add_way(way)
                    kept.add(way.id)
            if kept:
                for relation in osmium.FileProcessor(str(source), osmium.osm.RELATION):
                    if not isinstance(relation, osmium.osm.Relation):
                        continue
                    ends = {member.ref for member in relation.members if member.type == "w"}
                    if relation.tags.get("type") == "restriction" and ends <= kept:
                        writer.add_relation(relation)
    except (RuntimeError, OSError, ValueError) as error:
        raise Unreadable(f"{source} is not an OpenStreetMap extract: {error}") from error
    if not kept:
        raise Unreadable(f"{source} holds no street that a car may use")
    return len(kept)


def ways(pbf: Path) -> list[Way]:
    """Read the pieces of street that have a name."""
    pieces = []
    for way in _highways(pbf, located=True):
        tags = way.tags
        weight = CLASSES.get(tags["highway"])
        name = " ".join((tags.get("name") or "").split())[:90]
        if weight is None or not names.essence(name):
            continue
        nodes = [(n.ref, n.lat, n.lon) for n in way.nodes if n.location.valid()]
        if len(nodes) > 1:
            pieces.append(Way(name, weight, nodes))
    return pieces


def drivable(pbf: Path) -> Iterator[tuple[str, int | None, list[Node]]]:
    """Read every piece of street: its class, the km/h that its sign says if any, its nodes."""
    for way in _highways(pbf, located=True):
        sign = way.tags.get("maxspeed") or ""
        nodes = [(n.ref, n.lat, n.lon) for n in way.nodes if n.location.valid()]
        yield way.tags["highway"], int(sign) if sign.isdecimal() else None, nodes


def points(pbf: Path) -> list[Point]:
    """Read every node of the extract."""
    nodes = osmium.FileProcessor(str(pbf), osmium.osm.NODE)
    return [
        Point(lat=node.lat, lon=node.lon)
        for node in nodes
        if isinstance(node, osmium.osm.Node) and node.location.valid()
    ]


def named(pieces: Sequence[Way], *, locale: str) -> list[Named]:
    """Return the streets and their crossings, each once, the weightiest first."""
    streets = _streets(pieces)
    found = []
    weights: dict[int, float] = {}
    for street in streets:
        weight = street.weight
        weights |= {id(way): weight for way in street.ways}
        found.append(
            Named("STREET", street.name, names.essence(street.name), street.middle, weight)
        )
    found += _crossings(pieces, weights, locale=locale)
    return sorted(found, key=lambda place: (-place.weight, place.name, place.point.lon_lat))


def _highways(source: Path, *, located: bool) -> Iterator[osmium.osm.Way]:
    entities = osmium.osm.NODE | osmium.osm.WAY if located else osmium.osm.WAY
    processor = osmium.FileProcessor(str(source), entities)
    if located:
        processor = processor.with_locations()
    processor = processor.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
    for way in processor.with_filter(osmium.filter.KeyFilter("highway")):
        if isinstance(way, osmium.osm.Way) and way.tags["highway"] not in NOT_FOR_CARS:
            yield way


def _touches(way: osmium.osm.Way, box: Sequence[float]) -> bool:
    west, south, east, north = box
    return any(
        n.location.valid() and west <= n.lon <= east and south <= n.lat <= north for n in way.nodes
    )


def _streets(pieces: Sequence[Way]) -> list[Street]:
    """Put pieces of one name together where they lie close to each other."""
    by_name: dict[str, list[Way]] = defaultdict(list)
    for way in pieces:
        by_name[way.name].append(way)
    streets: list[Street] = []
    for name, alike in by_name.items():
        together: dict[tuple[int, int], Street] = {}
        for way in alike:
            squares = {_square(node) for node in way.nodes}
            near = {id(s): s for q in squares for n in _around(q) if (s := together.get(n))}
            joined = Street(name, [way])
            for street in near.values():
                joined.ways += street.ways
            for square in list(together):
                if id(together[square]) in near:
                    together[square] = joined
            together |= dict.fromkeys(squares, joined)
        streets += {id(street): street for street in together.values()}.values()
    return streets


def _square(node: Node) -> tuple[int, int]:
    side = APART_METRES / 111_195
    return (
        math.floor(node[1] / side),
        math.floor(node[2] * math.cos(math.radians(round(node[1]))) / side),
    )


def _around(square: tuple[int, int]) -> Iterator[tuple[int, int]]:
    for down, right in itertools.product((-1, 0, 1), repeat=2):
        yield square[0] + down, square[1] + right


def _crossings(pieces: Sequence[Way], weights: dict[int, float], *, locale: str) -> Iterator[Named]:
    """Find the nodes that streets share.  The corners of two wide roads are one crossing."""
    meeting: dict[int, dict[str, float]] = defaultdict(dict)
    where: dict[int, tuple[float, float]] = {}
    for way in pieces:
        for ref, lat, lon in way.nodes:
            where[ref] = (lat, lon)
            streets = meeting[ref]
            streets[way.name] = max(weights[id(way)], streets.get(way.name, 0.0))
    corners: dict[tuple[str, str], list[tuple[Point, float]]] = defaultdict(list)
    for ref in sorted(meeting):
        streets = meeting[ref]
        if len(streets) < 2:
            continue
        for pair in itertools.combinations(sorted(streets), 2):
            if not _same(*pair):
                corners[pair].append(
                    (Point(*where[ref]), (streets[pair[0]] + streets[pair[1]]) / 2)
                )
    for (first, second), spots in corners.items():
        search = f"{names.essence(first)} {names.essence(second)}"
        name = names.crossing(first, second, locale=locale)
        kept: list[Point] = []
        for point, weight in spots:
            if all(metres_between(point, other) > CROSSING_METRES for other in kept):
                kept.append(point)
                yield Named("CROSSING", name, search, point, round(weight, 3))


def _same(first: str, second: str) -> bool:
    """Say whether two names mean one street: Amunátegui and Avenida Amunátegui."""
    one, two = set(names.essence(first).split()), set(names.essence(second).split())
    return one <= two or two <= one
