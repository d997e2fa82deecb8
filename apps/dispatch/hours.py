"""How long somebody may still work, when so much within a day is the most.  Pure: no table."""

from collections.abc import Sequence
from datetime import datetime, timedelta

DAY = timedelta(days=1)

type Stretch = tuple[datetime, datetime]


def worked(stretches: Sequence[Stretch], at: datetime) -> timedelta:
    """How much of these lies in the 24 hours before a moment."""
    parts = (min(end, at) - max(begin, at - DAY) for begin, end in stretches)
    return sum((part for part in parts if part > timedelta()), timedelta())


def time_left(stretches: Sequence[Stretch], most: timedelta, at: datetime) -> timedelta | None:
    """How long one may work from now on without a stop; None when the most is never reached.

    What was worked a day ago falls out of the count while one goes on, so that the time left is
    not only what is missing now.
    """
    if worked(stretches, at) >= most:
        return timedelta()
    past = [one for one in stretches if one[0] < at]
    # Between these the sum grows as the clock does, or, while an old stretch falls out, stays.
    turns = sorted({moment + DAY for one in past for moment in one if moment + DAY > at})
    now = at
    for turn in [*turns, at + DAY]:
        if turn > at + DAY:
            turn = at + DAY
        before = worked([*past, (at, now)], now)
        after = worked([*past, (at, turn)], turn)
        if after >= most:
            return now - at + (most - before)
        now = turn
    return None
