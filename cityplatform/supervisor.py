"""Keeps the platform's processes alive, in the foreground, and takes all of them along.

A crashed process comes back after 1, 2, 4 … `longest_wait` seconds.  On the way out they stop in
reverse, the database last.  When the supervisor itself is killed, the kernel ends its children.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen, TimeoutExpired

from cityplatform import processes
from cityplatform.installation import write_private
from cityplatform.processes import Program

LONGEST_WAIT = 30.0
# Who lived this long starts again at one second.
RECOVERED = 60.0
BIGGEST_LOG = 10_000_000


@dataclass
class Child:
    """A program and its present process."""

    program: Program
    process: Popen[bytes]
    started: float
    wait: float = 1.0
    due: float | None = None


class Supervisor:
    """Starts programs, watches them, stops them."""

    def __init__(
        self, data: Path, say: Callable[[str], None], longest_wait: float = LONGEST_WAIT
    ) -> None:
        self.data = data
        self.say = say
        self.longest_wait = longest_wait
        self.children: list[Child] = []

    def log(self, name: str) -> Path:
        return self.data / "log" / f"{name}.log"

    def launch(self, programs: Sequence[Program]) -> None:
        """Start programs together, without waiting for them."""
        for program in programs:
            log = self.log(program.name)
            if log.exists() and log.stat().st_size > BIGGEST_LOG:
                log.replace(log.with_suffix(".log.1"))
            process = processes.start(program, log)
            self.children.append(Child(program, process, time.monotonic()))
        self._note()

    def wait_ready(self) -> None:
        """Return when every program answers.  Raise `NotReady` for the first that cannot."""
        for child in self.children:
            processes.wait_ready(child.program, child.process, self.log(child.program.name))

    def watch(self) -> None:
        """Bring back whoever ends.  Returns only by an exception, such as a signal's."""
        while True:
            for child in self.children:
                self._look_after(child, time.monotonic())
            time.sleep(0.2)

    def _look_after(self, child: Child, now: float) -> None:
        name = child.program.name
        if child.due is not None:
            if now >= child.due:
                child.process = processes.start(child.program, self.log(name))
                child.started, child.due = now, None
                self._note()
        elif child.process.poll() is not None:
            if now - child.started > RECOVERED:
                child.wait = 1.0
            self.say(
                f"{name} ended with {child.process.returncode}, back in {child.wait:.0f} s"
                f" (its log is {self.log(name)})"
            )
            child.due = now + child.wait
            child.wait = min(child.wait * 2, self.longest_wait)

    def stop(self) -> None:
        """Ask all but the engines to end at once, then the engines in reverse."""
        engines = {"postgres", "nats", "valkey"}
        for child in self.children:
            if child.program.name not in engines and child.process.poll() is None:
                child.process.send_signal(child.program.stop_with)
        for child in reversed(self.children):
            if child.program.name not in engines:
                try:
                    child.process.wait(child.program.grace)
                except TimeoutExpired:
                    self.say(f"{child.program.name} takes too long and is ended")
                    child.process.kill()
        while self.children:
            child = self.children.pop()
            processes.stop(child.program, child.process)
        (self.data / "processes.json").unlink(missing_ok=True)

    def _note(self) -> None:
        """Leave the process numbers where a person or a test finds them."""
        numbers = {child.program.name: child.process.pid for child in self.children}
        write_private(self.data / "processes.json", json.dumps(numbers, indent=1))
