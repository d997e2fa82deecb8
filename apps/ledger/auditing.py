"""The books recomputed from their entries alone, by nothing that booked them.

Nothing here calls the code or the functions of the database that write.  What is kept beside the
entries (balances, rollups, counts of closed days, fingerprints) is computed anew and compared.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection, transaction

# As many findings of one kind are named; the rest is counted.
MOST = 20


@dataclass(frozen=True)
class Finding:
    """What does not agree: the kind, and what it was found in."""

    kind: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


CHECKS = {
    "a currency does not sum to zero": """
        SELECT currency || ' ' || sum(amount_minor) FROM ledger_entry
        GROUP BY currency HAVING sum(amount_minor) <> 0""",
    "a journal does not sum to zero": """
        SELECT journal.key || ' ' || wrong.currency || ' ' || wrong.minor FROM (
            SELECT journal_id, currency, sum(amount_minor) AS minor FROM ledger_entry
            GROUP BY journal_id, currency HAVING sum(amount_minor) <> 0
        ) AS wrong JOIN ledger_journal journal ON journal.id = wrong.journal_id""",
    "a journal has no entries": """
        SELECT key FROM ledger_journal journal
        WHERE NOT EXISTS (SELECT FROM ledger_entry WHERE journal_id = journal.id)""",
    "an entry is missing": """
        SELECT journal.key FROM (
            SELECT journal_id FROM ledger_entry GROUP BY journal_id HAVING max(seq) <> count(*)
        ) AS wrong JOIN ledger_journal journal ON journal.id = wrong.journal_id""",
    "an entry is not in the currency of its account": """
        SELECT entry.id::text FROM ledger_entry entry
        JOIN ledger_account account ON account.id = entry.account_id
        WHERE account.currency <> entry.currency""",
    "a balance is not what its entries sum to": """
        SELECT code || ' ' || currency FROM ledger_account account
        WHERE balance_minor <> (
            SELECT coalesce(sum(amount_minor), 0) FROM ledger_entry WHERE account_id = account.id
        )""",
    "a balance is beyond its limits": """
        SELECT code || ' ' || currency FROM ledger_account
        WHERE balance_minor < least_minor OR balance_minor > most_minor""",
    "a rollup is not what its entries sum to": """
        WITH due AS (
            SELECT account_id, sum(amount_minor) AS minor FROM ledger_entry
            WHERE tx < coalesce((SELECT tx FROM ledger_horizon WHERE id = 1), '0'::xid8)
            GROUP BY account_id
        )
        SELECT account.code || ' ' || account.currency
        FROM due FULL JOIN ledger_rollup rollup USING (account_id)
        JOIN ledger_account account ON account.id = account_id
        WHERE due.minor IS DISTINCT FROM rollup.balance_minor""",
    "a closed day does not hold what it was closed with": """
        SELECT period.day::text FROM ledger_period period LEFT JOIN (
            SELECT (journal.booked_at AT TIME ZONE 'UTC')::date AS day,
                count(DISTINCT journal.id) AS journals, count(*) AS entries
            FROM ledger_journal journal JOIN ledger_entry entry ON entry.journal_id = journal.id
            GROUP BY 1
        ) AS found USING (day)
        WHERE (period.journals, period.entries)
            <> (coalesce(found.journals, 0), coalesce(found.entries, 0))""",
    "a closed day did not move what it was closed with": """
        WITH found AS (
            SELECT (journal.booked_at AT TIME ZONE 'UTC')::date AS day, entry.currency,
                sum(entry.amount_minor) AS minor
            FROM ledger_journal journal JOIN ledger_entry entry ON entry.journal_id = journal.id
            WHERE entry.amount_minor > 0 GROUP BY 1, 2
        )
        SELECT period.day || ' ' || told.key FROM ledger_period period
        CROSS JOIN LATERAL jsonb_each_text(period.moved) AS told(key, value)
        LEFT JOIN found ON found.day = period.day AND found.currency = told.key
        WHERE told.value::bigint IS DISTINCT FROM found.minor""",
}

BODIES = """
    SELECT journal.key, journal.fingerprint, journal.kind, journal.about::text, entry.currency,
        account.code, entry.amount_minor
    FROM ledger_journal journal
    JOIN ledger_entry entry ON entry.journal_id = journal.id
    JOIN ledger_account account ON account.id = entry.account_id
    ORDER BY journal.id, entry.seq
"""


def audit() -> list[Finding]:
    """Everything in which the books do not agree with their own entries, as of one moment."""
    findings: list[Finding] = []
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            if outermost:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for kind, statement in CHECKS.items():
                cursor.execute(f"SELECT *, count(*) OVER () FROM ({statement}) found LIMIT {MOST}")
                findings += _told(kind, cursor.fetchall())
        findings += _told("a journal is not the one that was asked for", list(_other_bodies()))
    return findings


def _told(kind: str, found: list[Any]) -> Iterator[Finding]:
    for what, _ in found[:MOST]:
        yield Finding(kind, what)
    if found and found[0][1] > MOST:
        yield Finding(kind, f"and {found[0][1] - MOST} more")


def _other_bodies() -> Iterator[tuple[str, int]]:
    """Journals whose lines give another fingerprint than the one that was booked with them."""
    wrong = []
    with connection.chunked_cursor() as cursor:
        cursor.execute(BODIES)
        for (key, fingerprint, kind, about, currency), lines in groupby(
            cursor, key=itemgetter(0, 1, 2, 3, 4)
        ):
            body = [kind, about, currency, [[line[5], line[6]] for line in lines]]
            told = json.dumps(body, separators=(",", ":")).encode()
            if hashlib.sha256(told).hexdigest() != fingerprint:
                wrong.append(key)
    for key in wrong:
        yield key, len(wrong)
