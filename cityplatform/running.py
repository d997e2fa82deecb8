"""The whole platform for the length of a block: for journeys, and for whoever measures it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cityplatform import processes
from cityplatform.installation import ROOT
from cityplatform.processes import NotReady, Program
from cityplatform.supervisor import LONGEST_WAIT

PATIENCE = 180.0


def wait_until(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Return when something has come true.  Raise `TimeoutError` when it does not."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("it did not come true")
        time.sleep(0.1)


class Platform:
    """Every process of the demo, on free ports, over a data folder of its own.

    It is the command behind `make demo` that runs here, so what a journey sees is what a
    person sees.  Ends with the block, or with the process that opened it.

    With `mode="demo"` what the database has promised outlives its end, as it does for a person;
    a test that kills no database goes without.  `longest_wait` is the supervisor's.
    """

    def __init__(
        self, data: Path, *, mode: str = "test", longest_wait: float = LONGEST_WAIT
    ) -> None:
        self.data = data
        self._program = Program(
            name="platform",
            command=[
                *(sys.executable, "-m", "cityplatform.demo"),
                *(f"--mode={mode}", f"--longest-wait={longest_wait}"),
                *("--free-ports", "--data", data),
            ],
            cwd=ROOT,
            # Nobody comes by themselves: whoever runs it brings the people.
            env={
                "PATH": os.environ["PATH"],
                "HOME": os.environ.get("HOME", "/"),
                "SIMULATION": "0",
            },
            ready=lambda: (data / "up").exists(),
            patience=PATIENCE,
            grace=60,
        )

    def __enter__(self) -> "Platform":
        log = self.data / "log" / "platform.log"
        (self.data / "up").unlink(missing_ok=True)
        self.process = processes.start(self._program, log)
        try:
            processes.wait_ready(self._program, self.process, log)
        except NotReady as fault:
            self.__exit__()
            raise NotReady(f"{fault}\n{log.read_text()}") from None
        return self

    def __exit__(self, *_: object) -> None:
        processes.stop(self._program, self.process)

    @property
    def env(self) -> dict[str, str]:
        """What its processes read: addresses, passwords."""
        lines = (self.data / "env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def url(self) -> str:
        """The address of its pages, without a slash at the end."""
        return self.env["WEB_URL"]

    def pids(self) -> dict[str, int]:
        """The present process of each part, by its name."""
        numbers: dict[str, int] = json.loads((self.data / "processes.json").read_text())
        return numbers

    def kill(self, name: str) -> None:
        """End one process without a word, and return when it is back."""
        before = self.pids()[name]
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: self.pids()[name] != before)

    def manage(self, *command: str) -> str:
        """Run one of Django's commands beside it and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env={**os.environ, **self.env, "DATABASE_ROLE": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr}")
        return done.stdout
