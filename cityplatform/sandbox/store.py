"""The sandbox's memory: one SQLite file, every request one transaction, on disk before answered."""

import fcntl
import json
import secrets
import sqlite3
import string
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cityplatform.sandbox.config import Refused
from cityplatform.sandbox.errors import Json

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    created INTEGER NOT NULL,
    due INTEGER,
    body TEXT NOT NULL,
    hidden TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (account, kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_due ON objects (due) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_customer
    ON objects (kind, json_extract(body, '$.customer'), seq);
CREATE INDEX IF NOT EXISTS objects_by_intent
    ON objects (kind, json_extract(body, '$.payment_intent'), seq);
CREATE INDEX IF NOT EXISTS objects_by_source
    ON objects (kind, json_extract(body, '$.source_transaction'));
CREATE INDEX IF NOT EXISTS objects_by_origin ON objects (kind, json_extract(body, '$.source'));
CREATE TABLE IF NOT EXISTS funds (
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    available_on INTEGER NOT NULL,
    net INTEGER NOT NULL,
    PRIMARY KEY (account, currency, available_on)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    request TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    asked INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL,
    status TEXT NOT NULL DEFAULT 'waiting',
    answer TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (next_at) WHERE status = 'waiting';
CREATE TABLE IF NOT EXISTS faults (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS clock (ahead INTEGER NOT NULL);
INSERT INTO clock SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM clock);
"""
ALPHABET = string.digits + string.ascii_letters


def new_id(prefix: str) -> str:
    """A fresh identifier such as `pi_3kA…`, never guessable."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(24))}"


class Store:
    """Objects with their public body and what only the bank knows of them.

    One connection, used by one thread: requests take turns, as accounts at a bank do.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.lock = (file.parent / f"{file.name}.lock").open("w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.lock.close()
            raise Refused(f"Another sandbox already keeps its state in {file.parent}.") from None
        self.db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.executescript(SCHEMA)
        if "asked" not in [row["name"] for row in self.db.execute("PRAGMA table_info(answers)")]:
            # A file of before keys were forgotten: they are as old as this day.
            self.db.execute("ALTER TABLE answers ADD COLUMN asked INTEGER NOT NULL DEFAULT 0")
            self.db.execute(
                "UPDATE answers SET asked = CAST(strftime('%s') AS INTEGER)"
                " + (SELECT ahead FROM clock)"
            )
        self.db.execute("CREATE INDEX IF NOT EXISTS answers_age ON answers (asked)")

    def close(self) -> None:
        self.db.close()
        self.lock.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and on disk when it ends."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def add(
        self,
        body: Json,
        *,
        account: str,
        due: int | None = None,
        hidden: Json | None = None,
        created: int | None = None,
    ) -> Json:
        """Keep a new object; its body carries `id` and `object`."""
        self.db.execute(
            "INSERT INTO objects (id, kind, account, created, due, body, hidden)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                body["id"],
                body["object"],
                account,
                body.get("created", created or 0),
                due,
                json.dumps(body),
                json.dumps(hidden or {}),
            ),
        )
        return body

    def save(self, body: Json) -> Json:
        """Keep the changed body of an object."""
        self.db.execute("UPDATE objects SET body = ? WHERE id = ?", (json.dumps(body), body["id"]))
        return body

    def set_due(self, identifier: str, due: int | None) -> None:
        """When the clock should look at this object again."""
        self.db.execute("UPDATE objects SET due = ? WHERE id = ?", (due, identifier))

    def hide(self, identifier: str, **facts: Any) -> None:
        """Remember what only the bank knows, such as how a test card behaves."""
        self.db.execute(
            "UPDATE objects SET hidden = json_patch(hidden, ?) WHERE id = ?",
            (json.dumps(facts), identifier),
        )

    def hidden(self, identifier: str) -> Json:
        row = self.db.execute("SELECT hidden FROM objects WHERE id = ?", (identifier,)).fetchone()
        return dict(json.loads(row["hidden"])) if row else {}

    def get(self, identifier: str, *, kind: str | None = None, account: str) -> Json | None:
        """The object, if it is of that kind and belongs to that account."""
        row = self.db.execute(
            "SELECT kind, body FROM objects WHERE id = ? AND account = ?", (identifier, account)
        ).fetchone()
        if row is None or (kind is not None and row["kind"] != kind):
            return None
        return dict(json.loads(row["body"]))

    def owner(self, identifier: str) -> str | None:
        """The account an object belongs to; an empty text is the platform."""
        row = self.db.execute("SELECT account FROM objects WHERE id = ?", (identifier,)).fetchone()
        return str(row["account"]) if row else None

    def drop(self, identifier: str) -> None:
        self.db.execute("DELETE FROM objects WHERE id = ?", (identifier,))

    def find(
        self,
        kind: str,
        *,
        account: str,
        where: Json | None = None,
        created: Json | None = None,
        after: str = "",
        before: str = "",
        limit: int = 10,
    ) -> tuple[list[Json], bool]:
        """Objects newest first, and whether there are more; `where` names fields of the body."""
        clauses, values = ["account = ?", "kind = ?"], [account, kind]
        for name, wanted in (where or {}).items():
            clauses.append(f"json_extract(body, '$.{name}') = ?")
            values.append(wanted)
        for sign, moment in (created or {}).items():
            clauses.append(f"created {SIGNS[sign]} ?")
            values.append(moment)
        order = "DESC"
        if after:
            clauses.append("seq < (SELECT seq FROM objects WHERE id = ?)")
            values.append(after)
        elif before:
            clauses.append("seq > (SELECT seq FROM objects WHERE id = ?)")
            values.append(before)
            order = "ASC"
        rows = self.db.execute(
            f"SELECT body FROM objects WHERE {' AND '.join(clauses)} ORDER BY seq {order} LIMIT ?",
            (*values, limit + 1),
        ).fetchall()
        found = [dict(json.loads(row["body"])) for row in rows[:limit]]
        return (found[::-1] if before else found), len(rows) > limit

    def total(self, kind: str, field: str, *, where: Json) -> int:
        """The sum of one field over objects of any account."""
        clauses = " AND ".join(f"json_extract(body, '$.{name}') = ?" for name in where)
        row = self.db.execute(
            f"SELECT coalesce(sum(json_extract(body, '$.{field}')), 0) FROM objects"
            f" WHERE kind = ? AND {clauses}",
            (kind, *where.values()),
        ).fetchone()
        return int(row[0])

    def due(self, now: int) -> list[tuple[str, Json]]:
        """Objects whose hour has come, with their account, earliest first."""
        rows = self.db.execute(
            "SELECT account, body FROM objects WHERE due <= ? ORDER BY due, seq LIMIT 500", (now,)
        ).fetchall()
        return [(row["account"], dict(json.loads(row["body"]))) for row in rows]

    def ahead(self) -> int:
        """How many seconds the sandbox's clock runs before the wall clock."""
        return int(self.db.execute("SELECT ahead FROM clock").fetchone()[0])

    def faults(self) -> dict[str, int]:
        """What is to go wrong with what is told, by the control endpoint's wish."""
        rows = self.db.execute("SELECT name, value FROM faults").fetchall()
        return {row["name"]: row["value"] for row in rows}

    def go_wrong(self, faults: dict[str, int]) -> None:
        """Have these things go wrong from now on, and no others."""
        self.db.execute("DELETE FROM faults")
        self.db.executemany("INSERT INTO faults VALUES (?, ?)", faults.items())

    def advance(self, seconds: int) -> None:
        self.db.execute("UPDATE clock SET ahead = ahead + ?", (seconds,))


SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
