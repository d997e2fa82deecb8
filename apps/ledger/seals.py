"""Journals are sealed, so that whoever bends the books behind the database's back is found out."""

from apps.audit import operations as audit
from apps.audit.seals import canonical
from apps.ledger.models import Journal, Period

STREAM = "ledger.journal"
PERIODS = "ledger.period"
WITH_ENTRIES = Journal.objects.prefetch_related("entries__account")


def journal_bytes(journal: Journal) -> bytes:
    """A journal with all its entries, as it is sealed."""
    entries = sorted(journal.entries.all(), key=lambda entry: entry.seq)
    return canonical(
        journal,
        "key",
        "kind",
        "about",
        "by",
        "booked_at",
        entries=[[entry.account.code, entry.amount_minor, entry.currency] for entry in entries],
    )


def period_bytes(period: Period) -> bytes:
    """A closed day, as it is sealed."""
    return canonical(
        period, "day", "journals", "entries", "moved", "merkle_root", "by", "closed_at"
    )


def register() -> None:
    audit.register(STREAM, WITH_ENTRIES, journal_bytes)
    audit.register(PERIODS, Period.objects.all(), period_bytes)
