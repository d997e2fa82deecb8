"""Cars on the maps of those who wait for them.

A driver's frame only notes where the car is.  One task for all of a process's sockets tells the
riders' lines, one after the other, always with the newest word: where the channel layer is slow,
maps move less often, and no frame waits in a line of thousands.
"""

import asyncio
import logging
from typing import Any
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer

# How long the channel layer may take to answer.
LAYER_SECONDS = 2.0

logger = logging.getLogger(__name__)


class Cars:
    """What is to be told to riders, and the task that does so."""

    def __init__(self) -> None:
        # The last word did not get through.
        self.is_down = False
        self._newest: dict[str, dict[str, Any]] = {}
        self._telling: asyncio.Task[None] | None = None

    def moved(self, line: str, car: dict[str, Any]) -> None:
        """Have everybody on a line told where their car is now."""
        self._newest[line] = car
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        while self._newest:
            line = next(iter(self._newest))
            await self._send(line, self._newest.pop(line))

    async def _send(self, line: str, car: dict[str, Any]) -> None:
        layer: Any = get_channel_layer()
        try:
            async with asyncio.timeout(LAYER_SECONDS):
                await layer.group_send(line, {"type": "car", "car": car})
        except Exception as error:
            # The riders' pages read the position at their next look.
            if not self.is_down:
                logger.warning("cars stand still on the riders' maps: %r", error)
            self.is_down = True
            self._newest.clear()
        else:
            self.is_down = False


_cars: WeakKeyDictionary[asyncio.AbstractEventLoop, Cars] = WeakKeyDictionary()


def of_this_loop() -> Cars:
    """The cars of all the sockets that share the running loop."""
    return _cars.setdefault(asyncio.get_running_loop(), Cars())
