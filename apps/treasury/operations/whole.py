"""A whole comparison: everything held against everything, what follows booked, and weighed."""

from datetime import datetime

from apps.kernel.actors import Actor
from apps.treasury.models import Run
from apps.treasury.operations import bank, booking, matching


def compare(*, by: Actor, at: datetime) -> Run:
    """Compare, book what only the others could know, and note what stands where after that.

    Each part is whole in itself: whoever dies in between leaves the rest to the next comparison.
    """
    run = matching.reconcile(by=by, at=at)
    booking.book_known(by=by, at=at)
    bank.book_arrived(by=by, at=at)
    matching.weigh(run_id=run.pk, at=at)
    run.refresh_from_db()
    return run
