"""Where the cars are, in the memory of the matcher: from telemetry, and into the database."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime
from threading import Lock, Thread

from channels.db import database_sync_to_async
from nats.aio.client import Client
from nats.aio.msg import Msg

from apps.dispatch import telemetry, trail
from apps.dispatch.models import Position
from apps.dispatch.policy import FRESH_SECONDS
from apps.dispatch.telemetry import HEARD, Seen, is_plausible
from apps.kernel import clock

# How often what is new goes into the database, where pages and a new matcher read it.
EVERY = 3.0

logger = logging.getLogger(__name__)


class Positions:
    """Of each city, each worker's last believable position.  Written by one thread, read by any."""

    def __init__(self) -> None:
        self._of_city: dict[str, dict[int, Seen]] = {}
        self._new: dict[int, Seen] = {}
        self._lock = Lock()

    def hear(self, city_slug: str, heard: Iterable[Seen], *, at: float) -> int:
        """Take in what was heard.  Old, future and implausible positions are dropped.

        Returns how many were taken in.
        """
        count = dropped = 0
        with self._lock:
            here = self._of_city.setdefault(city_slug, {})
            for seen in heard:
                before = here.get(seen[0])
                if not at - FRESH_SECONDS <= seen[4] <= at + FRESH_SECONDS:
                    dropped += 1
                    continue
                if before is not None and (seen[4] <= before[4] or not is_plausible(before, seen)):
                    dropped += 1
                    continue
                here[seen[0]] = self._new[seen[0]] = seen
                count += 1
        # Once a message: a lock and a file for each position would be felt.
        HEARD.labels("matcher", "received").inc(count)
        HEARD.labels("matcher", "dropped").inc(dropped)
        return count

    def of_city(self, city_slug: str, *, at: float) -> list[Seen]:
        """Where everybody is who was heard of within the last minute."""
        with self._lock:
            here = self._of_city.get(city_slug, {})
            for worker_id in [one for one, seen in here.items() if at - seen[4] > FRESH_SECONDS]:
                del here[worker_id]
            return list(here.values())

    def take_new(self) -> list[Seen]:
        """What has come in since the last call: what is to be kept."""
        with self._lock:
            new, self._new = self._new, {}
        return list(new.values())

    def warm_up(self, city_slug: str, worker_ids: Iterable[int], *, at: datetime) -> None:
        """Read what the database remembers, as far as nothing newer was heard."""
        rows = Position.objects.filter(worker__in=worker_ids).values_list(
            "worker", "lat", "lon", "heading", "seen_at"
        )
        self.hear(
            city_slug,
            [
                (worker, lat, lon, -1 if heading is None else heading, seen_at.timestamp())
                for worker, lat, lon, heading, seen_at in rows
            ],
            at=at.timestamp(),
        )
        # It came from there: it need not go back.
        with self._lock:
            for worker_id in worker_ids:
                self._new.pop(worker_id, None)


class Receiver(Thread):
    """Hears telemetry in a thread with a loop of its own, and keeps what is new."""

    def __init__(self, url: str, positions: Positions, *, every: float = EVERY) -> None:
        super().__init__(name="telemetry", daemon=True)
        self._url = url
        self._positions = positions
        self._every = every
        self._client: Client | None = None
        self._loop = asyncio.new_event_loop()
        self._work: asyncio.Task[None] | None = None

    @property
    def is_connected(self) -> bool:
        """Whether telemetry comes in.  Where it does not, it goes straight into the database."""
        return self._client is not None and self._client.is_connected

    def run(self) -> None:
        self._work = self._loop.create_task(self._receive())
        try:
            self._loop.run_until_complete(self._work)
        except asyncio.CancelledError:
            pass
        finally:
            self._loop.close()

    def stop(self) -> None:
        """Stop hearing."""
        if self.is_alive():
            self._loop.call_soon_threadsafe(self._cancel)
            self.join(timeout=10)

    def _cancel(self) -> None:
        if self._work is not None:
            self._work.cancel()

    async def _receive(self) -> None:
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                await asyncio.sleep(self._every)
                await self._keep()
                await self._record()
        finally:
            listening.cancel()
            if self._client is not None:
                await self._client.close()

    async def _listen(self) -> None:
        if not self._url:
            return
        self._client = await telemetry.connect(self._url)
        # The subscription outlives every outage: the client takes it up again.
        await self._client.subscribe(telemetry.SUBJECT + "*", cb=self._hear)

    async def _hear(self, message: Msg) -> None:
        city_slug = message.subject.removeprefix(telemetry.SUBJECT)
        try:
            heard = telemetry.unpack(message.data)
        except ValueError:
            logger.warning("%d bytes on %s are no positions", len(message.data), message.subject)
            return
        self._positions.hear(city_slug, heard, at=clock.now().timestamp())

    async def _keep(self) -> None:
        new = self._positions.take_new()
        if not new:
            return
        try:
            await database_sync_to_async(telemetry.keep)(new)
        except Exception as error:
            # Soft: the next positions are written in a moment.
            logger.warning("%d positions were not kept: %r", len(new), error)

    async def _record(self) -> None:
        # Also when nothing was heard here: what web processes wrote themselves is part of it.
        try:
            await database_sync_to_async(trail.record)()
        except Exception as error:
            logger.warning("a moment is missing from the trails: %r", error)
