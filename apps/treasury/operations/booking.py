"""What only the gateway could know is booked as soon as it is known.

Its fee, that a transfer has left, a payout to the city's own bank: with these, `clearing:cards`
is what the gateway holds for us, to the unit.
"""

from datetime import datetime

from django.db import transaction

from apps.kernel.actors import Actor
from apps.ledger import operations as ledger
from apps.ledger.models import Journal
from apps.ledger.operations import Line, Posting
from apps.payments.operations import CLEARING
from apps.treasury.accounts import (
    BANK_IN_TRANSIT,
    CHARGES,
    DISPUTED,
    FEES,
    MOVES,
    PAYOUTS,
    TRANSFERS,
)
from apps.treasury.models import GatewayLine

BATCH = 1000


def book_known(*, by: Actor, at: datetime) -> int:
    """Book what the lines that are not booked yet say.  Return how many journals came of it.

    Batch by batch, each whole in itself; done again it books nothing twice.
    """
    booked, last = 0, 0
    while True:
        count, last = _book_batch(after=last, by=by, at=at)
        booked += count
        if not last:
            return booked


@transaction.atomic
def _book_batch(*, after: int, by: Actor, at: datetime) -> tuple[int, int]:
    lines = list(
        GatewayLine.objects.select_for_update(of=("self",))
        .select_related("journal")
        .filter(booked_at=None, pk__gt=after)
        .order_by("pk")[:BATCH]
    )
    if not lines:
        return 0, 0
    postings = {one.key: one for line in lines for one in postings_of(line)}
    # Somebody may have booked the fee with what it was for, such as a dispute.
    there = set(Journal.objects.filter(key__in=list(postings)).values_list("key", flat=True))
    fresh = [one for key, one in postings.items() if key not in there]
    count = ledger.post_many(fresh, by=by, at=at)
    done = [line.pk for line in lines if _is_whole(line)]
    GatewayLine.objects.filter(pk__in=done).update(booked_at=at)
    return count, lines[-1].pk


def _is_whole(line: GatewayLine) -> bool:
    """Whether nothing is left to book.  Transfers and disputes wait until we know them as ours."""
    return line.kind not in (*TRANSFERS, *DISPUTED) or line.journal_id is not None


def postings_of(line: GatewayLine) -> list[Posting]:
    """The journals that a line makes: the gateway's fee, and what moved without us."""
    # The fee of a dispute stands in the dispute's own journal.
    about = line.journal.about if line.journal else None

    def post(kind: str, lines: list[Line]) -> Posting:
        key = f"{kind.replace('_', '-')}:{line.reference}"
        return Posting(key, kind, about, lines, line.currency)

    made: list[Posting] = []
    fee = -line.net_minor if line.kind in CHARGES else line.fee_minor
    if fee and line.kind not in DISPUTED:
        made.append(post("gateway_fee", [(FEES, fee), (CLEARING, -fee)]))
    moved = line.amount_minor
    if moved and line.kind in PAYOUTS:
        made.append(post("gateway_payout", [(BANK_IN_TRANSIT, -moved), (CLEARING, moved)]))
    elif moved and line.kind in TRANSFERS and line.journal:
        made.append(post("gateway_transfer", [(MOVES["transfer"], -moved), (CLEARING, moved)]))
    return made
