"""The bus: apps tell each other what happened without knowing each other.

    bus.publish("orders.placed", by=by, at=at, order=order.pk)   # inside a transaction

    @bus.subscribe("orders.placed")                              # in subscribers.py
    def thank(*, order, at, **_): ...

Every subscriber hears of every event at least once, in no promised order.  Its work
and the note that it is done commit together, so what it does to our own database
happens exactly once.  It never calls the world: it records what a task is to do.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from prometheus_client import Histogram

from apps.bus.models import Delivery, Event
from apps.kernel.about import about
from apps.kernel.actors import Actor

type Handler = Callable[..., None]
# An event's body and its envelope, as a handler of many hears them.
type Told = dict[str, Any]

EVERY_TOPIC = "*"
# Where a relay listens for the news that there is something to deliver.
CHANNEL = "bus"
# A delivery that failed this often waits for a person: about two hours after the first try.
PATIENCE = 12
# How long one batch holds what its handlers have locked.
STRETCH = timedelta(milliseconds=50)
# A body names things by their numbers.  What is longer is the thing itself.
LONGEST_BODY = 256 * 1024
ENVELOPE = frozenset({"event", "topic", "by", "at", "source"})

# The door through which the present change came in: a page, a socket, a task.
source: ContextVar[str] = ContextVar("source", default="task")

BATCH = Histogram(
    "city_relay_batch_seconds",
    "How long one batch of deliveries took",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)

logger = logging.getLogger(__name__)

_handlers: dict[str, Handler] = {}
# Those of them that hear of many events in one call.
_of_many: set[str] = set()
_subscribers: dict[str, list[str]] = defaultdict(list)


class NoSuchDelivery(Exception):
    """There is no delivery of this number."""


class NobodyListens(Exception):
    """The subscriber of a delivery is gone: it was renamed or taken out."""


class Body(DjangoJSONEncoder):
    """JSON for UUIDs, dates and decimals, with moments to the microsecond."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


def subscribe(topic: str, *, many: bool = False) -> Callable[[Handler], Handler]:
    """Register a function to be called with an event's body and its envelope.

    `many`: it is called with a list of them instead, for subscribers that hear so much that a
    statement for each would be felt.
    """

    def register(handler: Handler) -> Handler:
        name = f"{handler.__module__}.{handler.__qualname__}"
        _handlers[name] = handler
        if many:
            _of_many.add(name)
        if name not in _subscribers[topic]:
            _subscribers[topic].append(name)
        return handler

    return register


def listeners(topic: str) -> list[str]:
    """Who is to hear of a topic."""
    return [*_subscribers.get(topic, ()), *_subscribers.get(EVERY_TOPIC, ())]


def publish(topic: str, /, *, by: Actor, at: datetime, **body: Any) -> None:
    """Record that `topic` happened.  Pass identifiers, never objects.

    Raises `RuntimeError` outside a transaction: what is told must commit with what was done.
    Raises `ValueError` when the body uses a word of the envelope, or is too long to travel.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"{topic} published outside a transaction")
    if clash := ENVELOPE & body.keys():
        raise ValueError(f"{topic} says {', '.join(sorted(clash))}, which the envelope says")
    told = json.dumps(body, cls=Body)
    if len(told) > LONGEST_BODY:
        raise ValueError(f"{topic} says {len(told)} characters, more than {LONGEST_BODY}")
    with connection.cursor() as cursor:
        # One statement, because every change of state in the city pays for it.
        cursor.execute(
            "SELECT bus_publish(%s, %s::jsonb, %s, %s, %s, %s::text[])",
            [topic, told, str(by), at, source.get(), listeners(topic)],
        )
    wake_after_commit()


def wake_after_commit() -> None:
    """Wake the relays once when this transaction is over, however much it published."""
    if not any(wake in hook for hook in connection.run_on_commit):
        transaction.on_commit(wake, robust=True)


def wake() -> None:
    """Wake the relays.

    After the commit, not in it: NOTIFY holds a lock over the whole server until its transaction
    is on disk, so that one in every business transaction would make them queue.  A crash
    in between costs a second: the relays look by themselves, too.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def relay(*, at: datetime, limit: int = 100) -> int:
    """Make deliveries that are due, at most `limit`.  Return how many were tried: 0 if none is due.

    Any number of relays may run at once: SKIP LOCKED deals each its own.  The batch is one
    transaction, and a short one, lest what its handlers lock keep people waiting.  Where one of
    its deliveries fails (or all do, at the commit), each is tried again in a transaction of its
    own: that costs nothing as long as all is well, which is nearly always.
    """
    taken: list[int] = []
    began = monotonic()
    try:
        _deliver_together(at, limit, taken)
    except Exception:
        if not taken:
            raise
        logger.warning("a batch of %d deliveries failed; each is tried alone", len(taken))
        for delivery_id in taken:
            _deliver_alone(delivery_id, at)
    if taken:
        BATCH.observe(monotonic() - began)
    return len(taken)


@transaction.atomic
def _deliver_together(at: datetime, limit: int, taken: list[int]) -> None:
    deliveries = list(
        Delivery.objects.due(at)
        .select_related("event")
        .select_for_update(of=("self",), skip_locked=True)
        .order_by("due_at", "pk")[:limit]
    )
    enough = monotonic() + STRETCH.total_seconds()
    lists: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        if taken and monotonic() > enough:
            break
        taken.append(delivery.pk)
        if delivery.subscriber in _of_many:
            lists[delivery.subscriber].append(delivery)
        else:
            _hand_over(delivery)
    for subscriber, waiting in lists.items():
        _handlers[subscriber]([_told(delivery.event) for delivery in waiting])
    # A hook that fails (the broker is away) must not swallow those of the other deliveries.
    connection.run_on_commit = [(*hook[:2], True) for hook in connection.run_on_commit]  # type: ignore[misc]  # Django's third is missing in the stubs
    Delivery.objects.filter(pk__in=taken).update(done_at=at)


def _deliver_alone(delivery_id: int, at: datetime) -> None:
    try:
        with transaction.atomic():
            delivery = _take(delivery_id, at)
            if delivery is None:
                return
            _hand_over(delivery)
            Delivery.objects.filter(pk=delivery_id).update(done_at=at)
    except Exception as error:
        with transaction.atomic():
            delivery = _take(delivery_id, at)
            if delivery is not None:
                _put_off(delivery, at, error)


def _take(delivery_id: int, at: datetime) -> Delivery | None:
    return (
        Delivery.objects.due(at)
        .filter(pk=delivery_id)
        .select_related("event")
        .select_for_update(of=("self",), skip_locked=True)
        .first()
    )


def _hand_over(delivery: Delivery) -> None:
    event, subscriber = delivery.event, delivery.subscriber
    handler = _handlers.get(subscriber)
    if handler is None:
        raise NobodyListens(subscriber)
    # What follows from a change came in by the same door.
    ours = source.set(event.source)
    try:
        with about(_order(event)):
            if subscriber in _of_many:
                handler([_told(event)])
            else:
                handler(**_told(event))
    finally:
        source.reset(ours)


def _told(event: Event) -> Told:
    return {**event.body, **event.envelope}


def _order(event: Event) -> str:
    """The order's reference, if the event is about one: engines call it the holder of a job."""
    named = "ref" if "order" in event.body else "holder" if "job" in event.body else ""
    return str(event.body.get(named, ""))


def _put_off(delivery: Delivery, at: datetime, error: Exception) -> None:
    delivery.put_off(at, f"{type(error).__name__}: {error}"[:2000])
    if delivery.failures >= PATIENCE:
        delivery.dead_at = at
    with about(_order(delivery.event)):
        logger.error(
            "%s could not handle event %s (%s), failure %d%s",
            delivery.subscriber,
            delivery.event_id,
            delivery.event.topic,
            delivery.failures,
            ", given up" if delivery.dead_at else "",
            exc_info=error,
        )
    delivery.save(update_fields=["failures", "error", "due_at", "dead_at"])


@transaction.atomic
def retry(*, delivery_id: int, by: Actor, at: datetime) -> None:
    """Send a delivery that failed, or was given up, once more at once.

    Doing it twice is harmless, and so is retrying what is done.  Raises `NoSuchDelivery`.
    """
    failed = Delivery.objects.filter(pk=delivery_id, done_at=None, failures__gt=0)
    if failed.update(dead_at=None, due_at=at, failures=0):
        bus_event = Delivery.objects.values_list("event", flat=True).get(pk=delivery_id)
        publish("bus.retried", by=by, at=at, delivery=delivery_id, of=bus_event)
    elif not Delivery.objects.filter(pk=delivery_id).exists():
        raise NoSuchDelivery(str(delivery_id))


SWEEP_DELIVERIES = """
DELETE FROM bus_delivery USING bus_event AS event
WHERE event.id = event_id AND event.happened_at < %(before)s AND done_at < %(before)s
"""
# Given-up deliveries keep their event.
SWEEP_EVENTS = """
DELETE FROM bus_event AS event
WHERE happened_at < %(before)s AND (streamed_at < %(before)s OR NOT %(streams)s)
  AND NOT EXISTS (SELECT FROM bus_delivery WHERE event_id = event.id)
"""


@transaction.atomic
def sweep(*, at: datetime) -> int:
    """Forget what was delivered and streamed `BUS_KEEP_DAYS` days ago.  Return how many events.

    Thirty days, unless the settings say otherwise.  The audit record keeps its own copy.  Without
    a stream (no `NATS_URL`) none is waited for.
    """
    before = at - timedelta(days=getattr(settings, "BUS_KEEP_DAYS", 30))
    told: dict[str, datetime | bool] = {"before": before, "streams": bool(settings.NATS_URL)}
    with connection.cursor() as cursor:
        cursor.execute(SWEEP_DELIVERIES, told)
        cursor.execute(SWEEP_EVENTS, told)
        return int(cursor.rowcount)
