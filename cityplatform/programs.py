"""What the platform consists of besides its engines: every process with its command."""

import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from cityplatform.installation import ROOT
from cityplatform.processes import Program


def answers(url: str) -> bool:
    """Whether an address says 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def programs(env: Mapping[str, str]) -> list[Program]:
    """Sandbox, relay, matcher, workers, schedule and web, in the order of their start."""

    def python(name: str, *arguments: str | Path, health: str = "", pool: int = 0) -> Program:
        return Program(
            name=name,
            command=[sys.executable, *arguments],
            cwd=ROOT,
            env={**env, "DATABASE_POOL": str(pool or ""), "PGAPPNAME": name},
            ready=lambda: not health or answers(health),
        )

    return [
        python("sandbox", "-m", "cityplatform.sandbox", health=f"{env['STRIPE_API_BASE']}/healthz"),
        python("relay", "manage.py", "relay"),
        python("matcher", "manage.py", "matcher"),
        # Threads: one process that ends as one, and tasks mostly wait for the network.
        python(
            "worker",
            *("-m", "celery", "-A", "cityplatform", "worker", "--pool=threads"),
            *("--concurrency=4", "--queues=city,money,news"),
            *("--without-gossip", "--without-mingle", "--loglevel=INFO"),
            pool=4,
        ),
        # Only what rings at locked phones, so that it waits neither for banks nor for mails.
        python(
            "ringer",
            *("-m", "celery", "-A", "cityplatform", "worker", "--pool=threads", "--queues=ring"),
            *("--concurrency=8", "--hostname=ringer@%h"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=INFO"),
            pool=4,
        ),
        python(
            "beat", "-m", "celery", "-A", "cityplatform", "beat", "--pidfile=", "--loglevel=INFO"
        ),
        python(
            "web",
            *("-m", "uvicorn", "cityplatform.asgi:application", "--lifespan=off"),
            *("--host", env.get("WEB_HOST", "127.0.0.1"), "--port", env["WEB_PORT"]),
            *("--timeout-graceful-shutdown=5", "--ws-max-size=65536", "--no-server-header"),
            health=f"http://127.0.0.1:{env['WEB_PORT']}/healthz",
            pool=20,
        ),
    ]


def simulation(env: Mapping[str, str]) -> list[Program]:
    """The people who bring a demo to life, unless SIMULATION=0; never in a test by itself."""
    wanted = env.get("SIMULATION") or ("1" if env["MODE"] == "demo" else "0")
    if wanted == "0":
        return []
    return [
        Program(
            name="simulation",
            # The city goes down with it: no time to end the rides at hand.
            command=[sys.executable, "manage.py", "simulate", "--patience=1"],
            cwd=ROOT,
            env=env,
        )
    ]
