"""Sockets that bad input cannot hurt: small frames, a bounded rate, and a code for every error."""

import json
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from channels.consumer import get_handler_name
from channels.db import DatabaseSyncToAsync
from channels.generic.websocket import AsyncWebsocketConsumer
from prometheus_client import Gauge

FRAME_BYTES = 4_096
FRAMES_A_SECOND = 10
BURST = 40

# The one of RFC 6455's registry that says so; the others are our own.
TRY_AGAIN = 1013
NOT_SIGNED_IN = 4401
NOT_YOURS = 4403
NOT_FOUND = 4404
TOO_BIG = 4413
TOO_FAST = 4429

OPEN = Gauge("city_sockets_open", "Sockets that are open", multiprocess_mode="livesum")


# What sockets ask the database, so many at a time.  By asgiref's own rule all sockets of a process
# would share one thread, and wait for each other.
_threads = ThreadPoolExecutor(max_workers=6, thread_name_prefix="sockets")


def in_a_thread[**P, R](ask: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Make a function that asks the database one that a socket may await."""
    awaited: Callable[P, Coroutine[Any, Any, R]] = DatabaseSyncToAsync(
        ask, thread_sensitive=False, executor=_threads
    )
    return awaited


class BoundedConsumer(AsyncWebsocketConsumer):
    """A JSON socket that answers what it cannot read with a code instead of breaking.

    Subclasses write `async def heard(self, message)`; it sees only JSON objects with a `type`.
    """

    async def websocket_connect(self, message: Any) -> None:
        OPEN.inc()
        await super().websocket_connect(message)

    async def websocket_disconnect(self, message: Any) -> None:
        # Channels says so exactly once for each, however it ended.
        OPEN.dec()
        await super().websocket_disconnect(message)

    async def dispatch(self, message: Any) -> None:
        """Hand a message to its method, as Channels does, but in this thread.

        Channels first has one thread, the same for all sockets, close old connections: a large
        part of what a frame costs.  Whoever asks the database asks `in_a_thread`, which closes
        them itself.
        """
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        self._tokens = float(BURST)
        self._filled_at = time.monotonic()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if not self._may_speak():
            await self.complain("too_fast")
            await self.close(code=TOO_FAST)
            return
        if text_data is None or len(text_data) > FRAME_BYTES:
            await self.complain("too_big" if text_data else "malformed")
            await self.close(code=TOO_BIG)
            return
        try:
            message = json.loads(text_data)
        except (ValueError, RecursionError):
            await self.complain("malformed")
            return
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            await self.complain("malformed")
            return
        if message["type"] == "ping":
            # By the answer a phone knows that its line is not only open but alive.
            await self.say("pong")
            return
        await self.heard(message)

    async def heard(self, message: dict[str, Any]) -> None:
        raise NotImplementedError

    async def say(self, type: str, **body: Any) -> None:
        await self.send(text_data=json.dumps({"type": type, **body}, default=str))

    async def complain(self, code: str, message: str = "") -> None:
        """Say what went wrong: a code for the program, and words for the person if any."""
        await self.say("error", code=code, **({"message": message} if message else {}))

    def _may_speak(self) -> bool:
        """A bucket of tokens: `BURST` at once, `FRAMES_A_SECOND` for ever."""
        now = time.monotonic()
        self._tokens = min(BURST, self._tokens + (now - self._filled_at) * FRAMES_A_SECOND)
        self._filled_at = now
        self._tokens -= 1
        return self._tokens >= 0
