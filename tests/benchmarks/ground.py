"""What benchmarks stand on: engines of their own whose PostgreSQL writes to disk, and Django."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
import psycopg
from psycopg import sql

from cityplatform.engines.cluster import Engines
from cityplatform.installation import ROOT, free_ports, take
from tests.benchmarks.measures import tell

FOLDER = ROOT / ".data" / "bench"


class Ground:
    """Running engines with an empty, migrated database."""

    def __init__(self, engines: Engines) -> None:
        self.engines = engines

    @property
    def postmaster(self) -> int:
        """The number of PostgreSQL's first process, parent of all others."""
        return int((self.engines.postgres.cluster / "postmaster.pid").read_text().split()[0])

    def superuser(self, database: str | None = None) -> psycopg.Connection:
        return self.engines.postgres.connect(
            self.engines.installation.passwords["database"],
            database or self.engines.installation.database,
        )

    def empty(self) -> None:
        """Take every row of our own tables out."""
        with self.superuser() as line:
            names = [
                row[0]
                for row in line.execute(
                    "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                    " AND tablename NOT IN ('django_migrations', 'django_content_type',"
                    " 'auth_permission')"
                )
            ]
            line.execute(
                sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(
                    sql.SQL(", ").join(map(sql.Identifier, names))
                )
            )

    def pgbench(self, *, clients: int, seconds: int, script: str = "") -> float:
        """Transactions a second of pgbench's TPC-B on this server, at scale 10.

        With a `script`, of that one instead, on the platform's own tables.
        """
        passwords = self.engines.installation.passwords
        with self.superuser("postgres") as line:
            known = line.execute("SELECT FROM pg_database WHERE datname = 'tpcb'").fetchone()
            if known is None:
                line.execute("CREATE DATABASE tpcb")
        env = {
            **os.environ,
            "PGHOST": str(self.engines.postgres.socket),
            "PGUSER": "city",
            "PGPASSWORD": passwords["database"],
            "PGDATABASE": "tpcb",
        }
        program = self.engines.postgres.programs / "bin" / "pgbench"

        def run(*words: str) -> str:
            done = subprocess.run(
                [program, *words], env=env, check=False, capture_output=True, text=True
            )
            if done.returncode:
                raise RuntimeError(done.stderr)
            return done.stdout

        if known is None:
            run("--initialize", "--scale=10", "--quiet")
        words = [f"--client={clients}", "--jobs=2", f"--time={seconds}", "--no-vacuum"]
        if script:
            file = FOLDER / "script.sql"
            file.write_text(script)
            env["PGDATABASE"] = self.engines.installation.database
            told = run(*words, "--protocol=prepared", f"--file={file}")
        else:
            told = run(*words)
        found = re.search(r"tps = ([\d.]+)", told)
        assert found, told
        return float(found[1])


@contextmanager
def ground() -> Iterator[Ground]:
    """Start the engines, bring the database up to date, and set Django up as the application."""
    with take(FOLDER):
        engines = Engines(FOLDER, mode="test", ports=free_ports(), durable=True)
        with engines:
            os.environ.update(engines.installation.environment())
            tell("the tables, brought up to date")
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "--verbosity=0"],
                check=True,
                cwd=ROOT,
                env={**os.environ, "DATABASE_ROLE": "owner"},
            )
            set_up()
            here = Ground(engines)
            here.empty()
            yield here


def set_up() -> None:
    """Make Django ready, in this process or one that it started."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "cityplatform.settings"
    django.setup()


def folder(name: str) -> Path:
    """A place for generated data that the next run finds again."""
    path = ROOT / ".data" / "bench-data" / name
    path.mkdir(parents=True, exist_ok=True)
    return path
