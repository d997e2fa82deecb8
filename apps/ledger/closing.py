"""Closing the books' days: what is closed is counted, sealed, and never added to."""

from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, Q, Sum

from apps.audit import merkle
from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.ledger import seals
from apps.ledger.models import Entry, Journal, Period

LEDGER = Actor.system("ledger")
# So long after its end a day stays open for what was on its way.
GRACE = timedelta(hours=1)
DAY = timedelta(days=1)


class TooEarly(Exception):
    """The day is not over yet, or an earlier one is still open."""


def close_due(*, at: datetime) -> list[Period]:
    """Close every day that has been over for an hour, each in a transaction of its own."""
    made = []
    while (day := next_day()) is not None and _closable_from(day) <= at:
        made.append(close_day(day=day, by=LEDGER, at=at))
    return made


def next_day() -> date | None:
    """The first day that is not closed; None before anything was booked."""
    if last := Period.objects.order_by("day").last():
        return last.day + DAY
    first = Journal.objects.order_by("booked_at").first()
    return first.booked_at.astimezone(UTC).date() if first else None


@transaction.atomic
def close_day(*, day: date, by: Actor, at: datetime) -> Period:
    """Count a day's journals and close it.  Closing it twice is harmless.

    Raises `TooEarly` within an hour of its end, and while an earlier day is open.
    """
    with connection.cursor() as cursor:
        # Whoever is booking on that day holds the same lock, shared, until the journal is there.
        cursor.execute("SELECT ledger_lock_day(%s, false)", [day])
    if closed := Period.objects.filter(day=day).first():
        return closed
    if at < _closable_from(day) or (next_day() or day) != day:
        raise TooEarly(day.isoformat())
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
    within = Q(booked_at__gte=begins, booked_at__lt=begins + DAY)
    of_day = Journal.objects.filter(within)
    lines = seals.WITH_ENTRIES.filter(within).order_by("pk").iterator(chunk_size=2_000)
    entries = Entry.objects.filter(journal__in=of_day)
    moved = entries.filter(amount_minor__gt=0).values_list("currency")
    period = Period.objects.create(
        day=day,
        journals=of_day.count(),
        entries=entries.aggregate(count=Count("pk"))["count"],
        moved={currency: int(total) for currency, total in moved.annotate(sum=Sum("amount_minor"))},
        merkle_root=merkle.root(merkle.leaf(seals.journal_bytes(line)) for line in lines).hex(),
        by=str(by),
        closed_at=at,
    )
    bus.publish("ledger.day_closed", by=by, at=at, day=day, journals=period.journals)
    return period


def _closable_from(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY + GRACE
