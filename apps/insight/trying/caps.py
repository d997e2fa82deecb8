"""Caps counted in memory, in the order of time, as the draft would have counted them."""

import heapq
from datetime import datetime, timedelta

from apps.insight.trying.past import Ordered
from apps.regulation.rules import Cap, Per, Rule, Take


class Caps:
    """What a draft's cap has counted so far, and what is given back when."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, str, str], int] = {}
        self._back: list[tuple[datetime, str, str, str, int]] = []

    def take(self, takes: tuple[Take, ...], ordered: Ordered) -> bool:
        """Count all of it or nothing; False if a cap is full.

        What was called off is given back at that moment, as it was; what counts at once, when it
        ended.
        """
        self._give_back(ordered.placed_at)
        keys = [(take.subject, take.period, take.fact) for take in takes]
        for key, take in zip(keys, takes, strict=True):
            if self._used.get(key, 0) + take.amount > take.most:
                return False
        for key, take in zip(keys, takes, strict=True):
            self._used[key] = self._used.get(key, 0) + take.amount
            ends = ordered.is_cancelled or take.period == Per.NOW
            if ends and ordered.ended_at is not None:
                heapq.heappush(self._back, (ordered.ended_at, *key, take.amount))
        return True

    def _give_back(self, at: datetime) -> None:
        while self._back and self._back[0][0] <= at:
            _, *key, amount = heapq.heappop(self._back)
            self._used[key[0], key[1], key[2]] -= amount


# A ride may be ordered so long before the day on which it counts.
AHEAD = timedelta(days=7)


def counts_from(draft: Rule, since: datetime) -> datetime:
    """From which moment on a cap counts, for its first day, month or year to be whole.

    `since` is on the city's clock.
    """
    if not isinstance(draft.terms, Cap):
        return since
    midnight = since.replace(hour=0, minute=0, second=0, microsecond=0)
    first = {
        Per.DAY: midnight,
        Per.MONTH: midnight.replace(day=1),
        Per.YEAR: midnight.replace(month=1, day=1),
        Per.NOW: since,
    }
    return first[draft.terms.per] - AHEAD
