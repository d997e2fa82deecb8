"""Who may look at where somebody was driven, and when it is forgotten."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.bus import operations as bus
from apps.dispatch.models import Trace
from apps.dispatch.queries import trail_of
from apps.kernel.actors import Actor

# As many rows as one statement deletes: a transaction that is over in a moment.
FORGOTTEN_AT_ONCE = 5_000


@transaction.atomic
def open_trail(*, holder: UUID, reason: str, by: Actor, at: datetime) -> list[Trace]:
    """Show an officer where a job went.  That they looked, and why, stays on record every time."""
    bus.publish("dispatch.trail_opened", by=by, at=at, holder=str(holder), reason=reason)
    return trail_of(holder)


def forget_trails(*, city_id: int, before: datetime, but: Collection[UUID] = ()) -> int:
    """Delete what a city's cars left behind before a moment.  Return how many traces went.

    `but` names the jobs that somebody still looks into.  Twice is harmless.
    """
    old = Trace.objects.filter(job__city=city_id, seen_at__lt=before).exclude(
        job__holder__in=list(but)
    )
    gone = 0
    while batch := list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]):
        gone += Trace.objects.filter(pk__in=batch).delete()[0]
    return gone
