"""All lines held against all journals, by statements over whole tables: nothing goes one by one."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.payments.operations import CLEARING
from apps.treasury import queries
from apps.treasury.accounts import (
    BANK_PAYOUTS,
    CAPTURES,
    CHARGES,
    DISPUTED,
    FEES,
    FROM_LINES,
    OURS,
    PAYOUTS,
    REFUNDS,
    REFUNDS_FAILED,
    TRANSFERS,
)
from apps.treasury.models import GatewayLine, Mark, Run
from apps.treasury.operations import bank, differences

# What is younger than this on one side only may still be on its way to the other.
GRACE = timedelta(hours=1)
# Matched, but further apart than this: a line or a journal came late.
LATE = timedelta(days=3)
# So far back a whole run looks; what is older has ended one way or the other.
WINDOW = timedelta(days=120)

# Which journal a line stands for.
CLAIMS = """
claim AS (
    SELECT line.id, line.created_at, line.reference, 'capture:' || payment.holder AS key
    FROM treasury_gatewayline line
    JOIN payments_payment payment
        ON payment.reference = line.parent AND payment.method = 'CARD'
    WHERE line.journal_id IS NULL AND line.kind = ANY(%(captures)s) AND line.parent <> ''
    UNION ALL
    SELECT line.id, line.created_at, line.reference, 'refund:' || attempt.key
    FROM treasury_gatewayline line
    JOIN payments_attempt attempt
        ON attempt.reference = line.source AND attempt.kind = 'REFUND'
    WHERE line.journal_id IS NULL AND line.kind = ANY(%(refunds)s) AND line.source <> ''
    UNION ALL
    SELECT line.id, line.created_at, line.reference, 'transfer:' || transfer.holder
    FROM treasury_gatewayline line
    JOIN payments_transfer transfer ON transfer.reference = line.source
    WHERE line.journal_id IS NULL AND line.kind = ANY(%(transfers)s) AND line.source <> ''
    UNION ALL
    SELECT line.id, line.created_at, line.reference, 'refund-failed:' || attempt.key
    FROM treasury_gatewayline line
    JOIN payments_attempt attempt
        ON attempt.reference = line.source AND attempt.kind = 'REFUND'
    WHERE line.journal_id IS NULL AND line.kind = ANY(%(refunds_failed)s) AND line.source <> ''
    UNION ALL
    -- The journal of a dispute is about the very line, and its fee stands in it, too.
    SELECT line.id, line.created_at, line.reference, 'dispute-moved:' || line.reference
    FROM treasury_gatewayline line
    WHERE line.journal_id IS NULL AND line.kind = ANY(%(disputed)s)
)
"""

# The oldest of the lines that stand for a journal has it; the others are once too often.
LINK = f"""
WITH {CLAIMS}, best AS (
    SELECT DISTINCT ON (journal.id) claim.id, journal.id AS journal_id
    FROM claim JOIN ledger_journal journal ON journal.key = claim.key
    WHERE NOT EXISTS (
        SELECT FROM treasury_gatewayline other WHERE other.journal_id = journal.id
    )
    ORDER BY journal.id, claim.created_at, claim.reference
)
UPDATE treasury_gatewayline line SET journal_id = best.journal_id
FROM best WHERE best.id = line.id
"""

# What each journal says of the money at the gateway.
BOOKS = """
books AS MATERIALIZED (
    SELECT journal.id, journal.key, journal.booked_at, entry.currency,
        sum(entry.amount_minor)::bigint AS minor
    FROM ledger_entry entry JOIN ledger_journal journal ON journal.id = entry.journal_id
    WHERE (entry.account_id = ANY(%(clearing)s) AND journal.kind <> ALL(%(from_lines)s)
        OR entry.account_id = ANY(%(transfer_accounts)s) AND journal.kind = 'transfer')
        AND journal.booked_at >= %(since)s - %(late)s
    GROUP BY journal.id, journal.key, journal.booked_at, entry.currency
),
fee AS MATERIALIZED (
    SELECT substr(journal.key, length('gateway-fee:') + 1) AS reference,
        sum(entry.amount_minor)::bigint AS minor
    FROM ledger_entry entry JOIN ledger_journal journal ON journal.id = entry.journal_id
    WHERE entry.account_id = ANY(%(fees)s) AND journal.kind = 'gateway_fee'
        AND journal.booked_at >= %(since)s - %(late)s
    GROUP BY journal.key
)
"""

# One row for each difference; a line has one kind, the first that fits.
COMPARE = f"""
WITH {CLAIMS}, {BOOKS}, compared AS (
    SELECT line.id, line.reference, line.created_at, line.amount_minor, line.currency,
        moved.minor AS moved_minor,
        books.id AS journal_id, books.minor, books.currency AS booked_currency,
        line.fee_minor, fee.minor AS fee_booked,
        CASE
            WHEN books.currency <> line.currency THEN 'CURRENCY'
            WHEN books.minor <> moved.minor THEN 'AMOUNT'
            WHEN fee.minor <> line.fee_minor
                OR line.net_minor <> line.amount_minor - line.fee_minor THEN 'FEE'
            WHEN abs(extract(epoch FROM line.created_at - books.booked_at))
                > extract(epoch FROM %(late)s) THEN 'LATE'
        END AS kind
    FROM treasury_gatewayline line JOIN books ON books.id = line.journal_id
    CROSS JOIN LATERAL (SELECT CASE WHEN line.kind = ANY(%(disputed)s) THEN line.net_minor
        ELSE line.amount_minor END AS minor) moved
    LEFT JOIN fee ON fee.reference = line.reference
    WHERE line.created_at >= %(since)s
)
SELECT kind, 'line:' || reference, id, journal_id,
    CASE WHEN kind = 'FEE' THEN coalesce(fee_booked, amount_minor - fee_minor) ELSE minor END,
    booked_currency,
    CASE WHEN kind = 'FEE' THEN fee_minor ELSE moved_minor END, currency, created_at
FROM compared WHERE kind IS NOT NULL
UNION ALL
SELECT CASE WHEN journal.id IS NULL THEN 'NOT_BOOKED' ELSE 'DUPLICATE' END,
    'line:' || line.reference, line.id, journal.id, NULL, '', line.amount_minor, line.currency,
    line.created_at
FROM treasury_gatewayline line
LEFT JOIN claim ON claim.id = line.id
LEFT JOIN ledger_journal journal ON journal.key = claim.key
WHERE line.journal_id IS NULL AND line.kind <> ALL(%(alone)s)
    AND line.created_at >= %(since)s AND line.created_at <= %(settled)s
UNION ALL
SELECT 'NOT_AT_GATEWAY', 'journal:' || books.key, NULL, books.id, books.minor, books.currency,
    NULL, '', books.booked_at
FROM books
LEFT JOIN treasury_gatewayline line ON line.journal_id = books.id
WHERE line.id IS NULL AND books.booked_at BETWEEN %(since)s AND %(read_to)s
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference as a run found it: the books expected, the other side says found."""

    kind: str
    subject: str
    line_id: int | None
    journal_id: int | None
    expected_minor: int | None
    expected_currency: str
    found_minor: int | None
    found_currency: str
    happened_at: datetime
    bank_line_id: int | None = None


@transaction.atomic
def reconcile(*, by: Actor, at: datetime, since: datetime | None = None) -> Run:
    """Compare everything since a moment, and keep what differs as work for officers.

    A difference that is still there stays as it is, one that is there again is opened again, and
    one that is not there any more ends by itself.  Runs one after the other.
    """
    began = time.monotonic()
    since = since or at - WINDOW
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('treasury.reconcile'))")
        words = _words(since, at)
        cursor.execute(LINK, words)
        cursor.execute(COMPARE, words)
        found = [Finding(*row) for row in cursor.fetchall()]
    found += [Finding(**facts) for facts in bank.match(since=since, at=at)]
    lines = GatewayLine.objects.filter(created_at__gte=since)
    counts = differences.keep(found, since=since, by=by, at=at)
    lines_count = lines.count()
    run = Run.objects.create(
        since=since,
        began_at=at,
        lines=lines_count,
        matched=lines_count - lines.filter(journal=None).exclude(kind__in=_ALONE).count(),
        differences=counts,
        by=str(by),
    )
    run.took_ms = round((time.monotonic() - began) * 1000)
    run.save(update_fields=["took_ms"])
    bus.publish("treasury.reconciled", by=by, at=at, run=run.pk, differences=counts)
    return run


_ALONE = (*PAYOUTS, *CHARGES)


def weigh(*, run_id: int, at: datetime) -> None:
    """Keep with a run what stands where now that what the lines say is booked."""
    Run.objects.filter(pk=run_id).update(
        held=held(at), ageing=[[one.code, one.currency, *one.sums] for one in queries.ageing(at)]
    )


# What is on one side only, and so young that it may be on its way to the other.
WAITING = """
SELECT currency, sum(minor)::bigint FROM (
    SELECT entry.currency, entry.amount_minor AS minor
    FROM ledger_journal journal
    JOIN ledger_entry entry ON entry.journal_id = journal.id
    LEFT JOIN treasury_gatewayline line ON line.journal_id = journal.id
    WHERE journal.booked_at > %(settled)s AND journal.kind <> ALL(%(from_lines)s)
        AND entry.account_id = ANY(%(clearing)s) AND line.id IS NULL
    UNION ALL
    SELECT line.currency,
        CASE WHEN line.kind = ANY(%(disputed)s) THEN -line.net_minor ELSE -line.amount_minor END
    FROM treasury_gatewayline line
    WHERE line.created_at > %(settled)s AND line.journal_id IS NULL
        AND line.kind <> ALL(%(alone)s)
) young GROUP BY currency
"""


def held(at: datetime) -> dict[str, dict[str, int]]:
    """What the books, the lines and the gateway itself say that it holds, by currency.

    `waiting` is what the books have more than the lines only because it has just happened.
    """
    said: dict[str, dict[str, int]] = {}
    words = _words(at, at)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT currency, 'books', sum(ledger_balance(code, currency))::bigint"
            " FROM ledger_account WHERE code = %s GROUP BY currency"
            " UNION ALL SELECT currency, 'lines', sum(net_minor)::bigint"
            " FROM treasury_gatewayline GROUP BY currency",
            [CLEARING],
        )
        for currency, who, minor in cursor.fetchall():
            said.setdefault(currency, {})[who] = int(minor)
        cursor.execute(WAITING, words)
        for currency, minor in cursor.fetchall():
            said.setdefault(currency, {})["waiting"] = int(minor)
    mark = Mark.objects.filter(pk=1).first()
    for currency, minor in (mark.held if mark else {}).items():
        said.setdefault(currency, {})["gateway"] = minor
    return said


def _words(since: datetime, at: datetime) -> dict[str, Any]:
    """What the statements are told: accounts by their numbers, which never change."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT code, array_agg(id) FROM ledger_account WHERE code = ANY(%s) GROUP BY code",
            [[CLEARING, BANK_PAYOUTS, FEES]],
        )
        accounts: dict[str, list[int]] = dict(cursor.fetchall())
    mark = Mark.objects.filter(pk=1).first()
    # A journal can be missed only where the gateway has been read since.
    read_to = min(mark.read_at, at) - GRACE if mark else datetime(1970, 1, 2, tzinfo=UTC)
    return {
        "captures": list(CAPTURES),
        "refunds": list(REFUNDS),
        "refunds_failed": list(REFUNDS_FAILED),
        "transfers": list(TRANSFERS),
        "disputed": list(DISPUTED),
        "ours": list(OURS),
        "alone": list(_ALONE),
        "from_lines": list(FROM_LINES),
        "clearing": accounts.get(CLEARING, []),
        "transfer_accounts": accounts.get(BANK_PAYOUTS, []),
        "fees": accounts.get(FEES, []),
        "since": since,
        "late": LATE,
        "settled": at - GRACE,
        "read_to": read_to,
    }
