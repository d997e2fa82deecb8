"""The bank's statements: taken whole or not at all, each file and each line once, and matched."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.ledger import operations as ledger
from apps.ledger.operations import Posting
from apps.treasury.accounts import BANK, BANK_IN_TRANSIT, PAYOUTS
from apps.treasury.models import BankFile, BankLine, GatewayLine
from apps.treasury.statements import Told

# A payout is at the bank within this time after the gateway says that it is available.
ARRIVES = timedelta(days=7)
# Banks' and gateways' days differ by a time zone and a weekend.
EARLIER = timedelta(days=2)


class FileKnown(Exception):
    """This very file was handed in before."""


@transaction.atomic
def keep_bank_file(
    *, name: str, content: bytes, format: str, lines: Sequence[Told], by: Actor, at: datetime
) -> BankFile:
    """Keep a statement with its lines; what other files told already is not kept again.

    Raises `FileKnown`.
    """
    digest = hashlib.sha256(content).hexdigest()
    marks = _marks(lines)
    known = set(BankLine.objects.filter(mark__in=marks).values_list("mark", flat=True))
    file, is_new = BankFile.objects.get_or_create(
        digest=digest,
        defaults={
            "name": name[:200],
            "format": format,
            "lines_count": len(lines),
            "known_count": sum(mark in known for mark in marks),
            "by": str(by),
            "at": at,
        },
    )
    if not is_new:
        raise FileKnown(file.name)
    BankLine.objects.bulk_create(
        [
            BankLine(
                file=file,
                number=line.number,
                mark=mark,
                iban=line.iban[:50],
                reference=line.reference[:100],
                text=line.text[:500],
                amount_minor=line.amount_minor,
                currency=line.currency,
                booked_on=line.booked_on,
            )
            for line, mark in zip(lines, marks, strict=True)
            if mark not in known
        ],
        batch_size=2000,
        ignore_conflicts=True,
    )
    bus.publish("treasury.bank_file_kept", by=by, at=at, file=file.pk, lines=len(lines))
    return file


def _marks(lines: Sequence[Told]) -> list[str]:
    """What makes a line itself: all that it says, and the how many-th it is to say so."""
    seen: Counter[str] = Counter()
    marks = []
    for line in lines:
        says = "\x1f".join(
            [line.iban, line.reference, line.text, str(line.amount_minor), line.currency]
            + [line.booked_on.isoformat()]
        )
        seen[says] += 1
        marks.append(hashlib.sha256(f"{says}\x1f{seen[says]}".encode()).hexdigest())
    return marks


# By reference first; without one, by the sum within the days in which it arrives.
PAIRS = """
WITH pair AS (
    SELECT bank.id AS bank_id, line.id AS line_id,
        strpos(upper(bank.reference || ' ' || bank.text), upper(line.source)) > 0 AS is_named,
        bank.amount_minor = -line.amount_minor AS is_same,
        abs(bank.booked_on - line.available_on::date) AS days
    FROM treasury_bankline bank JOIN treasury_gatewayline line
        ON line.currency = bank.currency AND line.kind = ANY(%(payouts)s)
        AND bank.booked_on BETWEEN (line.created_at - %(earlier)s)::date
            AND (line.available_on + %(arrives)s)::date
    WHERE bank.line_id IS NULL AND line.source <> ''
        AND NOT EXISTS (SELECT FROM treasury_bankline other WHERE other.line_id = line.id)
        AND (bank.amount_minor = -line.amount_minor
            OR strpos(upper(bank.reference || ' ' || bank.text), upper(line.source)) > 0)
)
SELECT bank_id, line_id FROM pair
ORDER BY is_named DESC, is_same DESC, days, line_id, bank_id
"""


def match(*, since: datetime, at: datetime) -> list[dict[str, Any]]:
    """Match the bank's lines with the gateway's payouts; return what differs, as findings."""
    words: Any = {"payouts": list(PAYOUTS), "earlier": EARLIER, "arrives": ARRIVES}
    with connection.cursor() as cursor:
        cursor.execute(PAIRS, words)
        taken: dict[int, int] = {}
        lines: set[int] = set()
        for bank_id, line_id in cursor.fetchall():
            if bank_id not in taken and line_id not in lines:
                taken[bank_id] = line_id
                lines.add(line_id)
    found = list(BankLine.objects.filter(pk__in=taken))
    for one in found:
        one.line_id = taken[one.pk]
    BankLine.objects.bulk_update(found, ["line"], batch_size=1000)
    return [*_amounts(since), *_only_here(since), *_not_there(since, at)]


@transaction.atomic
def book_arrived(*, by: Actor, at: datetime) -> int:
    """Book what the bank says has arrived, or left.  Again it books nothing twice."""
    waiting = list(
        BankLine.objects.select_for_update(of=("self",))
        .filter(line__isnull=False, entered_at=None)
        .order_by("pk")[:1000]
    )
    count = ledger.post_many(
        [
            Posting(
                f"bank-line:{one.mark}",
                "bank_line",
                None,
                [(BANK, one.amount_minor), (BANK_IN_TRANSIT, -one.amount_minor)],
                one.currency,
            )
            for one in waiting
        ],
        by=by,
        at=at,
    )
    BankLine.objects.filter(pk__in=[one.pk for one in waiting]).update(entered_at=at)
    return count


def _moment(line: BankLine) -> datetime:
    return datetime.combine(line.booked_on, time(), UTC)


def _finding(kind: str, bank_line: BankLine | None, line: GatewayLine | None) -> dict[str, Any]:
    subject = f"bank:{bank_line.pk}" if bank_line else f"line:{line.reference if line else ''}"
    return {
        "kind": kind,
        "subject": subject,
        "line_id": line.pk if line else None,
        "journal_id": None,
        "bank_line_id": bank_line.pk if bank_line else None,
        "expected_minor": -line.amount_minor if line else None,
        "expected_currency": line.currency if line else "",
        "found_minor": bank_line.amount_minor if bank_line else None,
        "found_currency": bank_line.currency if bank_line else "",
        "happened_at": _moment(bank_line) if bank_line else line and line.created_at,
    }


def _amounts(since: datetime) -> list[dict[str, Any]]:
    matched = BankLine.objects.filter(booked_on__gte=since.date()).exclude(line=None)
    return [
        _finding("BANK_AMOUNT", one, one.line)
        for one in matched.select_related("line")
        if one.line and one.amount_minor != -one.line.amount_minor
    ]


def _only_here(since: datetime) -> list[dict[str, Any]]:
    alone = BankLine.objects.filter(booked_on__gte=since.date(), line=None)
    return [_finding("BANK_ONLY", one, None) for one in alone]


def _not_there(since: datetime, at: datetime) -> list[dict[str, Any]]:
    """Payouts that are not at the bank, as far as its statements reach."""
    newest = BankLine.objects.order_by("-booked_on").values_list("booked_on", flat=True).first()
    if newest is None:
        return []
    reaches = min(datetime.combine(newest, time(), UTC), at) - ARRIVES
    missing = GatewayLine.objects.filter(
        kind__in=PAYOUTS, created_at__gte=since, available_on__lte=reaches, bank_line=None
    )
    return [_finding("NOT_AT_BANK", None, one) for one in missing]
