"""The books.  Money only ever moves: from some accounts to others, and never back in place."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, IntegrityError, connection, transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.kernel.money import Money
from apps.ledger.models import Journal

# What the database's `ledger_post` raises when a key is used for something else.
KEY_REUSED = "LG409"
WITHIN_LIMITS = "ledger_account_within_limits"

FIELDS = ("id", "key", "kind", "about", "fingerprint", "by", "booked_at", "tx")

type Line = tuple[str, int]


class Unbalanced(ValueError):
    """The lines do not sum to zero, or there is nothing to book."""


class KeyReused(Exception):
    """This business key is booked already, and with another body."""


class BeyondLimit(Exception):
    """An account would fall below, or rise above, what it may."""


@dataclass(frozen=True)
class Posting:
    """What a journal is to be: a business key, what it is about, and lines that sum to zero.

    A line is an account's code and minor units of the currency, debit +, credit −.  Raises
    `Unbalanced`, and `ValueError` for a currency that nobody knows.
    """

    key: str
    kind: str
    about: UUID | None
    lines: Sequence[Line]
    currency: str

    def __post_init__(self) -> None:
        Money(0, self.currency)  # an unknown currency is refused here
        lines = [(code, minor) for code, minor in self.lines if minor]
        if not lines or sum(minor for _, minor in lines) != 0:
            raise Unbalanced(f"{self.key}: {lines}")
        object.__setattr__(self, "lines", lines)

    @property
    def fingerprint(self) -> str:
        """Of the body: another one under the same key is a mistake, the same one a repetition."""
        about = self.about and str(self.about)
        body = json.dumps([self.kind, about, self.currency, self.lines], separators=(",", ":"))
        return hashlib.sha256(body.encode()).hexdigest()


def post(
    *,
    key: str,
    kind: str,
    about: UUID | None,
    lines: Sequence[Line],
    currency: str,
    by: Actor,
    at: datetime,
) -> Journal:
    """Book one business fact: lines of an account's code and minor units, debit +, credit −.

    Accounts are opened when first used; lines of nothing are left out.  The same key with the
    same body is booked once, and the journal of the first time returned.  One statement, whole in
    itself: in a transaction or without.  Raises `Unbalanced` when the lines do not sum to zero,
    `KeyReused` when the key has another body and `BeyondLimit`; what a journal that could not be
    booked was to go with goes with it.
    """
    one = Posting(key, kind, about, lines, currency)
    with _refusals(key), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(FIELDS)}"
            " FROM ledger_post(%s, %s, %s, %s, %s, %s, %s, %s::bigint[], %s, %s, %s::text[])",
            [
                *(key, kind, about, one.fingerprint, str(by), at),
                [code for code, _ in one.lines],
                [minor for _, minor in one.lines],
                *(currency, bus.source.get(), bus.listeners("ledger.booked")),
            ],
        )
        journal = Journal.from_db(connection.alias, FIELDS, cursor.fetchone())
    bus.wake_after_commit()
    return journal


def post_many(postings: Sequence[Posting], *, by: Actor, at: datetime) -> int:
    """Book up to a few thousand journals in one round trip.  Return how many were not there yet.

    All or none.  Raises as `post`; `ValueError` when a key comes twice.
    """
    if not postings:
        return 0
    if len({one.key for one in postings}) < len(postings):
        raise ValueError("a key comes twice in one batch")
    lines = [
        (number, seq, code, minor, one.currency)
        for number, one in enumerate(postings, 1)
        for seq, (code, minor) in enumerate(one.lines, 1)
    ]
    with _refusals(f"{len(postings)} journals"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT ledger_post_many(%s::text[], %s::text[], %s::uuid[], %s::text[], %s, %s,"
            " %s::int[], %s::int[], %s::text[], %s::bigint[], %s::text[], %s, %s::text[])",
            [
                [one.key for one in postings],
                [one.kind for one in postings],
                [one.about for one in postings],
                [one.fingerprint for one in postings],
                *(str(by), at),
                *map(list, zip(*lines, strict=True)),
                *(bus.source.get(), bus.listeners("ledger.batch_booked")),
            ],
        )
        booked = int(cursor.fetchone()[0])
    bus.wake_after_commit()
    return booked


@transaction.atomic
def limit(
    *,
    code: str,
    currency: str,
    least_minor: int | None = None,
    most_minor: int | None = None,
    by: Actor,
    at: datetime,
) -> None:
    """Let the database hold an account's balance between two sums; None is no limit on that side.

    For money that must not be spent twice, such as vouchers and budgets.  Whoever books on an
    account with limits waits for whoever did so before; without limits nobody waits.  Raises
    `BeyondLimit` when the balance is not between them now.
    """
    Money(0, currency)
    with _refusals(code), connection.cursor() as cursor:
        cursor.execute(
            "SELECT ledger_limit(%s, %s, %s::bigint, %s::bigint, %s)",
            [code, currency, least_minor, most_minor, at],
        )
    bus.publish(
        "ledger.limited",
        by=by,
        at=at,
        account=code,
        currency=currency,
        least_minor=least_minor,
        most_minor=most_minor,
    )


@transaction.atomic
def roll_up() -> int:
    """Sum the entries of all transactions that are over.  Return how many accounts had any."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_roll_up()")
        return int(cursor.fetchone()[0])


@contextmanager
def _refusals(what: str) -> Iterator[None]:
    """What the database refuses, said in our words."""
    try:
        yield
    except DatabaseError as error:
        cause: Any = error.__cause__
        if getattr(cause, "sqlstate", None) == KEY_REUSED:
            raise KeyReused(cause.diag.message_primary) from error
        if isinstance(error, IntegrityError) and cause.diag.constraint_name == WITHIN_LIMITS:
            raise BeyondLimit(what) from error
        raise
