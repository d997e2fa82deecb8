"""Every event goes to the stream, too, for whoever listens outside: NATS JetStream.

The outbox is the truth and the stream a copy.  An event is a CloudEvent 1.0 in structured JSON
(https://github.com/cloudevents/spec) on the subject `city.<topic>`, and is told at least once;
its number goes along as `Nats-Msg-Id`, by which JetStream drops what it has already.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from threading import Thread
from typing import Any
from urllib.parse import quote

import nats
import psycopg
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from psycopg.rows import dict_row

from apps.bus.listening import parameters

STREAM = "CITY"
SUBJECT = "city."
BATCH = 256
TIMER = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
# How long JetStream remembers numbers, and how long it keeps events, in seconds.
REMEMBERS = 10 * 60
KEEPS = 30 * 24 * 3600
# The advisory lock of the one relay that tells the stream: any fixed number.
LEASE = 0x6369_7479_0001

type Line = psycopg.AsyncConnection[dict[str, Any]]

logger = logging.getLogger(__name__)

# What is not told, not what comes after the last told: numbers become visible out of order.
UNTOLD = """
SELECT id, topic, body, by, happened_at, source FROM bus_event
WHERE streamed_at IS NULL ORDER BY id LIMIT %s
"""
TOLD = "UPDATE bus_event SET streamed_at = now() WHERE id = ANY(%s)"


class Streamer(Thread):
    """Tells the stream of every event, in a thread with a loop of its own."""

    def __init__(self, url: str) -> None:
        super().__init__(name="streamer", daemon=True)
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._news = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    def run(self) -> None:
        self._work = self._loop.create_task(tell_for_ever(self._url, self._news))
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._work)
        self._loop.close()

    def nudge(self) -> None:
        """Say that there may be something to tell."""
        if self.is_alive():
            self._loop.call_soon_threadsafe(self._news.set)

    def stop(self) -> None:
        """Stop after what is being told now.  The rest waits in the outbox."""
        if self.is_alive():
            self._loop.call_soon_threadsafe(self._cancel)
        self.join()

    def _cancel(self) -> None:
        if self._work is not None:
            self._work.cancel()


async def tell_for_ever(url: str, news: asyncio.Event) -> None:
    """Tell the stream of events as they come.  While it is away, they wait: one line in the log."""
    pause = FIRST_PAUSE
    while True:
        try:
            async with _lease() as line, _jetstream(url) as stream:
                if pause > FIRST_PAUSE:
                    logger.info("the stream is back")
                    pause = FIRST_PAUSE
                while True:
                    news.clear()
                    while await tell_next(line, stream):
                        pass
                    with suppress(TimeoutError):
                        await asyncio.wait_for(news.wait(), TIMER)
        except Exception as error:
            # Whatever it is, the next event deserves another try.
            if pause == FIRST_PAUSE:
                logger.warning("the stream cannot be told, events wait: %r", error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


async def tell_next(line: Line, stream: JetStreamContext) -> int:
    """Tell of the oldest events not told yet.  Return how many."""
    events = await (await line.execute(UNTOLD, [BATCH])).fetchall()
    if not events:
        return 0
    answers = await asyncio.gather(
        *(
            stream.publish(
                SUBJECT + event["topic"],
                json.dumps(cloud_event(event)).encode(),
                stream=STREAM,
                headers={
                    "Nats-Msg-Id": str(event["id"]),
                    "Content-Type": "application/cloudevents+json",
                },
            )
            for event in events
        ),
        return_exceptions=True,
    )
    pairs = list(zip(events, answers, strict=True))
    told = [event["id"] for event, answer in pairs if not isinstance(answer, BaseException)]
    await line.execute(TOLD, [told])
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return len(told)


def cloud_event(event: dict[str, Any]) -> dict[str, Any]:
    """An event as the world outside reads it."""
    return {
        "specversion": "1.0",
        "id": str(event["id"]),
        "source": quote(event["source"]),
        "type": SUBJECT + event["topic"],
        "time": event["happened_at"].isoformat(),
        "datacontenttype": "application/json",
        "actor": event["by"],
        "data": event["body"],
    }


@asynccontextmanager
async def _lease() -> AsyncIterator[Line]:
    """A connection that holds the right to tell the stream: of several relays, one does."""
    async with await psycopg.AsyncConnection.connect(
        **parameters(), autocommit=True, row_factory=dict_row
    ) as line:
        asked = "SELECT pg_try_advisory_lock(%s) AS mine"
        while not (await (await line.execute(asked, [LEASE])).fetchall())[0]["mine"]:
            await asyncio.sleep(TIMER)
        yield line


@asynccontextmanager
async def _jetstream(url: str) -> AsyncIterator[JetStreamContext]:
    async def quiet(_: Exception) -> None:
        """What goes wrong comes out where we publish, and is told there."""

    # We connect anew ourselves, so that each outage is seen, and told once.
    client = await nats.connect(url, error_cb=quiet, allow_reconnect=False, connect_timeout=2)
    try:
        stream = client.jetstream()
        try:
            await stream.stream_info(STREAM)
        except NotFoundError:
            await stream.add_stream(
                name=STREAM, subjects=[f"{SUBJECT}>"], duplicate_window=REMEMBERS, max_age=KEEPS
            )
        yield stream
    finally:
        await client.close()
