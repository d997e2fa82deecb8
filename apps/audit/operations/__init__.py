"""Audit: who did what, when, and through which door; and seals over logs that must not bend."""

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit.models import Record
from apps.audit.operations.looks import look
from apps.audit.operations.sealing import NotSealed, require_sealed, seal, seal_all
from apps.audit.seals import NoSuchStream, canonical, concern, names, register
from apps.bus import operations as bus
from apps.kernel.actors import Actor

__all__ = [
    "NoSuchStream",
    "NotSealed",
    "canonical",
    "concern",
    "keep",
    "look",
    "names",
    "register",
    "require_sealed",
    "seal",
    "seal_all",
]


@transaction.atomic
def keep(*, events: list[bus.Told]) -> None:
    """Put events on record, in one statement.  Keeping one twice is harmless."""
    Record.objects.bulk_create([_record(**told) for told in events], ignore_conflicts=True)


def _record(*, event: int, topic: str, by: Actor, at: datetime, source: str, **body: Any) -> Record:
    return Record(event=event, topic=topic, body=body, by=str(by), happened_at=at, source=source)
