"""Ends processes without a word, at moments that a seed decides."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from threading import Event, Thread

from cityplatform.running import Platform

NAMES = ("web", "worker", "relay", "matcher", "sandbox", "valkey", "nats", "postgres")
# After so many seconds a process that has not come back is a finding, and not bad luck.
COMES_BACK_WITHIN = 60.0


def plan(seed: int, kills: int) -> list[tuple[str, float]]:
    """Whom to end, and after which part of the run.  Round by round it is everybody's turn."""
    chance = Random(f"{seed}/kills")
    names: list[str] = []
    while len(names) < kills:
        names += chance.sample(NAMES, len(NAMES))
    return [(name, (turn + chance.random()) / kills) for turn, name in enumerate(names[:kills])]


class Killer(Thread):
    """Follows a plan.  `how_far` tells from 0 to 1 how much of the run is over."""

    def __init__(
        self, platform: Platform, plan: list[tuple[str, float]], how_far: Callable[[], float]
    ) -> None:
        super().__init__(name="killer", daemon=True)
        self.platform = platform
        self.plan = plan
        self.how_far = how_far
        self.killed: Counter[str] = Counter()
        self.never_back: list[str] = []
        self._over = Event()
        self._last: dict[str, int] = {}

    def run(self) -> None:
        for name, moment in self.plan:
            while self.how_far() < moment:
                if self._over.wait(0.1):
                    return
            self._end(name)

    def stop(self) -> None:
        """Kill nobody any more, and see that all are back."""
        self._over.set()
        self.join()
        for name in self._last:
            self._present(name)

    def _end(self, name: str) -> None:
        if number := self._present(name):
            os.kill(number, signal.SIGKILL)
            self._last[name] = number
            self.killed[name] += 1

    def _present(self, name: str) -> int:
        """The process that has taken the place of the one that we ended."""
        end = time.monotonic() + COMES_BACK_WITHIN
        while time.monotonic() < end:
            # Between two processes there is none: the old number stays in the note until then.
            with suppress(OSError, ValueError):
                number = self.platform.pids()[name]
                os.kill(number, 0)
                if number != self._last.get(name):
                    return number
            # Between two looks: nobody tells of a process that is back.
            time.sleep(0.05)
        self.never_back.append(name)
        return 0
