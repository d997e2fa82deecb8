"""A city's existing permits as a table: read row by row, every fault with its line and words."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

NEEDED = ("number", "provider", "vertical", "valid_from")
MAY = ("tax_id", "valid_until", "conditions")
LARGEST = 5 * 1024 * 1024
MOST_ROWS = 5_000
NEW, KNOWN, WRONG = "new", "known", "error"


class BadSheet(Exception):
    """The file is no such table at all; the message says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, and what came of it."""

    line: int
    number: str = ""
    provider: str = ""
    tax_id: str = ""
    vertical: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    conditions: str = ""
    result: str = NEW
    words: str = ""

    def known(self) -> "Row":
        return replace(self, result=KNOWN)

    def wrong(self, words: str) -> "Row":
        return replace(self, result=WRONG, words=words)


def read(content: bytes, zone: ZoneInfo) -> list[Row]:
    """Read a CSV with a head, comma or semicolon between the cells, days as 2027-05-31.

    The last day of a permit is one on which it holds.  Raises `BadSheet`; a row that is wrong says
    so itself.
    """
    if len(content) > LARGEST:
        raise BadSheet(_("The file is larger than 5 MB."))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadSheet(_("The file is not written in UTF-8.")) from None
    head = text.split("\n", 1)[0]
    between = ";" if head.count(";") > head.count(",") else ","
    table = csv.DictReader(io.StringIO(text), delimiter=between, strict=True)
    names = [name.strip() for name in table.fieldnames or []]
    if missing := [name for name in NEEDED if name not in names]:
        raise BadSheet(_("The head lacks: %s") % ", ".join(missing))
    if odd := [name for name in names if name not in NEEDED + MAY]:
        raise BadSheet(_("The head names what is not known: %s") % ", ".join(odd))
    table.fieldnames = names
    try:
        rows = list(_rows(table, zone))
    except csv.Error as error:
        raise BadSheet(
            _("Line %(line)d: %(fault)s")
            % {
                "line": table.reader.line_num,
                "fault": error,
            }
        ) from None
    if not rows:
        raise BadSheet(_("There are no rows."))
    if len(rows) > MOST_ROWS:
        raise BadSheet(_("There are more than %d rows.") % MOST_ROWS)
    return rows


def words(fault: str) -> str:
    """What is said of a row that fits the table but not the city."""
    return {
        "no_provider": _("There is no such provider here: it joins first."),
        "two_providers": _("More than one provider is called so: give the tax number."),
        "number_taken": _("The number belongs to another permit."),
        "overlaps": _("The provider has a permit for this service in that time."),
    }[fault]


def _rows(table: "csv.DictReader[str]", zone: ZoneInfo) -> Iterator[Row]:
    seen: dict[str, int] = {}
    for cells in table:
        row = _row(table.line_num, cells, zone)
        if row.number and row.number in seen:
            row = row.wrong(_("This number stands in line %d already.") % seen[row.number])
        seen.setdefault(row.number, row.line)
        yield row


def _row(line: int, cells: dict[str, str], zone: ZoneInfo) -> Row:
    if None in cells or None in cells.values():
        return Row(line).wrong(_("There are more or fewer cells than in the head."))
    told = {name: cells.get(name, "").strip() for name in NEEDED + MAY}
    days = {name: told.pop(name) for name in ("valid_from", "valid_until")}
    row = Row(
        line,
        number=told["number"],
        provider=told["provider"],
        tax_id=told["tax_id"],
        vertical=told["vertical"],
        conditions=told["conditions"],
    )
    faults = _faults(told | {"valid_from": days["valid_from"]})
    read = {}
    for name, text in days.items():
        try:
            read[name] = _moment(text, zone, is_last=name == "valid_until")
        except ValueError:
            faults.append(_("%(name)s is no day like 2027-05-31.") % {"name": name})
    if faults:
        return row.wrong(" ".join(faults))
    begins, ends = read["valid_from"], read["valid_until"]
    row = replace(row, valid_from=begins, valid_until=ends)
    if begins and ends and ends <= begins:
        return row.wrong(_("It ends before it begins."))
    return row


def _faults(told: dict[str, str]) -> list[str]:
    faults = [_("%(name)s is empty.") % {"name": one} for one in NEEDED if not told[one]]
    if len(told["number"]) > 50:
        faults.append(_("The number is longer than 50 signs."))
    if told["vertical"] and not re.fullmatch(r"[a-z][a-z0-9_-]{0,49}", told["vertical"]):
        faults.append(_("vertical is a word in small letters, such as mobility."))
    if any("\x00" in one for one in told.values()):
        faults.append(_("There is a sign that no text has."))
    return faults


def _moment(text: str, zone: ZoneInfo, *, is_last: bool) -> datetime | None:
    if not text:
        return None
    day = date.fromisoformat(text) + timedelta(days=is_last)
    return datetime.combine(day, time(), tzinfo=zone)


def written(rows: list[Row]) -> str:
    """The report as CSV: each line of the table with what came of it."""
    told = io.StringIO()
    writer = csv.writer(told)
    writer.writerow(["line", "number", "provider", "vertical", "result", "words"])
    for row in rows:
        cells = (row.number, row.provider, row.vertical, row.result, row.words)
        writer.writerow([row.line, *(_tame(cell) for cell in cells)])
    return told.getvalue()


def _tame(cell: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t") else cell
