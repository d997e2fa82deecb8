"""How fast news travels: publish, relay, handler, with the audit listening as it always does.

`delivered_per_second`: a process publishes events in transactions of a hundred while the relay,
a process of its own, hands each to a subscriber and to the audit; the clock stops when the last
was handled.  The reference writes the same rows in the same batches, and nothing else.
`publish_to_handled_p99`: from the call of `publish` to the subscriber, at 200 events a second.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Event, Thread
from typing import Any

from tests.benchmarks.ground import Ground, ground, set_up
from tests.benchmarks.measures import by_turns, options, percentile, say, tell

TOPIC = "benchmarks.happened"
BATCH = 100
RATE = 200


def main() -> None:
    asked = options(__doc__)
    count, turns, seconds = (1_000, 2, 5) if asked.quick else (5_000, 5, 30)
    with ground() as here, relay() as handled:
        by_turns(
            lambda: deliver(handled, count),
            lambda: write_rows(here, count),
            times=turns,
            what="events a second",
        ).say(
            "delivered_per_second",
            unit="events/s",
            note=f"{count} events in transactions of {BATCH}, each for a subscriber and the audit",
        )
        waits = at_a_rate(handled, seconds)
        say(
            "publish_to_handled_p99",
            1000 * percentile(waits, 0.99),
            unit="ms",
            note=f"{len(waits)} events, {RATE} a second; median "
            f"{1000 * percentile(waits, 0.5):.1f} ms",
        )


@contextmanager
def relay() -> Iterator[Connection]:
    """Run the relay in a process of its own; what it handed over can be asked from the line."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_relay, args=[theirs], daemon=True)
    process.start()
    try:
        ours.recv()
        yield ours
    finally:
        ours.send("stop")
        process.join(10)
        process.kill()


def _relay(line: Connection) -> None:
    set_up()
    from apps.bus import operations as bus
    from apps.bus.relaying import deliver_until

    waits: list[float] = []

    @bus.subscribe(TOPIC)
    def note(*, sent: float, **_: Any) -> None:
        waits.append(time.time() - sent)

    # Under the name by which the publisher knows it.
    bus._handlers[SUBSCRIBER] = note
    stop = Event()
    Thread(target=deliver_until, args=[stop], daemon=True).start()
    line.send("ready")
    while line.recv() != "stop":
        line.send(list(waits))
        waits.clear()
    stop.set()


SUBSCRIBER = "tests.benchmarks.bus.note"


def _subscribe() -> None:
    from apps.bus import operations as bus

    if SUBSCRIBER not in bus._subscribers[TOPIC]:
        bus._subscribers[TOPIC].append(SUBSCRIBER)


def publish(count: int) -> None:
    """Publish so many events in one transaction, as operations do."""
    from django.db import transaction

    from apps.bus import operations as bus
    from apps.kernel import clock
    from apps.kernel.actors import Actor

    _subscribe()
    with transaction.atomic():
        for number in range(count):
            bus.publish(
                TOPIC,
                by=Actor.system("benchmarks"),
                at=clock.now(),
                number=number,
                sent=time.time(),
            )


def deliver(handled: Connection, count: int) -> float:
    """Events a second from the first call of `publish` until all are handled everywhere."""
    began = time.perf_counter()
    for _ in range(count // BATCH):
        publish(BATCH)
    _wait(lambda: _waiting() == 0)
    seconds = time.perf_counter() - began
    handled.send("tell")
    assert len(handled.recv()) == count
    return count / seconds


def _waiting() -> int:
    from apps.bus import queries

    return queries.waiting()


def write_rows(here: Ground, count: int) -> float:
    """The same rows a second, written with nothing around them."""
    import psycopg

    event = (TOPIC, '{"number": 1, "sent": 1790000000.123456}', "system:benchmarks", "task")
    with psycopg.connect(here.engines.installation.database_url("app")) as line:
        began = time.perf_counter()
        for _ in range(count // BATCH):
            with line.cursor() as cursor:
                ids = list(range(BATCH))
                cursor.executemany(
                    "INSERT INTO bus_event (topic, body, by, happened_at, source)"
                    " VALUES (%s, %s::jsonb, %s, now(), %s) RETURNING id",
                    [event] * BATCH,
                    returning=True,
                )
                for number in range(BATCH):
                    row = cursor.fetchone()
                    assert row
                    ids[number] = row[0]
                    cursor.nextset()
                # Done already, lest the relay deliver them.
                cursor.executemany(
                    "INSERT INTO bus_delivery"
                    " (event_id, subscriber, due_at, done_at, failures, error)"
                    " VALUES (%s, %s, now(), now(), 0, '')",
                    [(one, name) for one in ids for name in (SUBSCRIBER, "audit")],
                )
            line.commit()
        return count / (time.perf_counter() - began)


def at_a_rate(handled: Connection, seconds: int) -> list[float]:
    """How long each event took from `publish` to its handler, in seconds."""
    tell(f"{RATE} events a second for {seconds} s")
    began = time.perf_counter()
    for number in range(RATE * seconds):
        # Until its turn: the rate is what is measured under.
        time.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        publish(1)
    _wait(lambda: _waiting() == 0)
    handled.send("tell")
    waits: list[float] = handled.recv()
    return waits


def _wait(true: Callable[[], bool]) -> None:
    end = time.perf_counter() + 120
    while not true():
        if time.perf_counter() > end:
            raise TimeoutError("deliveries are still waiting")
        # Between two looks, short against what is measured.
        time.sleep(0.005)


if __name__ == "__main__":
    main()
