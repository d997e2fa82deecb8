"""The whole platform, started and ended the hard way, in a folder with a long, spaced name."""

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cityplatform.installation import ROOT
from cityplatform.running import Platform, wait_until


def readiness(platform: Platform) -> dict:
    try:
        with urllib.request.urlopen(f"{platform.url}/readyz", timeout=5) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as answer:
        return json.load(answer)
    except OSError:
        return {}


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # Too long for a socket's path, too.
    place = tmp_path_factory.mktemp("a city") / ("a long way down " * 6).strip()
    for each in (place, *place.parents):
        if each.is_relative_to(tmp_path_factory.getbasetemp().parent):
            each.mkdir(exist_ok=True)
            each.chmod(0o755)
    yield place
    # Where the socket went, because its path would have been too long here.
    shutil.rmtree((place / "elsewhere").read_text().strip())


def test_the_platform_survives_what_it_should_and_leaves_nothing_behind(folder: Path):
    with Platform(folder, mode="demo") as platform:
        # The demo's past is still being told for a moment.
        wait_until(lambda: readiness(platform).get("state") == "ready")

        # A killed child comes back, and pages with it.
        platform.kill("web")
        wait_until(lambda: readiness(platform).get("state") == "ready")
        platform.kill("valkey")
        platform.kill("postgres")
        wait_until(lambda: readiness(platform).get("state") == "ready")

        # The application reads and writes rows and can do no more.
        with psycopg.connect(platform.env["DATABASE_URL"]) as application:
            application.execute(
                "INSERT INTO django_session VALUES ('kept', 'data', now() + interval '1 day')"
            )
            with pytest.raises(psycopg.errors.InsufficientPrivilege), application.transaction():
                application.execute("DROP TABLE django_session")

        # A second start is refused in words.
        second = subprocess.run(
            [sys.executable, "-m", "cityplatform.demo", "--data", folder],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert second.returncode == 1
        assert f"process {platform.process.pid}" in second.stdout

        # Killed without a word, it takes everything along.
        pids = platform.pids()
        assert {"postgres", "nats", "valkey", "web", "worker", "beat"} <= pids.keys()
        os.kill(platform.process.pid, signal.SIGKILL)
        wait_until(lambda: not any(is_alive(pid) for pid in pids.values()))

    # The next start finds the data as they were, and stops cleanly when asked.
    with Platform(folder, mode="demo") as platform:
        with psycopg.connect(platform.env["DATABASE_URL"]) as application:
            kept = application.execute("SELECT session_key FROM django_session").fetchall()
        assert kept == [("kept",)]
        pids = platform.pids()
        platform.process.send_signal(signal.SIGINT)
        assert platform.process.wait(60) == 0
        assert not any(is_alive(pid) for pid in pids.values())
        assert not (folder / "up").exists()
