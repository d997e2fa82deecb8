"""Where a car is while it drives along a way."""

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise

EARTH_RADIUS_METRES = 6_371_008.8
# The city believes no car that is faster than 60 m/s; however time is pressed, ours are not.
FASTEST = 45.0


@dataclass(frozen=True, slots=True)
class Spot:
    """A point of WGS 84."""

    lat: float
    lon: float

    def __str__(self) -> str:
        return f"{self.lat:.6f},{self.lon:.6f}"

    def moved(self, north: float, east: float) -> "Spot":
        """So many metres further."""
        lat = self.lat + math.degrees(north / EARTH_RADIUS_METRES)
        wide = EARTH_RADIUS_METRES * math.cos(math.radians(self.lat))
        return Spot(lat, self.lon + math.degrees(east / wide))


def metres_between(a: Spot, b: Spot) -> float:
    """Straight metres over the flat ground of a city."""
    north = math.radians(b.lat - a.lat)
    east = math.radians(b.lon - a.lon) * math.cos(math.radians((a.lat + b.lat) / 2))
    return math.hypot(north, east) * EARTH_RADIUS_METRES


def heading(a: Spot, b: Spot) -> int:
    """Degrees from north, clockwise, from one point towards the other."""
    north = b.lat - a.lat
    east = (b.lon - a.lon) * math.cos(math.radians((a.lat + b.lat) / 2))
    return int(math.degrees(math.atan2(east, north))) % 360


@dataclass(frozen=True)
class Journey:
    """A way that is driven evenly from its begin to its end in so many seconds."""

    line: list[Spot]
    seconds: float
    _marks: list[float] = field(init=False)

    def __post_init__(self) -> None:
        marks = [0.0]
        for a, b in pairwise(self.line):
            marks.append(marks[-1] + metres_between(a, b))
        object.__setattr__(self, "_marks", marks)
        # Nobody is faster than a car can be.
        object.__setattr__(self, "seconds", max(self.seconds, marks[-1] / FASTEST))

    @property
    def metres(self) -> float:
        return self._marks[-1]

    def at(self, seconds: float) -> tuple[Spot, int]:
        """Where the car is and where it looks, so long after it set out."""
        share = min(1.0, max(0.0, seconds / self.seconds)) if self.seconds else 1.0
        done = share * self.metres
        leg = min(bisect_right(self._marks, done), len(self.line) - 1)
        a, b = self.line[max(0, leg - 1)], self.line[leg]
        length = self._marks[leg] - self._marks[max(0, leg - 1)]
        part = (done - self._marks[max(0, leg - 1)]) / length if length else 1.0
        here = Spot(a.lat + (b.lat - a.lat) * part, a.lon + (b.lon - a.lon) * part)
        return here, heading(a, b)
