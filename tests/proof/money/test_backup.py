"""D18: a dump of the database is one moment of the books, also while everybody books.

Restored beside the original it holds the same trial balance, byte for byte, and the books in it
add up.  (PITR is the operator's: the wheel has no archive to go back through.)
"""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from django.db import connection, connections
from psycopg import sql
from psycopg.conninfo import make_conninfo

from apps.kernel import clock
from apps.ledger import operations as ledger
from apps.ledger import queries as books
from apps.ledger.auditing import audit as recompute
from cityplatform.engines.postgres import binaries
from tests.factories import CITY

pytestmark = [
    pytest.mark.proof("--faults"),
    pytest.mark.django_db(transaction=True),
]
COPY = "city_copy"


def server(name: str) -> str:
    """How the tests' own role, the tables' owner, reaches a database."""
    there = connection.settings_dict
    return make_conninfo(
        host=there["HOST"], user=there["USER"], password=there["PASSWORD"], dbname=name
    )


def run(program: str, *words: str | Path) -> None:
    done = subprocess.run([binaries() / "bin" / program, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def dump(to: Path) -> None:
    # The schema `kept` is what the tests themselves put aside, not the city's.
    run(
        "pg_dump",
        "-Fc",
        "--exclude-schema=kept",
        "-f",
        to,
        "-d",
        server(connection.settings_dict["NAME"]),
    )


@contextmanager
def restored(file: Path) -> Iterator[None]:
    """Within, everything asks the restored copy."""
    here = connection.settings_dict
    original = here["NAME"]
    with psycopg.connect(server("postgres"), autocommit=True) as office:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(COPY))
        office.execute(drop)
        office.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(COPY)))
        try:
            run("pg_restore", "--exit-on-error", "-d", server(COPY), file)
            connections.close_all()
            here["NAME"] = COPY
            yield
        finally:
            connections.close_all()
            here["NAME"] = original
            office.execute(drop)


def trial() -> bytes:
    return json.dumps(books.trial_balance(), sort_keys=True).encode()


def post(key: str, minor: int) -> None:
    ledger.post(
        key=key,
        kind="test",
        about=None,
        lines=[("clearing:cards", minor), ("provider:1:payable", 1 - minor), ("platform:fees", -1)],
        currency="CLP",
        by=CITY,
        at=clock.now(),
    )


def test_what_is_restored_has_the_same_books_to_the_last_byte(tmp_path):
    for n in range(50):
        post(f"backup:{n}", 100 + n)
    before = trial()
    dump(tmp_path / "books.dump")
    post("after the dump", 7)
    with restored(tmp_path / "books.dump"):
        assert trial() == before
        assert recompute() == []
        post("life goes on in the copy", 9)
        assert recompute() == []
    assert trial() != before


def test_a_dump_in_the_middle_of_the_work_is_one_moment(tmp_path):
    """Four book all the while, and every journal is in the copy whole or not at all."""
    ledger.limit(code="platform:fees", currency="CLP", most_minor=0, by=CITY, at=clock.now())
    is_over, begun, numbers = threading.Event(), threading.Event(), count()

    def work() -> None:
        try:
            while not is_over.is_set():
                post(f"load:{next(numbers)}", 100)
                begun.set()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        assert begun.wait(60)
        dump(tmp_path / "load.dump")
    finally:
        is_over.set()
        for thread in threads:
            thread.join(60)
    everything = books.trial_balance()["CLP"]
    with restored(tmp_path / "load.dump"):
        there = books.trial_balance()["CLP"]
        assert recompute() == []
    journals = there["clearing:cards"] // 100
    assert 0 < journals < everything["clearing:cards"] // 100
    assert there == {
        "clearing:cards": 100 * journals,
        "provider:1:payable": -99 * journals,
        "platform:fees": -journals,
    }
