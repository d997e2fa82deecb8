"""Where the cars are: from the sockets to the matcher, in bulk and without ceremony.

A web process keeps what its sockets hear and, twice a second, sends all of it in one message on
the NATS subject `telemetry.<city>`.  The message is an array of packed little-endian records:

    worker  int64    heading  int16, degrees or -1 (unknown)
    lat     float64  seen     float64, seconds since 1970 by the clock of the web process
    lon     float64

in the order worker, lat, lon, heading, seen: 34 bytes each.  Where NATS is away the same batch
goes into `dispatch_position` in one statement.  Positions are soft: one that is lost is
followed by the next.

How a CPU second gets through thousands of positions: one costs its web process a look into
a dictionary, an entry in another, and its share of packing a batch, about 1 microsecond; the
matcher, which works in `positions.py`, about 2, and its share of one statement every three
seconds.  Nothing is parsed, locked or written for one alone.  What remains is the frame on the
socket: at 4,000 positions a second it may cost up to 240 microseconds.
"""

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from threading import Lock, Thread
from typing import Any

import nats
import numpy as np
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import connection
from nats.aio.client import Client
from prometheus_client import Counter

from apps.places.geometry import EARTH_RADIUS_METRES, Point

SUBJECT = "telemetry."
RECORD = np.dtype(
    [("worker", "<i8"), ("lat", "<f8"), ("lon", "<f8"), ("heading", "<i2"), ("seen", "<f8")]
)
EVERY = 0.5
# A message of NATS holds a megabyte.
RECORDS_IN_A_MESSAGE = 25_000

# No car is faster; a phone that thinks so has a wrong position, or is not where it says.
FASTEST = 60.0
# Metres that a phone may be off without being a liar.
BLUR = 100.0
# After so long without a word, wherever a car turns up is where it is.
FORGOTTEN = 60.0

# worker, lat, lon, heading, seconds since 1970
type Seen = tuple[int, float, float, int, float]

HEARD = Counter(
    "city_positions",
    "Positions of cars, by where they were heard and whether they were believed",
    ["at", "outcome"],
)

logger = logging.getLogger(__name__)


class Implausible(Exception):
    """Nobody gets there so fast: the position is not believed."""


def is_plausible(before: Seen, after: Seen) -> bool:
    """Say whether a car can have come from the one to the other in time."""
    seconds = max(0.0, after[4] - before[4])
    if seconds > FORGOTTEN:
        return True
    north = after[1] - before[1]
    # The short way round, also across the date line.
    east = (after[2] - before[2] + 180.0) % 360.0 - 180.0
    east *= math.cos(math.radians(after[1]))
    metres = math.radians(math.hypot(north, east)) * EARTH_RADIUS_METRES
    return metres <= FASTEST * seconds + BLUR


def report(city_slug: str, worker_id: int, point: Point, heading: int | None, at: datetime) -> None:
    """Pass on where a worker is.  `at` is the time of receipt: phones have clocks of their own.

    Raises `Implausible` if they cannot be there.
    """
    _reporter.report(
        city_slug,
        (worker_id, point.lat, point.lon, -1 if heading is None else heading, at.timestamp()),
    )


def pack(seen: Iterable[Seen]) -> bytes:
    """Write positions as they travel."""
    return np.array(list(seen), dtype=RECORD).tobytes()


def unpack(message: bytes) -> list[Seen]:
    """Read positions as they travel.  Raises `ValueError` for what is none."""
    seen: list[Any] = np.frombuffer(message, dtype=RECORD).tolist()
    return seen


# Workers that are gone are passed over; the newest word stands; in one order, lest two wait for
# each other.
KEEP = """
INSERT INTO dispatch_position (worker_id, lat, lon, heading, seen_at)
SELECT told.worker, told.lat, told.lon, nullif(told.heading, -1), to_timestamp(told.seen)
FROM unnest(%s::bigint[], %s::float8[], %s::float8[], %s::smallint[], %s::float8[])
    AS told (worker, lat, lon, heading, seen)
JOIN parties_worker ON parties_worker.id = told.worker
ORDER BY told.worker
ON CONFLICT (worker_id) DO UPDATE
SET lat = excluded.lat, lon = excluded.lon,
    heading = excluded.heading, seen_at = excluded.seen_at
WHERE excluded.seen_at > dispatch_position.seen_at
"""


def keep(seen: Iterable[Seen]) -> None:
    """Write where workers are into the database, in one statement.  One position a worker."""
    columns = [list(column) for column in zip(*seen, strict=True)]
    if columns:
        with connection.cursor() as cursor:
            cursor.execute(KEEP, columns)


class Reporter:
    """What one web process has heard and not yet passed on, and the thread that does so."""

    def __init__(self) -> None:
        self._last: dict[int, Seen] = {}
        self._unsent: defaultdict[str, dict[int, Seen]] = defaultdict(dict)
        self._starting = Lock()
        self._thread: Thread | None = None
        self._client: Client | None = None
        self._told_of_outage = False
        self._received = self._dropped = 0

    def report(self, city_slug: str, seen: Seen) -> None:
        before = self._last.get(seen[0])
        if before is not None and not is_plausible(before, seen):
            self._dropped += 1
            raise Implausible
        self._received += 1
        self._last[seen[0]] = seen
        self._unsent[city_slug][seen[0]] = seen
        if self._thread is None or not self._thread.is_alive():
            self._start()

    def _start(self) -> None:
        # A thread with a loop of its own, because pages report from threads without any.
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(
                    target=lambda: asyncio.run(self._send_for_ever()), name="telemetry", daemon=True
                )
                self._thread.start()

    async def _send_for_ever(self) -> None:
        connecting = asyncio.create_task(self._connect())
        try:
            while True:
                await asyncio.sleep(EVERY)
                try:
                    await self.flush()
                except Exception as error:
                    # Positions are soft: these are lost, and the next come in a moment.
                    self._tell_once("positions are lost", error)
        finally:
            connecting.cancel()

    async def _connect(self) -> None:
        if settings.NATS_URL:
            self._client = await connect(settings.NATS_URL)

    async def flush(self) -> None:
        """Send everything heard so far."""
        unsent, self._unsent = self._unsent, defaultdict(dict)
        self._count()
        for city_slug, seen in unsent.items():
            batch = list(seen.values())
            try:
                await self._publish(city_slug, batch)
                if self._told_of_outage:
                    logger.info("telemetry goes through NATS again")
                    self._told_of_outage = False
            except (nats.errors.Error, OSError) as error:
                self._tell_once("telemetry goes through the database", error)
                await database_sync_to_async(keep)(batch)

    def _count(self) -> None:
        """Note what was heard since the last time, twice a second and not once a position."""
        received, self._received = self._received, 0
        dropped, self._dropped = self._dropped, 0
        HEARD.labels("socket", "received").inc(received)
        HEARD.labels("socket", "dropped").inc(dropped)

    async def _publish(self, city_slug: str, batch: list[Seen]) -> None:
        if self._client is None or not self._client.is_connected:
            raise nats.errors.ConnectionClosedError
        for first in range(0, len(batch), RECORDS_IN_A_MESSAGE):
            some = batch[first : first + RECORDS_IN_A_MESSAGE]
            await self._client.publish(SUBJECT + city_slug, pack(some))
        await self._client.flush(timeout=1)

    def _tell_once(self, what: str, error: Exception) -> None:
        if not self._told_of_outage:
            logger.warning("%s: %r", what, error)
        self._told_of_outage = True


_reporter = Reporter()


async def connect(url: str) -> Client:
    """Return a connection that comes back for ever, also if it is not to be had yet."""

    async def quiet(_: Exception) -> None:
        """What goes wrong comes out where we publish, and is told there."""

    while True:
        with suppress(OSError, nats.errors.Error, asyncio.TimeoutError):
            return await nats.connect(
                url,
                error_cb=quiet,
                max_reconnect_attempts=-1,
                reconnect_time_wait=1,
                connect_timeout=2,
                # What cannot be sent now is of no use later.
                pending_size=0,
                allow_reconnect=True,
            )
        await asyncio.sleep(1)
