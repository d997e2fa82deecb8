"""Travel times and routes by car: one face over the engine, the straight line and the swap.

Streets lie in `DATA_DIR/streets/<city>/<version>/`; the file `current` beside them names the
version in force.  Every process loads a version once, looks at that file before each answer
(one `stat`) and goes over to a new version between two answers.  With `OSRM_URL` (in which
`{city}` stands for the slug) an osrm-routed elsewhere answers instead.

Where no streets are built, or the engine fails, the answer is a straight line and says so.
"""

import functools
import itertools
import logging
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.conf import settings

from apps.places import engines
from apps.places.geometry import Point, metres_between

logger = logging.getLogger(__name__)

# An estimate takes the straight line for this much longer, driven at this speed.
DETOUR = 1.3
ESTIMATE_KMH = 24.0

CURRENT = "current"


class Unreachable(Exception):
    """There is no way by car: a point is far from every street, or cut off from the others."""


@dataclass(frozen=True, slots=True)
class Route:
    """A way through all the points in their order.  The line is (longitude, latitude)."""

    seconds: float
    metres: float
    line: list[tuple[float, float]]
    is_estimate: bool = False
    # Seconds between each two points that follow one another.
    legs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Seconds and metres from each origin (row) to each destination (column).

    Where there is no way both are infinite.
    """

    seconds: np.ndarray
    metres: np.ndarray
    is_estimate: bool = False


@dataclass(frozen=True, slots=True)
class Snapped:
    """The nearest point on a street, how far off it is, and the street's name if it has one."""

    point: Point
    metres_away: float
    street: str
    is_estimate: bool = False


def route(city_slug: str, points: Sequence[Point]) -> Route:
    """Return the fastest way by car through the points.

    Raises `Unreachable` if there is none, `ValueError` for fewer than two points.
    """
    if len(points) < 2:
        raise ValueError("a route needs at least two points")
    engine = _engine(city_slug)
    if engine is not None:
        try:
            best = engine.route([point.lon_lat for point in points])["routes"][0]
            line = [(lonlat[0], lonlat[1]) for lonlat in best["geometry"]["coordinates"]]
            legs = tuple(leg["duration"] for leg in best["legs"])
            return Route(seconds=best["duration"], metres=best["distance"], line=line, legs=legs)
        except engines.NoWay as error:
            raise Unreachable(str(error)) from error
        except (engines.Broken, LookupError, TypeError) as error:
            logger.warning("routes in %s are estimates: %s", city_slug, error)
    far = [DETOUR * metres_between(a, b) for a, b in itertools.pairwise(points)]
    return Route(
        seconds=_seconds(sum(far)),
        metres=sum(far),
        line=[point.lon_lat for point in points],
        is_estimate=True,
        legs=tuple(map(_seconds, far)),
    )


def table(city_slug: str, origins: Sequence[Point], destinations: Sequence[Point]) -> Table:
    """Return travel times and distances by car from every origin to every destination.

    Never raises for a point that cannot be reached: its row or column is infinite, so that one
    lost position does not spoil the others.
    """
    engine = _engine(city_slug)
    if engine is not None and origins and destinations:
        try:
            return _measured(engine, origins, destinations)
        except engines.NoWay:
            nowhere = np.full((len(origins), len(destinations)), np.inf)
            return Table(seconds=nowhere, metres=nowhere.copy())
        except (engines.Broken, LookupError, TypeError, ValueError) as error:
            logger.warning("travel times in %s are estimates: %s", city_slug, error)
    metres = np.array(
        [[DETOUR * metres_between(a, b) for b in destinations] for a in origins], dtype=float
    ).reshape(len(origins), len(destinations))
    return Table(seconds=metres / (ESTIMATE_KMH / 3.6), metres=metres, is_estimate=True)


def snap(city_slug: str, point: Point) -> Snapped:
    """Return the nearest point on a street.  Raises `Unreachable` if none is within a kilometre.

    Without streets the point itself comes back, marked as an estimate.
    """
    engine = _engine(city_slug)
    if engine is not None:
        try:
            nearest = engine.nearest(point.lon_lat)["waypoints"][0]
            lon, lat = nearest["location"][0], nearest["location"][1]
            return Snapped(Point(lat=lat, lon=lon), nearest["distance"], nearest["name"])
        except engines.NoWay as error:
            raise Unreachable(str(error)) from error
        except (engines.Broken, LookupError, TypeError) as error:
            logger.warning("streets of %s are not to be had: %s", city_slug, error)
    return Snapped(point, 0.0, "", is_estimate=True)


def version(city_slug: str) -> str:
    """Return the version of the streets in force, or "" if none are built."""
    try:
        return _pointer(city_slug).read_text().strip()
    except OSError:
        return ""


def folder(city_slug: str) -> Path:
    """Return where the versions of a city's streets lie.  Raises `ValueError` for no slug."""
    # The slug comes from addresses of pages: it must not climb out of the folder.
    if not re.fullmatch(r"[A-Za-z0-9_-]+", city_slug):
        raise ValueError(f"{city_slug!r} is not the slug of a city")
    return Path(settings.DATA_DIR) / "streets" / city_slug


def _pointer(city_slug: str) -> Path:
    return folder(city_slug) / CURRENT


def _seconds(metres: float) -> float:
    return metres / (ESTIMATE_KMH / 3.6)


def _measured(
    engine: engines.Engine, origins: Sequence[Point], destinations: Sequence[Point]
) -> Table:
    answer = engine.table(
        [point.lon_lat for point in origins], [point.lon_lat for point in destinations]
    )
    seconds = _numbers(answer["durations"])
    metres = _numbers(answer["distances"])
    # A table takes the nearest street however far it is; a route does not, so neither do we.
    for axis, ends in enumerate((answer["sources"], answer["destinations"])):
        lost = [i for i, end in enumerate(ends) if end["distance"] > engines.SNAP_METRES]
        for numbers in (seconds, metres):
            numbers[(slice(None),) * axis + (lost,)] = np.inf
    return Table(seconds=seconds, metres=metres)


def _numbers(rows: Sequence[Sequence[float | None]]) -> np.ndarray:
    numbers = np.array([list(row) for row in rows], dtype=float)
    numbers[np.isnan(numbers)] = np.inf
    return numbers


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An engine and the stamp of the pointer file that named it."""

    stamp: tuple[int, int]
    engine: engines.Engine | None


_loaded: dict[Path, _Loaded] = {}
_loading = threading.Lock()


def _engine(city_slug: str) -> engines.Engine | None:
    """Return the engine in force, or None if there are no streets.

    Whoever holds an old engine may finish with it: it goes when the last answer is out.
    """
    if settings.OSRM_URL:
        return _remote(settings.OSRM_URL.replace("{city}", city_slug))
    pointer = _pointer(city_slug)
    try:
        status = pointer.stat()
    except OSError:
        return None
    # A rename makes a new inode; the time alone could be the same twice.
    stamp = (status.st_mtime_ns, status.st_ino)
    loaded = _loaded.get(pointer)
    if loaded is not None and loaded.stamp == stamp:
        return loaded.engine
    # One thread loads; the others go on with what there is, or wait if there is nothing.
    if not _loading.acquire(blocking=loaded is None):
        return loaded.engine if loaded is not None else None
    try:
        return _load(pointer, stamp)
    finally:
        _loading.release()


@functools.cache
def _remote(url: str) -> engines.Engine:
    return engines.Remote(url)


def _load(pointer: Path, stamp: tuple[int, int]) -> engines.Engine | None:
    before = _loaded.get(pointer)
    if before is not None and before.stamp == stamp:
        return before.engine
    engine = before.engine if before is not None else None
    try:
        engine = engines.InProcess(pointer.parent / pointer.read_text().strip())
    except (engines.Broken, OSError) as error:
        # Remembered with its stamp: a broken version is tried once, not at every question.
        logger.error("the streets in %s cannot be loaded: %s", pointer.parent, error)
    _loaded[pointer] = _Loaded(stamp, engine)
    return engine
