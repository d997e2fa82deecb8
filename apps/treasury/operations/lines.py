"""What the gateway says of our money, kept line by line, each once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.payments.gateway import BalanceLine
from apps.treasury.models import GatewayLine, Mark

# A line may be seen late, or the two clocks differ: every reading begins this long before the
# end of the last one, and what is known already is not kept again.
OVERLAP = timedelta(days=1)
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

# What two tellings of one line must agree in.
FACTS = ("amount_minor", "fee_minor", "net_minor", "currency", "source")


class Contradicted(ValueError):
    """A line is known already, and says something else: `references` are those lines."""

    def __init__(self, references: Sequence[str]) -> None:
        super().__init__(", ".join(references[:5]))
        self.references = list(references)


def read_since() -> datetime:
    """From when on the gateway is asked for its lines."""
    mark = Mark.objects.filter(pk=1).first()
    return mark.read_to - OVERLAP if mark else BEGINNING


def newest() -> datetime:
    """When the newest line that we know was made; from then on some may be new."""
    lines = GatewayLine.objects.order_by("-created_at").values_list("created_at", flat=True)
    return lines.first() or BEGINNING


@transaction.atomic
def keep_lines(*, lines: Sequence[BalanceLine], by: Actor, at: datetime) -> int:
    """Keep the lines that are not known yet; return how many those were.

    All or none.  Raises `Contradicted` when a known line says another amount, fee or currency
    now, or one line comes twice and differs.
    """
    told: dict[str, BalanceLine] = {}
    bent = {
        line.reference
        for line in lines
        if any(
            getattr(told.setdefault(line.reference, line), fact) != getattr(line, fact)
            for fact in FACTS
        )
    }
    known = {one.reference: one for one in GatewayLine.objects.filter(reference__in=list(told))}
    bent |= {
        reference
        for reference, one in known.items()
        if any(getattr(one, fact) != getattr(told[reference], fact) for fact in FACTS)
    }
    if bent:
        raise Contradicted(sorted(bent))
    fresh = [
        GatewayLine(
            reference=one.reference,
            kind=one.kind,
            amount_minor=one.amount_minor,
            fee_minor=one.fee_minor,
            net_minor=one.net_minor,
            currency=one.currency,
            source=one.source,
            parent=one.parent,
            created_at=one.created_at,
            available_on=one.available_on,
            payload=one.payload,
            read_at=at,
        )
        for reference, one in told.items()
        if reference not in known
    ]
    # Whoever reads the same page at the same moment keeps it for both.
    GatewayLine.objects.bulk_create(fresh, batch_size=2000, ignore_conflicts=True)
    if fresh:
        bus.publish("treasury.lines_kept", by=by, at=at, lines=len(fresh))
    return len(fresh)


@transaction.atomic
def advance(*, held: dict[str, int], at: datetime) -> None:
    """Note that everything up to now was read, and what the gateway says that it holds.

    Told only after the last page: a reading that breaks off begins where it began.
    """
    Mark.objects.update_or_create(pk=1, defaults={"read_to": newest(), "read_at": at, "held": held})
