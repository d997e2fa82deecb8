"""The figures of a day of rides, made from rows alone: no database, no clock, always the same.

No figure is about fewer than `k` people.  Where one is not told, others of its line may not be told
either, so that the difference to the sum of the line tells it no more than the figure would have.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from statistics import median

from apps.insight.rows import Asked, OnLine, Paid, Rows

K = 3
# What stands where a figure would be about too few, as the specification has it.
HIDDEN = -1
# What a table is divided by; a zone "" is outside of every district.
type Key = tuple[str | int, ...]
ZONE, HOUR = "zone", "hour"
TABLES: tuple[tuple[str, ...], ...] = ((), (ZONE,), (HOUR,), (ZONE, HOUR))
type Figure = int | float | None
type Table = dict[Key, dict[str, Figure]]


@dataclass(frozen=True)
class Group:
    """The rows of one cell of a table.  Time on line has an hour and no zone: None there."""

    asked: Sequence[Asked]
    paid: Sequence[Paid] | None
    on_line: Sequence[OnLine] | None

    @property
    def waits(self) -> list[int]:
        return [one.waited_ms for one in self.asked if one.waited_ms is not None]

    def step_free(self) -> "Group":
        return Group([one for one in self.asked if one.step_free], None, None)


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure and the sizes of the crowds that it would tell something of."""

    figure: Figure
    crowds: tuple[int, ...]


def _requests(group: Group) -> Measured:
    return Measured(len(group.asked), (len(group.asked),))


def _trips(group: Group) -> Measured:
    boarded = sum(one.boarded for one in group.asked)
    return Measured(boarded, (boarded, len(group.asked) - boarded))


def _rate(group: Group) -> Measured:
    found = sum(one.found for one in group.asked)
    unserved = sum(one.unserved and not one.found for one in group.asked)
    ended = found + unserved
    return Measured(_round(100 * found, ended) if ended else None, (found, unserved))


def _wait(of: Callable[[list[int]], Fraction]) -> Callable[[Group], Measured]:
    def measure(group: Group) -> Measured:
        waits = sorted(group.waits)
        return Measured(_seconds(of(waits)) if waits else None, (len(waits),))

    return measure


def _empty(group: Group) -> Measured:
    ways = [one.empty_metres for one in group.asked if one.boarded and one.empty_metres is not None]
    return Measured(_round(sum(ways), 1000 * len(ways), 3) if ways else None, (len(ways),))


def _pay(group: Group) -> Measured:
    """Minor units for an hour on line, breaks included."""
    if group.on_line is None or group.paid is None:
        return Measured(None, ())
    on_line = sum(one.on_line_ms for one in group.on_line)
    paid = sum(one.pay_minor for one in group.paid)
    figure = _round(paid * 3_600_000, on_line) if on_line else None
    workers = {one.worker for one in group.on_line}, {one.worker for one in group.paid}
    return Measured(figure, tuple(map(len, workers)) if figure is not None else ())


def _of_wheelchairs(measure: Callable[[Group], Measured]) -> Callable[[Group], Measured]:
    return lambda group: measure(group.step_free())


def _wheelchairs(group: Group) -> Measured:
    count = len(group.step_free().asked)
    return Measured(count, (count, len(group.asked) - count))


def _mean(ranked: list[int]) -> Fraction:
    return Fraction(sum(ranked), len(ranked))


def _p50(ranked: list[int]) -> Fraction:
    return Fraction(median(ranked))


def _p95(ranked: list[int]) -> Fraction:
    """The nearest rank: nineteen in twenty waited no longer than that."""
    return Fraction(ranked[ceil(Fraction(95 * len(ranked), 100)) - 1])


# The first is a core metric of MDS; what the specification lacks has a name of our own.
MEASURES: dict[str, Callable[[Group], Measured]] = {
    "trips.start_loc.count": _trips,
    "cityplatform.requests.count": _requests,
    "cityplatform.requests.served_percent": _rate,
    "cityplatform.wait.avg": _wait(_mean),
    "cityplatform.wait.med": _wait(_p50),
    "cityplatform.wait.p95": _wait(_p95),
    "cityplatform.empty_km.avg": _empty,
    "cityplatform.pay_per_hour": _pay,
    "cityplatform.wheelchair.requests.count": _wheelchairs,
    "cityplatform.wheelchair.requests.served_percent": _of_wheelchairs(_rate),
    "cityplatform.wheelchair.wait.avg": _of_wheelchairs(_wait(_mean)),
    "cityplatform.wheelchair.wait.med": _of_wheelchairs(_wait(_p50)),
    "cityplatform.wheelchair.wait.p95": _of_wheelchairs(_wait(_p95)),
}


def tables(rows: Rows, k: int = K) -> dict[tuple[str, ...], Table]:
    """Every table of a day: the whole, by zone, by hour, by both."""
    groups = {by: _groups(rows, by) for by in TABLES}
    told: dict[tuple[str, ...], Table] = {
        by: {key: {} for key in sorted(cells)} for by, cells in groups.items()
    }
    for name, measure in MEASURES.items():
        measured = {
            by: {key: measure(group) for key, group in cells.items()}
            for by, cells in groups.items()
        }
        hidden = _hidden(
            {by: {key: one.crowds for key, one in cells.items()} for by, cells in measured.items()},
            k,
        )
        for by, cells in measured.items():
            for key, one in cells.items():
                told[by][key][name] = HIDDEN if key in hidden[by] else one.figure
    return told


def _groups(rows: Rows, by: tuple[str, ...]) -> dict[Key, Group]:
    asked: dict[Key, list[Asked]] = defaultdict(list)
    paid: dict[Key, list[Paid]] = defaultdict(list)
    on_line: dict[Key, list[OnLine]] = defaultdict(list)
    for one in rows.asked:
        asked[tuple(getattr(one, name) for name in by)].append(one)
    if ZONE not in by:
        for pay in rows.paid:
            paid[tuple(getattr(pay, name) for name in by)].append(pay)
        for line in rows.on_line:
            on_line[tuple(getattr(line, name) for name in by)].append(line)
    keys = {*asked, *paid, *on_line, *([()] if not by else [])}
    if ZONE in by:
        return {key: Group(asked[key], None, None) for key in keys}
    return {key: Group(asked[key], paid[key], on_line[key]) for key in keys}


type Crowds = Mapping[Key, tuple[int, ...]]


def _hidden(crowds: Mapping[tuple[str, ...], Crowds], k: int) -> dict[tuple[str, ...], set[Key]]:
    """Which cells of which tables are not told."""
    few = {
        by: {key for key, sizes in cells.items() if any(0 < size < k for size in sizes)}
        for by, cells in crowds.items()
    }
    for by in ((ZONE,), (HOUR,)):
        _fill(few[by], crowds[by], list(crowds[by]), k)
    both, cells = few[ZONE, HOUR], crowds[ZONE, HOUR]
    # A line whose sum is not told has no cell that is: the sum could be added up again.
    both |= {key for key in cells if key[:1] in few[ZONE,] or key[1:] in few[HOUR,]}
    lines: dict[Key, list[Key]] = defaultdict(list)
    for key in cells:
        lines["zone", key[0]].append(key)
        lines["hour", key[1]].append(key)
    size = -1
    while size != len(both):
        size = len(both)
        for line in sorted(lines, key=str):
            _fill(both, cells, lines[line], k)
    return few


def _fill(hidden: set[Key], crowds: Crowds, line: Collection[Key], k: int) -> None:
    """Hide more of a line, the smallest first, until what is hidden adds up to nobody or enough."""
    for place in range(max((len(crowds[key]) for key in line), default=0)):
        while 0 < sum(crowds[key][place] for key in line if key in hidden and crowds[key]) < k:
            left = [key for key in line if key not in hidden and any(crowds[key][place:][:1])]
            if not left:
                break
            hidden.add(min(left, key=lambda key: (crowds[key][place], str(key))))


def _seconds(ms: Fraction) -> float:
    return _round(ms.numerator, ms.denominator * 1000)


def _round(over: int, under: int, digits: int = 1) -> float:
    """A quotient of whole numbers, rounded half to even: the same on every machine."""
    return float(round(Fraction(over, under), digits))


def told(rows: Rows, k: int = K) -> list[dict[str, object]]:
    """The tables as they are written down."""
    return [
        {
            "dimensions": list(by),
            "rows": [
                dict(zip(by, key, strict=True)) | {"figures": figures}
                for key, figures in _in_order(table)
            ],
        }
        for by, table in tables(rows, k).items()
    ]


def _in_order(table: Table) -> Iterable[tuple[Key, dict[str, Figure]]]:
    return sorted(table.items())
