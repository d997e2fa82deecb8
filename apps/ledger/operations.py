"""The books.  Money only ever moves: from some accounts to others, and never back in place."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import DatabaseError, transaction

from apps.kernel.actors import Actor
from apps.kernel.money import Money
from apps.ledger.models import Journal

# What the database's `ledger_post` raises when a key is used for something else.
KEY_REUSED = "LG409"

type Line = tuple[str, int]


class Unbalanced(ValueError):
    """The lines do not sum to zero, or there is nothing to book."""


class KeyReused(Exception):
    """This business key is booked already, and with another body."""


# No savepoint: it would cost two more round trips, and a journal that could not be booked
# takes everything that it was to go with along.
@transaction.atomic(savepoint=False)
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
    same body is booked once, and the journal of the first time returned.  Raises `Unbalanced`
    when the lines do not sum to zero and `KeyReused` when the key has another body.
    """
    Money(0, currency)  # an unknown currency is refused here
    lines = [(code, minor) for code, minor in lines if minor]
    if not lines or sum(minor for _, minor in lines) != 0:
        raise Unbalanced(f"{key}: {lines}")
    body = json.dumps([kind, about and str(about), currency, lines], separators=(",", ":"))
    try:
        return Journal.objects.raw(
            "SELECT id, key, kind, about, fingerprint, by, booked_at, tx"
            " FROM ledger_post(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                key,
                kind,
                about,
                hashlib.sha256(body.encode()).hexdigest(),
                str(by),
                at,
                [code for code, _ in lines],
                [minor for _, minor in lines],
                currency,
            ],
        )[0]
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) == KEY_REUSED:
            raise KeyReused(key) from error
        raise
