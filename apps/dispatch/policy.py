"""Which car is to be asked for which job.  Arithmetic only: no table, no clock, no network.

Two-sided: whoever calls it hands over all the jobs that wait and all the cars that are free,
whether a job has come or a car has become free, and the sum of the ways to the pick-ups is
made as small as it can be.  The clock is in seconds, from any beginning.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from apps.dispatch import solver
from apps.dispatch.solver import Floats, Ints
from apps.places.geometry import EARTH_RADIUS_METRES
from apps.places.routing import DETOUR, ESTIMATE_KMH

# Of so many cars next to a job in a straight line the best by street is chosen.
NEAREST = 20
# A position older than this says nothing about where the car is now.
FRESH_SECONDS = 60.0
# Nobody is left standing so that others have a shorter way: first as many as can be, then near.
LEFT_STANDING = 100_000.0
# When there are more jobs than cars, near goes before far.  So that nobody starves, who comes
# to the last tenth of the search counts for more with every second: for so many of way.
LAST_TENTH = 0.9
EVERY_SECOND_COUNTS = 2.0


@dataclass(frozen=True, slots=True)
class Request:
    """A job that waits: where, for how many, since when, and who has refused it already.

    The search goes on from `since` to `until`, which are later than `asked_at`, the place in
    the queue, if a driver has given the job back.
    """

    id: int
    lat: float
    lon: float
    asked_at: float
    since: float
    until: float
    seats: int = 1
    needs: frozenset[str] = frozenset()
    excluded: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Car:
    """A worker who is free, where and when they were last heard of, and what they can do."""

    id: int
    lat: float
    lon: float
    seen_at: float
    seats: int = 4
    abilities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Pairs:
    """What travel times are asked for: cars and jobs, which car to which job, and how far.

    `job` and `car` are places in the two sequences, `straight` the metres as the crow flies.
    """

    jobs: Sequence[Request]
    cars: Sequence[Car]
    job: Ints
    car: Ints
    straight: Floats


@dataclass(frozen=True, slots=True)
class Ways:
    """Seconds and metres by street for each of the pairs; infinite where there is no way."""

    seconds: Floats
    metres: Floats
    is_estimate: NDArray[np.bool_]


type Travel = Callable[[Pairs], Ways]


@dataclass(frozen=True, slots=True)
class Match:
    """This job to this car, how far it has to come, and why this one."""

    job: int
    car: int
    seconds: float
    metres: float
    is_estimate: bool
    reasons: dict[str, Any]


def straight_line(kmh: float = ESTIMATE_KMH) -> Travel:
    """Return a way of measuring travel that needs no streets: the straight line and a detour."""

    def travel(pairs: Pairs) -> Ways:
        metres = pairs.straight * DETOUR
        return Ways(metres / (kmh / 3.6), metres, np.ones(len(metres), dtype=np.bool_))

    return travel


def plan(
    jobs: Sequence[Request],
    cars: Sequence[Car],
    travel: Travel,
    *,
    at: float,
    patience: float,
) -> list[Match]:
    """Return who is to be asked for what: each job at most once, each car at most once.

    A pair counts if the car can be there within `patience` seconds of the beginning of the
    search, has the seats and the abilities, has not refused the job, and was heard of within
    the last minute.  As many jobs as can be get a car, with the smallest sum of ways; when they
    cannot all be had, those whose search is about to be given up go first.  The same input
    gives the same matches.
    """
    cars = [car for car in cars if at - car.seen_at <= FRESH_SECONDS]
    if not jobs or not cars:
        return []
    near, straight = _candidates(jobs, cars)
    row, slot = np.nonzero(near >= 0)
    ways = travel(Pairs(jobs, cars, row, near[row, slot], straight[row, slot]))
    since = np.array([job.since for job in jobs])
    in_time = at + ways.seconds - since[row] <= patience
    seconds = np.full(near.shape, np.inf)
    seconds[row, slot] = np.where(in_time, ways.seconds, np.inf)
    waited = np.maximum(0.0, at - np.array([job.asked_at for job in jobs]))
    search = np.array([job.until - job.since for job in jobs])
    overdue = np.maximum(0.0, waited - LAST_TENTH * search)
    penalty = LEFT_STANDING + EVERY_SECOND_COUNTS * overdue
    chosen = solver.assign(near, seconds, cars=len(cars), penalty=penalty)
    place = np.full(near.shape, -1, dtype=np.int64)
    place[row, slot] = np.arange(len(row))
    matches = []
    for i in np.flatnonzero(chosen >= 0).tolist():
        j = int(np.flatnonzero(near[i] == chosen[i])[0])
        others = np.delete(seconds[i], j)
        following = float(others.min()) if len(others) else math.inf
        mine = float(seconds[i, j])
        matches.append(
            Match(
                job=jobs[i].id,
                car=cars[chosen[i]].id,
                seconds=mine,
                metres=float(ways.metres[place[i, j]]),
                is_estimate=bool(ways.is_estimate[place[i, j]]),
                reasons={
                    "nearest": mine <= following,
                    "seconds": round(mine),
                    "next_seconds": round(following) if math.isfinite(following) else None,
                    "waited": round(float(waited[i])),
                },
            )
        )
    return matches


def _candidates(jobs: Sequence[Request], cars: Sequence[Car]) -> tuple[Ints, Floats]:
    """Return for each job the nearest cars that may have it, and how far off they are.

    A place that no car fills holds -1.
    """
    job_at, car_at = _on_a_plane(jobs, cars)
    longest = max(len(job.excluded) for job in jobs)
    width = min(NEAREST + longest, len(cars))
    near = np.full((len(jobs), width), -1, dtype=np.int64)
    straight = np.full((len(jobs), width), np.inf)
    alike: dict[tuple[int, frozenset[str]], list[int]] = defaultdict(list)
    for i, job in enumerate(jobs):
        alike[job.seats, job.needs].append(i)
    for (seats, needs), rows in alike.items():
        able = np.array(
            [
                i
                for i, car in enumerate(cars)
                if car.seats >= seats and (not needs or needs <= car.abilities)
            ],
            dtype=np.int64,
        )
        if len(able) == 0:
            continue
        k = min(width, len(able))
        metres, found = cKDTree(car_at[able]).query(job_at[rows], k=k)
        near[rows, :k] = able[found.reshape(len(rows), k)]
        straight[rows, :k] = metres.reshape(len(rows), k)
    for i, job in enumerate(jobs):
        if job.excluded:
            for j in np.flatnonzero(near[i] >= 0):
                if cars[near[i, j]].id in job.excluded:
                    near[i, j] = -1
    return near, straight


def _on_a_plane(jobs: Sequence[Request], cars: Sequence[Car]) -> tuple[Floats, Floats]:
    """Return metres east and north: true to 0.1 % across a city (equirectangular projection)."""
    degrees = np.array([(job.lon, job.lat) for job in jobs], dtype=np.float64)
    cars_at = np.array([(car.lon, car.lat) for car in cars], dtype=np.float64)
    middle = math.radians(float(degrees[:, 1].mean()))
    scale = math.radians(EARTH_RADIUS_METRES) * np.array([math.cos(middle), 1.0])
    return degrees * scale, cars_at * scale
