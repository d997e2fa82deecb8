"""The relay's life: listen, deliver until nothing is due, listen again."""

import logging
from collections.abc import Callable
from threading import Event

import psycopg
from django.db import Error, connection

from apps.bus import operations
from apps.bus.listening import hear, listening
from apps.kernel import clock

# The timer is only the safety net: for what is due later, and for calls that were missed.
TIMER = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0

logger = logging.getLogger(__name__)


def deliver_until(stop: Event, *, on_news: Callable[[], None] = lambda: None) -> None:
    """Deliver what is published, as soon as it is, until told to stop.

    Outlives the database: while that is away, nothing can be published either.
    """
    pause = FIRST_PAUSE
    while not stop.is_set():
        try:
            with listening(operations.CHANNEL) as line:
                if pause > FIRST_PAUSE:
                    logger.info("the database is back")
                    pause = FIRST_PAUSE
                while not stop.is_set():
                    drain(stop)
                    on_news()
                    hear(line, seconds=TIMER)
        except (Error, psycopg.Error) as error:
            if pause == FIRST_PAUSE:
                logger.warning("the database is away, deliveries wait: %s", error)
            connection.close()
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
    connection.close()


def drain(stop: Event) -> None:
    """Deliver until nothing is due."""
    while not stop.is_set() and operations.relay(at=clock.now()):
        pass
