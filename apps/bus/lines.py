"""Live lines: telling open sockets that something changed.

A ring is a hint and never the truth: a socket that hears it reads the database, and one that
missed it reads the database when it comes back.  So a broken line is logged and never stops
the work that rang.
"""

import asyncio
import logging
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Any

from channels.layers import get_channel_layer
from django.db import connection, transaction

# How long the channel layer may take to answer.
LAYER_SECONDS = 2.0

logger = logging.getLogger(__name__)

_is_down = False


def ring(line: str, **message: Any) -> None:
    """Send a message to every socket on a line, once the present transaction is committed.

    `message` needs a `type`, the name of the consumer's method.  A transaction that rings the same
    twice rings once.
    """
    rings = _Ring(line, message)
    if not any(rings in hook for hook in connection.run_on_commit):
        transaction.on_commit(rings)


@dataclass(frozen=True)
class _Ring:
    """A message that waits for the commit."""

    line: str
    message: dict[str, Any]

    def __call__(self) -> None:
        global _is_down
        try:
            _voice.send(self.line, self.message)
        except Exception:
            # Whatever the broker's trouble is, the phones find out at their next sync.
            if not _is_down:
                logger.exception("live lines are down")
            _is_down = True
        else:
            _is_down = False


class _Voice:
    """A thread with a loop that lasts, and so do its connections.

    The channel layer belongs to a loop: from a new one for each ring it would connect anew.
    """

    def __init__(self) -> None:
        self._starting = Lock()
        self._thread: Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def send(self, line: str, message: dict[str, Any]) -> None:
        """Return when it is sent.  Raises whatever the layer raises, and `TimeoutError`."""
        with self._starting:
            # After a fork the thread is not alive any more.
            if self._thread is None or not self._thread.is_alive():
                self._loop = asyncio.new_event_loop()
                self._thread = Thread(target=self._loop.run_forever, name="live lines", daemon=True)
                self._thread.start()
            loop = self._loop
        assert loop is not None
        asyncio.run_coroutine_threadsafe(_send(line, message), loop).result()


async def _send(line: str, message: dict[str, Any]) -> None:
    if layer := get_channel_layer():
        async with asyncio.timeout(LAYER_SECONDS):
            await layer.group_send(line, message)


_voice = _Voice()
