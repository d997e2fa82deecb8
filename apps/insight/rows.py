"""What the city's figures on rides are made from, row by row, and as a sheet that others can check.

Whole numbers and short words only, so that a sheet read back is what was written.  No names, no
orders, no moments and no points: an hour of the city's clock and a district.  A worker has a
number that means nothing outside of its sheet.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

FIELDS = (
    "kind", "hour", "zone", "step_free", "found", "unserved", "boarded", "waited_ms",
    "empty_metres", "worker", "pay_minor", "on_line_ms",
)  # fmt: skip
YES, NO = "yes", "no"


class NoSheet(ValueError):
    """This is no sheet of rows; the message says which line is wrong."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A ride that somebody asked for in an hour."""

    hour: int
    zone: str
    step_free: bool
    found: bool
    unserved: bool
    boarded: bool
    waited_ms: int | None
    empty_metres: int | None


@dataclass(frozen=True, slots=True)
class Paid:
    """What a ride that ended in an hour left its driver."""

    hour: int
    worker: int
    pay_minor: int


@dataclass(frozen=True, slots=True)
class OnLine:
    """How long a driver was signed on within an hour, breaks included."""

    hour: int
    worker: int
    on_line_ms: int


@dataclass(frozen=True)
class Rows:
    """The rows of one day of one city."""

    asked: Sequence[Asked] = field(default_factory=tuple)
    paid: Sequence[Paid] = field(default_factory=tuple)
    on_line: Sequence[OnLine] = field(default_factory=tuple)


KINDS: dict[str, type[Asked | Paid | OnLine]] = {"asked": Asked, "paid": Paid, "on_line": OnLine}


def write(rows: Rows, sheet: TextIO) -> int:
    """Write the rows as CSV.  Return how many."""
    told = csv.writer(sheet, lineterminator="\n")
    told.writerow(FIELDS)
    count = 0
    for kind in KINDS:
        for row in getattr(rows, kind):
            told.writerow([kind, *(_told(getattr(row, one, None)) for one in FIELDS[1:])])
            count += 1
    return count


def read(sheet: Iterable[str]) -> Rows:
    """Read what `write` wrote.  Raises `NoSheet`."""
    lines = csv.DictReader(sheet)
    if tuple(lines.fieldnames or ()) != FIELDS:
        raise NoSheet(f"its first line is not {','.join(FIELDS)}")
    found: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    for number, line in enumerate(lines, start=2):
        try:
            kind = KINDS[line["kind"]]
            types = kind.__annotations__
            found[line["kind"]].append(kind(**{one: _read(line[one], types[one]) for one in types}))
        except (KeyError, TypeError, ValueError) as error:
            raise NoSheet(f"line {number} is no row: {error}") from None
    return Rows(**found)


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return YES if value else NO
    return "" if value is None else str(value)


def _read(text: str, kind: Any) -> Any:
    if kind is str:
        return text
    if kind is bool:
        return {YES: True, NO: False}[text]
    if kind is not int and text == "":
        return None
    return int(text)
