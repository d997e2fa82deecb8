"""Small cities written on the spot."""

from pathlib import Path

import osmium
from osmium.osm.mutable import Node, Way

type Line = list[tuple[float, float]]

# Two streets that cross, a third that ends at one of them, and an island without a bridge.
# Latitude, longitude; a hundredth of a degree is about 1.1 km here.
ALPHA: Line = [(0.0, 0.0), (0.0, 0.01), (0.0, 0.02)]
BETA: Line = [(-0.01, 0.01), (0.0, 0.01), (0.01, 0.01)]
GAMMA: Line = [(0.01, 0.01), (0.01, 0.02)]
ISLAND: Line = [(0.05, 0.0), (0.05, 0.01)]

TOWN: list[tuple[str, str, Line]] = [
    ("Avenida Álamo", "primary", ALPHA),
    ("Boldo", "residential", BETA),
    ("Canelo", "residential", GAMMA),
    ("Isla", "residential", ISLAND),
    ("Senda de los Gatos", "footway", [(0.0, 0.0), (0.01, 0.01)]),
]


def write(path: Path, streets: list[tuple[str, str, Line]] = TOWN, *, speed: int = 36) -> Path:
    """Write an extract; streets that share a spot meet there."""
    spots = {spot: None for _, _, line in streets for spot in line}
    refs = {spot: number for number, spot in enumerate(spots, start=1)}
    with osmium.SimpleWriter(str(path), overwrite=True) as out:
        for (lat, lon), ref in refs.items():
            out.add_node(Node(id=ref, location=(lon, lat), tags={}, version=1))
        for number, (name, kind, line) in enumerate(streets, start=1):
            tags = {"highway": kind, "name": name, "maxspeed": str(speed)}
            nodes = [refs[spot] for spot in line]
            out.add_way(Way(id=number, nodes=nodes, tags=tags, version=1))
    return path
