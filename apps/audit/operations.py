"""Audit: who did what, when, and through which door."""

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit.models import Record
from apps.kernel.actors import Actor


@transaction.atomic
def keep(
    *, event: int, topic: str, body: dict[str, Any], by: Actor, at: datetime, source: str
) -> None:
    """Put an event on record.  Keeping it twice is harmless."""
    record = Record(event=event, topic=topic, body=body, by=str(by), happened_at=at, source=source)
    Record.objects.bulk_create([record], ignore_conflicts=True)
