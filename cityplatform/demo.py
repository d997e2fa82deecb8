"""The whole city with one command: `make demo`, or `python -m cityplatform.demo`.

Starts the embedded engines, brings the database up to date, loads the demo city, starts every
process and stays in the foreground until Ctrl-C.  FRESH=1 begins anew.
"""

import argparse
import ctypes
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from cityplatform import processes, static
from cityplatform.engines.cluster import Engines
from cityplatform.installation import (
    PREFERRED_PORTS,
    ROOT,
    Busy,
    free_ports,
    preferred_ports,
    take,
)
from cityplatform.processes import NotReady, Program
from cityplatform.programs import programs, simulation
from cityplatform.supervisor import LONGEST_WAIT, Supervisor

# What a fresh start removes.  What setup fetched, and the data of tests, stay.
OURS = (
    *("pg", "pg.draft", "run", "valkey", "nats", "sandbox", "beat", "media", "keys", "log"),
    "metrics",
    *(
        "passwords.json",
        "demo_people.json",
        "crowd.json",
        "env",
        "up",
        "processes.json",
        "elsewhere",
        "static",
        "static.stamp",
    ),
)


class Stopped(BaseException):
    """Somebody asked us to end."""


class Failed(Exception):
    """A step on the way up did not succeed."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m cityplatform.demo", description=__doc__)
    parser.add_argument("--mode", choices=["demo", "test"], default="demo")
    parser.add_argument("--data", type=Path, default=os.environ.get("CITY_DATA_DIR"))
    parser.add_argument("--free-ports", action="store_true", help="any ports, not the usual ones")
    parser.add_argument("--fresh", action="store_true", default=os.environ.get("FRESH") == "1")
    parser.add_argument(
        "--longest-wait",
        type=float,
        default=LONGEST_WAIT,
        help="seconds until a process that keeps crashing is started again",
    )
    options = parser.parse_args(arguments)
    data = (options.data or ROOT / ".data").resolve()
    _stop_on_signals()
    try:
        with take(data):
            if options.fresh:
                _forget(data)
            ports = free_ports() if options.free_ports else preferred_ports()
            engines = Engines(data, mode=options.mode, ports=ports)
            return _run(engines, options.longest_wait)
    except Busy as busy:
        print(f"The demo runs already: {busy}.\nStop it with Ctrl-C where it was started.")
        return 1
    except Stopped:
        return 0


def _run(engines: Engines, longest_wait: float) -> int:
    data, ports = engines.installation.data, engines.installation.ports
    began = time.monotonic()
    supervisor = Supervisor(data, say=_say, longest_wait=longest_wait)
    env = {
        **os.environ,
        **engines.installation.serving_environment(),
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(ROOT),
    }
    for name, usual in PREFERRED_PORTS.items():
        if engines.installation.mode == "demo" and ports[name] != usual:
            _say(f"Port {usual} is taken, so {name} listens on {ports[name]}")
    (data / "up").unlink(missing_ok=True)
    # What processes measured that are gone is nobody's.
    shutil.rmtree(data / "metrics", ignore_errors=True)
    (data / "metrics").mkdir(parents=True)
    try:
        with _step("The engines: PostgreSQL, NATS, Valkey"):
            engines.prepare()
            supervisor.launch(engines.programs())
            supervisor.wait_ready()
            engines.ensure_database()
            engines.installation.write_environment()
        with _step("The tables, brought up to date"):
            quick = {"DATABASE_ROLE": "owner", "PGOPTIONS": "-c synchronous_commit=off"}
            _manage(supervisor, env | quick, "migrate", "--verbosity=0")
        with _step("Pages' files, collected and compressed"):
            if not static.is_collected(data):
                _manage(supervisor, env, "collectstatic", "--noinput", "--verbosity=0")
                static.note_collected(data)
        bank, *others = programs(env)
        with _step("The demo city: La Serena and Coquimbo"):
            (data / "sandbox").mkdir(exist_ok=True)
            supervisor.launch([bank])
            _manage(supervisor, env, "load_demo_city")
            # The people's cards are kept by the bank.
            supervisor.wait_ready()
            told = _manage(supervisor, env, "seed_demo")
        with _step("Relay, matcher, worker, web"):
            (data / "beat").mkdir(exist_ok=True)
            supervisor.launch(others)
            supervisor.wait_ready()
        _welcome(engines, told, time.monotonic() - began)
        (data / "up").touch()
        # Once the city stands, people come: their keys and cards take it a few seconds.
        supervisor.launch(simulation(env))
        supervisor.watch()
    except (NotReady, Failed) as fault:
        print(f"\nThe city did not come up: {fault}", flush=True)
        return 1
    except Stopped:
        print("\nStopping, the database last.", flush=True)
    finally:
        # Ctrl-C again must not leave the database half stopped.
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        (data / "up").unlink(missing_ok=True)
        supervisor.stop()
    print("All stopped.", flush=True)
    return 0


def _manage(supervisor: Supervisor, env: Mapping[str, str], *command: str) -> str:
    """Run one of Django's commands to its end and return what it printed."""
    name = command[0]
    log = supervisor.log(name)
    log.unlink(missing_ok=True)
    program = Program(name=name, command=[sys.executable, "manage.py", *command], cwd=ROOT, env=env)
    process = processes.start(program, log)
    try:
        code = process.wait()
    except BaseException:
        processes.stop(program, process)
        raise
    if code:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise Failed(f"{name} ended with {code}. The end of {log}:\n{end}")
    return log.read_text()


def _forget(data: Path) -> None:
    """Begin anew: remove what earlier starts left."""
    note = data / "elsewhere"
    if note.exists():
        folder = Path(note.read_text().strip())
        if folder.parent == Path("/var/tmp") and folder.name.startswith("city-"):
            shutil.rmtree(folder, ignore_errors=True)
    for name in OURS:
        path = data / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def _step(what: str) -> Iterator[None]:
    print(f"  {what} …", end="", flush=True)
    began = time.monotonic()
    yield
    print(f" {time.monotonic() - began:.1f} s", flush=True)


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


def _welcome(engines: Engines, told: str, seconds: float) -> None:
    people = "\n".join(f"  {line}" for line in told.splitlines() if "@" in line)
    web = engines.installation.environment()["WEB_URL"]
    print(
        f"""
The city is up after {seconds:.1f} s.

  Home and rides    {web}/
  Drivers           {web}/drive/
  Officers          {web}/admin/
  API               {web}/api/v1/docs/
  Sandbox bank      {engines.installation.environment()["STRIPE_API_BASE"]}/

The people of this demo, with passwords made for this installation

{people}

{_of_people(simulation(engines.installation.environment() | dict(os.environ)))}

Logs are in {engines.installation.logs}. Ctrl-C stops everything; the data stay.
""",
        flush=True,
    )


def _of_people(playing: list[Program]) -> str:
    """What there is to say of those who are only played."""
    if not playing:
        return "Nobody is played. For a living city: .venv/bin/python manage.py simulate"
    return (
        "Forty drivers and their riders are played, and will drive you too.\n"
        "Without them: SIMULATION=0 make demo. For more of them, SIMULATION=0 and then\n"
        ".venv/bin/python manage.py simulate --drivers 150 --riders-per-hour 600"
    )


def _stop_on_signals() -> None:
    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise Stopped

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, stop)
    if "MAKELEVEL" in os.environ and sys.platform == "linux":
        # Whoever kills make means us too.
        ctypes.CDLL(None).prctl(1, int(signal.SIGTERM))


if __name__ == "__main__":
    sys.exit(main())
