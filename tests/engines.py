"""Engines for this run of the tests, from the first test to the last.

Loaded with `-p` before Django reads its settings.  Every run holds a data folder of its own
below `.data/`, so that runs beside one another, or beside a demo, do not meet.  Databases are
copied from a template, which is made anew when a model or a migration has changed.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import IO

import pytest
from psycopg import sql

from cityplatform.engines.cluster import Engines
from cityplatform.installation import ROOT, Busy, free_ports, take

DATABASE = "test_city"


_held: list[IO[str]] = []


def _first_free_folder() -> Path:
    for number in count(1):
        folder = ROOT / ".data" / ("test" if number == 1 else f"test-{number}")
        try:
            _held.append(take(folder))
        except Busy:
            continue
        return folder
    raise AssertionError("unreachable")


engines = Engines(_first_free_folder(), mode="test", ports=free_ports(), database=DATABASE)
os.environ.update(engines.installation.environment())
# Tests empty tables after themselves, which only their owner may do.
os.environ["DATABASE_ROLE"] = "owner"


def _fingerprint() -> str:
    """Changes with whatever may change what a migrated database looks like."""
    told = hashlib.sha256(sys.version.encode())
    files = [
        *ROOT.glob("apps/*/migrations/*.py"),
        *ROOT.glob("apps/*/models.py"),
        *(ROOT / "apps" / "parties" / name for name in ("apps.py", "roles.py")),
        *ROOT.glob("requirements/py*.txt"),
        ROOT / "cityplatform" / "settings.py",
        ROOT / "cityplatform" / "engines" / "postgres.py",
    ]
    for path in sorted(files):
        told.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return told.hexdigest()[:16]


def make_database(name: str = DATABASE) -> None:
    """Give the tests a fresh, migrated database of this name."""
    template = f"template_{_fingerprint()}"
    postgres, passwords = engines.postgres, engines.installation.passwords
    with postgres.connect(passwords["database"]) as superuser:

        def drop(database: str) -> None:
            superuser.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
            )

        drop(name)
        templates = {
            row[0]
            for row in superuser.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE 'template\\_%'"
            )
        }
        if template not in templates:
            for old in templates:
                drop(old)
            drop("draft")
            superuser.execute("CREATE DATABASE draft OWNER city_owner")
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "--verbosity=0"],
                check=True,
                cwd=ROOT,
                env={
                    **os.environ,
                    "DATABASE_ROLE": "owner",
                    "DATABASE_OWNER_URL": os.environ["DATABASE_OWNER_URL"].replace(
                        f"/{DATABASE}", "/draft"
                    ),
                },
            )
            superuser.execute(
                sql.SQL("ALTER DATABASE draft RENAME TO {}").format(sql.Identifier(template))
            )
        superuser.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER city_owner STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--data", type=Path, metavar="DIR", help="the reference data, for tests marked `data`"
    )
    parser.addoption("--rides", type=int, help="so many rides for the tests marked `proof`")
    parser.addoption(
        "--faults",
        type=int,
        default=int(os.environ["FAULTS"]) if os.environ.get("FAULTS") else None,
        help="so many faults for the proof of money, which is collected only with them",
    )
    parser.addoption("--seed", type=int, default=7, help="of what happens to rides and to money")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if _is_asked_for(item, config)]


def _is_asked_for(item: pytest.Item, config: pytest.Config) -> bool:
    """Whether the command line has what the test wants: a proof says which count it goes by."""
    wanted = ["--data"] if item.get_closest_marker("data") else []
    if proof := item.get_closest_marker("proof"):
        wanted += proof.args or ["--rides"]
    return all(config.getoption(option) is not None for option in wanted)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Iterator[None]:
    if session.config.option.collectonly or _only_deals_out(session.config):
        return (yield)
    with engines:
        return (yield)


def _only_deals_out(config: pytest.Config) -> bool:
    """Whether this process leaves the tests to others (`-n 2`), each with engines of its own."""
    return bool(config.getoption("numprocesses", None)) and not hasattr(config, "workerinput")


def pytest_unconfigure() -> None:
    while _held:
        _held.pop().close()


@pytest.fixture(scope="session")
def data_dir(request: pytest.FixtureRequest) -> Path:
    """The folder of reference data that the command line named."""
    folder: Path = request.config.getoption("--data")
    assert folder.is_dir(), f"--data {folder}: there is no such folder"
    return folder.resolve()
