"""A connection to PostgreSQL that does nothing but listen."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql


def parameters() -> dict[str, Any]:
    """How to connect to our database without Django: for whoever holds a connection for long."""
    ours = connection.get_connection_params()
    return {
        name: value for name, value in ours.items() if name not in ("context", "cursor_factory")
    }


@contextmanager
def listening(channel: str) -> Iterator[psycopg.Connection]:
    """Hear every NOTIFY on a channel from now on."""
    with psycopg.connect(**parameters(), autocommit=True) as line:
        line.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        yield line


def hear(line: psycopg.Connection, *, seconds: float) -> bool:
    """Wait until somebody calls, at most so long.  Return whether somebody did.

    Raises `psycopg.OperationalError` when the database has gone away.
    """
    return bool(list(line.notifies(timeout=seconds, stop_after=1)))
