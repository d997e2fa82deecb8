"""Crowds instead of people: what may be shown of where they are without showing anybody.

A cell tells its number only when at least `LEAST` are in it.  Those of smaller cells are counted
in the wider cell round them, and what is too few even there in "elsewhere"; if that is too few
as well, nothing is said but that there are fewer than `LEAST`.  The sum is then not told either,
lest the difference tell it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from apps.places import geometry
from apps.places.geometry import Point

LEAST = 3
# About 900 m across, then about 2.4 km.
SIZES = (8, 7)
# Of one hue, from pale to full; each step begins at this count.
BREAKS = (3, 5, 8, 13, 21)


@dataclass(frozen=True, slots=True)
class Cell:
    h3: int
    count: int
    # The landmark that people would name, if one is close to its middle.
    near: str = ""

    @property
    def name(self) -> str:
        return geometry.cell_name(self.h3)

    @property
    def centre(self) -> Point:
        return geometry.cell_centre(self.h3)

    @property
    def step(self) -> int:
        """Which of the five steps of the map's hue it has."""
        return max(1, sum(self.count >= begin for begin in BREAKS))


@dataclass(frozen=True, slots=True)
class Crowd:
    """Cells with their counts, the fullest first, and what is left over."""

    cells: tuple[Cell, ...]
    # None: some, but fewer than may be told.
    elsewhere: int | None

    @property
    def total(self) -> int | None:
        if self.elsewhere is None:
            return None
        return self.at_least + self.elsewhere

    @property
    def at_least(self) -> int:
        return sum(cell.count for cell in self.cells)

    def features(self) -> dict[str, Any]:
        """The cells as GeoJSON for the map, the wide ones first, that the small lie on top."""
        return {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {
                        "cell": cell.name,
                        "count": cell.count,
                        "step": cell.step,
                        "lat": round(cell.centre.lat, 5),
                        "lon": round(cell.centre.lon, 5),
                    },
                    "geometry": geometry.cell_edge(cell.h3),
                }
                for cell in sorted(self.cells, key=lambda cell: cell.h3)
            ],
        }


def gather(points: Iterable[Point]) -> Crowd:
    """Count the points in cells that hold enough of them."""
    left = Counter(geometry.cell_within(point, resolution=SIZES[0]) for point in points)
    shown: list[Cell] = []
    for size in SIZES:
        merged: Counter[int] = Counter()
        for h3_cell, count in left.items():
            merged[geometry.wider(h3_cell, resolution=size)] += count
        shown += [Cell(h3_cell, count) for h3_cell, count in merged.items() if count >= LEAST]
        left = Counter({one: count for one, count in merged.items() if count < LEAST})
    over = left.total()
    return Crowd(
        tuple(sorted(shown, key=lambda cell: (-cell.count, cell.h3))),
        over if over == 0 or over >= LEAST else None,
    )
