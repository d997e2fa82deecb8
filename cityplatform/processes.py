"""One process that we own: how it is started, asked whether it is ready, and stopped."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


class NotReady(Exception):
    """A process ended, or took too long, before it answered."""


@dataclass(frozen=True)
class Account:
    """The user and group that a process runs as."""

    user: int
    group: int


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run and how to treat it."""

    name: str
    command: Sequence[str | Path]
    cwd: Path
    env: Mapping[str, str]
    ready: Callable[[], bool] = field(default=lambda: True)
    # Seconds until it must be ready, and until it must have stopped.
    patience: float = 60
    grace: float = 15
    stop_with: signal.Signals = signal.SIGTERM
    # What the kernel sends it when we are gone without a word.
    orphaned: signal.Signals = signal.SIGKILL
    account: Account | None = None


def start(program: Program, log: Path) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that Ctrl-C reaches only us."""
    log.parent.mkdir(parents=True, exist_ok=True)
    us = os.getpid()

    def die_with_us() -> None:
        # Runs in the child after the change of user, which would clear the setting.
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, int(program.orphaned))
            if os.getppid() != us:
                os.kill(os.getpid(), signal.SIGKILL)

    with log.open("ab") as out:
        return subprocess.Popen(
            [str(part) for part in program.command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=program.cwd,
            env=dict(program.env),
            start_new_session=True,
            preexec_fn=die_with_us,
            user=program.account.user if program.account else None,
            group=program.account.group if program.account else None,
            extra_groups=[] if program.account else None,
        )


def wait_ready(program: Program, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return as soon as the program answers.  Raise `NotReady` if it ends or takes too long."""
    end = time.monotonic() + program.patience
    while not program.ready():
        if process.poll() is not None:
            raise NotReady(f"{program.name} ended with {process.returncode}; its log is {log}")
        if time.monotonic() > end:
            raise NotReady(
                f"{program.name} did not answer in {program.patience:.0f} s; its log is {log}"
            )
        time.sleep(0.05)


def stop(program: Program, process: subprocess.Popen[bytes]) -> None:
    """Ask the program to end, and end it with its whole group when its time is up."""
    if process.poll() is None:
        process.send_signal(program.stop_with)
        try:
            process.wait(program.grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
