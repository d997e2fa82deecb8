"""A whole comparison: everything held against everything, what follows booked, and weighed."""

from datetime import datetime, timedelta

from apps.kernel.actors import Actor
from apps.treasury.models import Run
from apps.treasury.operations import bank, booking, matching

# What is compared every few minutes; all of `matching.WINDOW` is, once a night.
LATELY = timedelta(days=14)


def compare(*, by: Actor, at: datetime, is_whole: bool = False) -> Run:
    """Compare, book what only the others could know, and note what stands where after that.

    Each part is whole in itself: whoever dies in between leaves the rest to the next comparison.
    """
    run = matching.reconcile(by=by, at=at, since=None if is_whole else at - LATELY)
    booking.book_known(by=by, at=at)
    bank.book_arrived(by=by, at=at)
    matching.weigh(run_id=run.pk, at=at)
    run.refresh_from_db()
    return run
