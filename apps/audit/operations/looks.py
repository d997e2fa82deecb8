"""Who looks at what the city knows of a person leaves a line that the person sees."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.audit.models import Look
from apps.audit.operations.sealing import require_sealed
from apps.bus import operations as bus
from apps.kernel.actors import Actor


@transaction.atomic
def look(
    *,
    people: Iterable[int],
    what: str,
    row: str,
    why: str,
    inspection: UUID | None = None,
    by: Actor,
    at: datetime,
) -> list[Look]:
    """Note that somebody looks at a row about these people, before they see it.

    `what` names the kind of row, like `orders.order`.  Nobody is told of looking at themselves.
    Each look is a line of its own, also of the same person at the same row.  `inspection` is the
    reference of the one of these people in which it was seen, if any.  Raises `NotSealed` while
    nothing has been sealed for hours: what could not be proven is not shown.
    """
    require_sealed(at=at)
    others = sorted({person for person in people if str(person) != by.id})
    made = Look.objects.bulk_create(
        Look(
            person=person,
            by=str(by),
            what=what,
            row=row,
            why=why.strip()[:200],
            looked_at=at,
            inspection=inspection,
            source=bus.source.get(),
        )
        for person in others
    )
    if made:
        bus.publish("audit.looked", by=by, at=at, people=others, what=what, row=row)
    return made
