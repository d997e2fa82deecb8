"""Where, when and whom a rule concerns."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property

from apps.regulation.rules.frozen import Frozen, Malformed

# The ends of a service by which a zone concerns it: where it begins, where it leads, where it is.
PICKUP, DROPOFF, AT = "pickup", "dropoff", "at"
ENDS = frozenset({PICKUP, DROPOFF, AT})
BEGINS = frozenset({PICKUP, AT})


@dataclass(frozen=True)
class Scope(Frozen):
    """Everything that is left empty concerns everybody, everywhere, always.

    `zones` are slugs of zones of the city, and `ends` which end of a service must lie in one.
    `weekdays` count from 0, a Monday.  A window of hours that passes midnight belongs to the
    weekday on which it began.  `season_from` and `season_to` are days of a year, "MM-DD", both
    included, and may pass the new year.  Clock and calendar are the city's.
    """

    verticals: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    ends: frozenset[str] = BEGINS
    weekdays: frozenset[int] = frozenset()
    hour_from: time | None = None
    hour_to: time | None = None
    season_from: str = ""
    season_to: str = ""
    providers: frozenset[int] = frozenset()
    classes: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.ends or not self.ends <= ENDS:
            raise Malformed("ends", f"are of {', '.join(sorted(ENDS))}")
        if not self.weekdays <= set(range(7)):
            raise Malformed("weekdays", "count from 0, a Monday, to 6")
        if (self.hour_from is None) != (self.hour_to is None):
            raise Malformed("hour_to", "stands together with hour_from")
        if self.hour_from is not None and self.hour_from == self.hour_to:
            raise Malformed("hour_to", "is not the hour at which it begins")
        if bool(self.season_from) != bool(self.season_to):
            raise Malformed("season_to", "stands together with season_from")
        for name in ("season_from", "season_to"):
            day = getattr(self, name)
            try:
                # A leap year, so that the 29th of February is a day.
                if day and f"{date.fromisoformat(f'2000-{day}'):%m-%d}" != day:
                    raise ValueError
            except ValueError:
                raise Malformed(name, "is a day of the year, written MM-DD") from None

    @cached_property
    def is_timeless(self) -> bool:
        return not (self.weekdays or self.hour_from or self.season_from)

    def concerns(
        self, *, now: datetime, provider_id: int, kind: str, zones: Mapping[str, Collection[str]]
    ) -> bool:
        """Say whether a case falls under it; the vertical is not asked again here.

        `now` is what the city's clock shows, and `zones` those in which each end lies.
        """
        if self.providers and provider_id not in self.providers:
            return False
        if self.classes and kind not in self.classes:
            return False
        if self.zones and not any(
            end in self.ends and not self.zones.isdisjoint(slugs) for end, slugs in zones.items()
        ):
            return False
        return self.is_timeless or self.is_on(now)

    def is_on(self, now: datetime) -> bool:
        """Say whether it holds at this hour of this day, by the city's clock."""
        day, clock = now, now.time()
        if self.hour_from is not None and self.hour_to is not None:
            if self.hour_from < self.hour_to:
                if not self.hour_from <= clock < self.hour_to:
                    return False
            elif clock < self.hour_to:
                day = now - timedelta(days=1)
            elif clock < self.hour_from:
                return False
        if self.weekdays and day.weekday() not in self.weekdays:
            return False
        if self.season_from:
            today = f"{day:%m-%d}"
            if self.season_from <= self.season_to:
                return self.season_from <= today <= self.season_to
            return today >= self.season_from or today <= self.season_to
        return True
