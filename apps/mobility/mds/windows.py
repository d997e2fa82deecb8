"""Hours of the week, as MDS writes them: begin and end within one day, days by name."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time
from typing import Any, Self

from apps.regulation.rules import Hours, Scope

DAY = 24 * 3600
EVERY_DAY = frozenset(range(7))
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Window:
    """From a second of the day up to another, not included, on these weekdays (0 is a Monday)."""

    days: frozenset[int] = EVERY_DAY
    begins: int = 0
    ends: int = DAY

    @classmethod
    def read(cls, rule: dict[str, Any]) -> Self:
        """As a rule of MDS states it.  Raises `ValueError` for what is no window."""
        named = rule.get("days") or NAMES
        if not set(named) <= set(NAMES):
            raise ValueError(f"{named} are no days")
        begins, last = _read(rule.get("start_time")) or 0, _read(rule.get("end_time"))
        # The last second is included; but whoever writes a whole minute means up to it.
        ends = DAY if last is None else last + (last % 60 == 59)
        if begins >= ends:
            raise ValueError("a window that passes midnight is two rules")
        if begins % 60 or ends % 60:
            raise ValueError("our windows begin and end with a minute")
        return cls(frozenset(NAMES.index(name) for name in named), begins, ends)

    def told(self) -> dict[str, Any]:
        """As a rule of MDS states it: the last second is included, what is always is left out."""
        told: dict[str, Any] = {}
        if (self.begins, self.ends) != (0, DAY):
            told = {"start_time": _written(self.begins), "end_time": _written(self.ends - 1)}
        if self.days != EVERY_DAY:
            told["days"] = [NAMES[day] for day in sorted(self.days)]
        return told

    def scope(self) -> dict[str, Any]:
        """As the scope of a policy keeps it."""
        kept: dict[str, Any] = {}
        if self.days != EVERY_DAY:
            kept["weekdays"] = sorted(self.days)
        if (self.begins, self.ends) != (0, DAY):
            kept["hour_from"] = _written(self.begins)[:5]
            kept["hour_to"] = _written(self.ends % DAY)[:5]
        return kept

    def meets(self, other: Self) -> Self | None:
        """The time that two windows share."""
        days = self.days & other.days
        begins, ends = max(self.begins, other.begins), min(self.ends, other.ends)
        return type(self)(days, begins, ends) if days and begins < ends else None


def of_scope(scope: Scope) -> list[Window]:
    """When a rule holds.  Hours that pass midnight belong to the day on which they begin."""
    days = scope.weekdays or EVERY_DAY
    if scope.hour_from is None or scope.hour_to is None:
        return [Window(days)]
    begins, ends = _seconds(scope.hour_from), _seconds(scope.hour_to)
    if begins < ends:
        return [Window(days, begins, ends)]
    after = Window(frozenset((day + 1) % 7 for day in days), 0, ends)
    return [Window(days, begins, DAY), *([after] if ends else [])]


def closed(hours: Hours) -> list[Window]:
    """When it is not open."""
    opens, closes = _seconds(hours.opens), _seconds(hours.closes)
    parts = [(closes, opens)] if closes < opens else [(0, opens), (closes, DAY)]
    return [Window(begins=begins, ends=ends) for begins, ends in parts if begins < ends]


def shared(ones: Iterable[Window], others: Iterable[Window]) -> list[Window]:
    """The time that is in some window of each."""
    others = list(others)
    return [both for one in ones for other in others if (both := one.meets(other))]


def _seconds(clock: time) -> int:
    return clock.hour * 3600 + clock.minute * 60 + clock.second


def _written(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def _read(clock: str | None) -> int | None:
    return None if clock is None else _seconds(time.fromisoformat(clock))
