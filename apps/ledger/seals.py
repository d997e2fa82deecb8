"""Journals are sealed, so that whoever bends the books behind the database's back is found out."""

from apps.audit import operations as audit
from apps.audit.seals import plain
from apps.ledger.models import Journal

STREAM = "ledger.journal"


def journal_bytes(journal: Journal) -> bytes:
    """A journal with all its entries, as it is sealed."""
    entries = sorted(journal.entries.all(), key=lambda entry: entry.seq)
    return plain(
        id=journal.pk,
        key=journal.key,
        kind=journal.kind,
        about=journal.about and str(journal.about),
        by=journal.by,
        booked_at=journal.booked_at.isoformat(),
        entries=[[entry.account.code, entry.amount_minor, entry.currency] for entry in entries],
    )


def register() -> None:
    audit.register(STREAM, Journal.objects.prefetch_related("entries__account"), journal_bytes)
