"""A real day of a city, replayed through the dispatch of today in simulated time.

Trips say when and where somebody was picked up and how long the ride took; shifts say when and
where cars were on the line.  What is replaced is who picked up whom.  No wall clock, nothing
random: the same files and the same policy give the same figures.

The model: travel takes the straight line, 1.3 times as long, at one speed; who is not picked
up within the patience gives up; a ride takes as long as it did and leaves the car where it
did; every shift is a car of its own, which stays where it is until it is asked, finishes a
ride begun before its end and then does not come back; every driver says yes.
"""

import csv
import gzip
import heapq
import io
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from apps.dispatch import policy
from apps.places.geometry import Point


@dataclass(frozen=True, slots=True)
class Trip:
    """One ride as it was: seconds since the day began."""

    asked_at: float
    lasted: float
    pickup: Point
    dropoff: Point


@dataclass(frozen=True, slots=True)
class Shift:
    """One car on the line, from where and until when."""

    begins: float
    ends: float
    place: Point


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line of a file that makes no sense, and why."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.why}"


@dataclass(frozen=True, slots=True)
class Day:
    """What the files hold of one day."""

    trips: list[Trip]
    shifts: list[Shift]
    bad_rows: list[BadRow]


@dataclass(frozen=True, slots=True)
class Figures:
    """How the day went."""

    trips: int
    served: int
    mean_wait_seconds: float
    p95_wait_seconds: float
    empty_km_per_trip: float
    cpu_seconds: float

    @property
    def served_share(self) -> float:
        return self.served / self.trips if self.trips else 0.0


class NoDay(Exception):
    """The files do not hold a day that could be replayed."""


def read(trips: Path, shifts: Path) -> Day:
    """Read the two files (.csv or .csv.gz).  Rows that make no sense are set aside, and named.

    The day is that of the first trip; its trips and shifts are cut to its 24 hours.
    Raises `NoDay` if a file lacks a column or holds no row that makes sense, `OSError`.
    """
    bad: list[BadRow] = []
    rides = list(_rides(trips, bad))
    if not rides:
        raise NoDay(f"{trips.name} holds no trip")
    first = min(begun for begun, _ in rides)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    day = timedelta(days=1)
    of_the_day = [
        replace(trip, asked_at=(begun - midnight).total_seconds())
        for begun, trip in rides
        if begun < midnight + day
    ]
    cars = []
    for begins, ends, place in _periods(shifts, bad):
        begins, ends = max(begins, midnight), min(ends, midnight + day)
        if begins < ends:
            cars.append(
                Shift((begins - midnight).total_seconds(), (ends - midnight).total_seconds(), place)
            )
    if not cars:
        raise NoDay(f"{shifts.name} holds no shift on {midnight:%Y-%m-%d}")
    return Day(sorted(of_the_day, key=lambda trip: trip.asked_at), cars, bad)


def _rides(path: Path, bad: list[BadRow]) -> Iterator[tuple[datetime, Trip]]:
    columns = ["pickup_time", "dropoff_time"]
    columns += ["pickup_lat", "pickup_lon", "dropoff_lat", "dropoff_lon"]
    for line, row in _rows(path, columns):
        try:
            begun, done = _moment(row["pickup_time"]), _moment(row["dropoff_time"])
            if done < begun:
                raise ValueError("it ends before it begins")
            trip = Trip(
                asked_at=0.0,
                lasted=(done - begun).total_seconds(),
                pickup=_place(row["pickup_lat"], row["pickup_lon"]),
                dropoff=_place(row["dropoff_lat"], row["dropoff_lon"]),
            )
        except (TypeError, ValueError) as error:
            bad.append(BadRow(path.name, line, str(error)))
        else:
            yield begun, trip


def _periods(path: Path, bad: list[BadRow]) -> Iterator[tuple[datetime, datetime, Point]]:
    for line, row in _rows(path, ["online_from", "online_until", "lat", "lon"]):
        try:
            begins, ends = _moment(row["online_from"]), _moment(row["online_until"])
            place = _place(row["lat"], row["lon"])
        except (TypeError, ValueError) as error:
            bad.append(BadRow(path.name, line, str(error)))
        else:
            yield begins, ends, place


def _rows(path: Path, columns: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    with _open(path) as file:
        reader = csv.DictReader(file)
        try:
            missing = [name for name in columns if name not in (reader.fieldnames or [])]
            if missing:
                raise NoDay(f"{path.name} has no column {', '.join(missing)}")
            for row in reader:
                yield reader.line_num, row
        except (csv.Error, UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
            raise NoDay(f"{path.name} cannot be read as CSV: {error}") from error


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _moment(text: str | None) -> datetime:
    # The files keep the clock of their city, without a zone; if they name one, it is cut off.
    return datetime.fromisoformat((text or "").strip()).replace(tzinfo=None)


def _place(lat: str, lon: str) -> Point:
    return Point(float(lat), float(lon))


def replay(
    day: Day, *, kmh: float = 24.0, window: float = 10.0, patience: float = 600.0
) -> Figures:
    """Send the day through `policy.plan` and say how it went.

    With a window of 0 the policy is asked at every event, else every `window` seconds.
    Raises `ValueError` for a speed, window or patience that cannot be.
    """
    if not (kmh > 0 and window >= 0 and patience > 0):
        raise ValueError("speed and patience must be more than 0, the window not less")
    began = time.process_time()
    streets = _Streets(day, policy.straight_line(kmh), patience)
    clock = 0.0
    while (due := streets.next_event()) < math.inf:
        # Windows end at whole multiples of their length; empty ones are passed over.
        clock = max(clock + window, math.ceil(due / window) * window) if window else due
        streets.go_on_to(clock)
    waits = sorted(streets.waits)
    served = len(waits)
    return Figures(
        trips=len(day.trips),
        served=served,
        mean_wait_seconds=math.fsum(waits) / served if served else 0.0,
        p95_wait_seconds=waits[math.ceil(0.95 * served) - 1] if served else 0.0,
        empty_km_per_trip=streets.empty_metres / 1000 / served if served else 0.0,
        cpu_seconds=time.process_time() - began,
    )


class _Streets:
    """The city as it stands at one moment of the day."""

    def __init__(self, day: Day, travel: policy.Travel, patience: float) -> None:
        self.day = day
        self.travel = travel
        self.patience = patience
        self.coming = 0
        self.waiting: dict[int, policy.Request] = {}
        self.idle: dict[int, policy.Car] = {}
        # (when, car, where) of every car that will be free, and (when, car) of those that go.
        self.freed = [(s.begins, i, s.place.lat, s.place.lon) for i, s in enumerate(day.shifts)]
        self.leaving = [(s.ends, i) for i, s in enumerate(day.shifts)]
        heapq.heapify(self.freed)
        heapq.heapify(self.leaving)
        self.waits: list[float] = []
        self.empty_metres = 0.0

    def next_event(self) -> float:
        """When somebody asks next, or a car becomes free; never, if both are over."""
        asked = (
            self.day.trips[self.coming].asked_at if self.coming < len(self.day.trips) else math.inf
        )
        return min(asked, self.freed[0][0] if self.freed else math.inf)

    def go_on_to(self, clock: float) -> None:
        """Let everything happen up to this moment, then send cars."""
        while self.freed and self.freed[0][0] <= clock:
            since, car, lat, lon = heapq.heappop(self.freed)
            if since < self.day.shifts[car].ends:
                # An idle car is heard of all the time.
                self.idle[car] = policy.Car(car, lat, lon, seen_at=math.inf)
        while self.leaving and self.leaving[0][0] <= clock:
            self.idle.pop(heapq.heappop(self.leaving)[1], None)
        while self.coming < len(self.day.trips):
            trip = self.day.trips[self.coming]
            if trip.asked_at > clock:
                break
            place = trip.pickup
            self.waiting[self.coming] = policy.Request(
                self.coming,
                place.lat,
                place.lon,
                asked_at=trip.asked_at,
                since=trip.asked_at,
                until=trip.asked_at + self.patience,
            )
            self.coming += 1
        for number, request in list(self.waiting.items()):
            if clock - request.since > self.patience:
                del self.waiting[number]
        if self.waiting and self.idle:
            self._send(clock)

    def _send(self, clock: float) -> None:
        for match in policy.plan(
            list(self.waiting.values()),
            list(self.idle.values()),
            self.travel,
            at=clock,
            patience=self.patience,
        ):
            del self.waiting[match.job], self.idle[match.car]
            trip = self.day.trips[match.job]
            picked_up = clock + match.seconds
            self.waits.append(picked_up - trip.asked_at)
            self.empty_metres += match.metres
            heapq.heappush(
                self.freed,
                (picked_up + trip.lasted, match.car, trip.dropoff.lat, trip.dropoff.lon),
            )
