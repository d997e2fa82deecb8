"""What of waiting the dispatch log can tell, and no more.

How long others wait changes when drivers are free who were not, and nobody can read from a log
how near they would have been.  Three things can be read: how long those waited who would still
ride; how long drivers were bound by rides that would not be; and which rides that found nobody
were asked for while such a driver was bound in the same district, which is the most that could
have found one.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.insight.day import Waits
from apps.insight.trying.past import Ordered


@dataclass(slots=True)
class Waiting:
    """Waits and bound drivers of one district, or of the city."""

    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    bound: list[tuple[datetime, datetime]] = field(default_factory=list)
    unserved: list[datetime] = field(default_factory=list)

    def add(self, ordered: Ordered, is_refused: bool) -> None:
        """Count one order, as it was and as it would have been."""
        if ordered.waited is not None:
            self.before.append(ordered.waited)
            if not is_refused:
                self.after.append(ordered.waited)
        if is_refused and ordered.assigned_at and ordered.released_at:
            self.bound.append((ordered.assigned_at, ordered.released_at))
        if ordered.is_unserved and not is_refused:
            self.unserved.append(ordered.moment(ordered.placed_at))

    @property
    def freed_seconds(self) -> int:
        """How long drivers were bound by rides that would not have been."""
        return round(sum((until - since).total_seconds() for since, until in self.bound))

    @property
    def might_be_served(self) -> int:
        """How many rides that found nobody were asked for while such a driver was bound."""
        bound = sorted(self.bound)
        begins = [since for since, _ in bound]
        # The latest end of all that began so far.
        ends: list[datetime] = []
        for _, until in bound:
            ends.append(max(until, ends[-1]) if ends else until)
        found = 0
        for asked in self.unserved:
            place = bisect_right(begins, asked)
            found += bool(place and ends[place - 1] > asked)
        return found

    def told(self) -> dict[str, Any]:
        """As the result keeps it."""
        return {
            "before": _told(self.before),
            "after": _told(self.after),
            "freed_seconds": self.freed_seconds,
            "unserved": len(self.unserved),
            "might_be_served": self.might_be_served,
        }


def _told(seconds: list[float]) -> dict[str, int | None]:
    waits = Waits.of(seconds)
    return {
        "count": waits.count,
        "median": None if waits.median is None else round(waits.median),
        "p90": None if waits.p90 is None else round(waits.p90),
    }
