"""What an inspection leaves out of other people: the one place where it is done.

A page of an inspection is built of the words below, and nothing of it reaches a template but
through `Mask.page`.  What is not said to be the inspected person's own is taken for somebody
else's: of names the initials are left, of addresses the street without its number, of phones and
e-mail addresses nothing.  What people wrote to one another or to the city is not gathered at all:
no mask finds every name in it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from apps.parties.models import User

DOTS = "•••"
EMAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
# A + and digits, or at least eight digits with nothing but single spaces or hyphens between them.
PHONE = re.compile(r"\+\d[\d ()./-]{5,}\d|(?<![\d,.])\d(?:[ -]?\d){7,}(?![\d,.])")
# The number of a house, with what belongs to it: 123, 45-B, # 7; days and hours have a hard space
# or a colon beside them, and stay.
HOUSE = re.compile(r" *#? *(?<![\d:\xa0])\d+(?![\d:\xa0])(?:[-/]?[A-Za-z]\b)?")
SHORTEST = 3


class Own(str):
    """Words that are the inspected person's own: shown as they see them."""


class Words(str):
    """Words that an officer or a fleet typed to the inspected: others are left out of them."""


class Place(str):
    """A place that somebody else went from or to: its street, without the number."""


@dataclass(frozen=True, slots=True)
class Name:
    """A person, to be named: the inspected one in full, anybody else by their initials."""

    user: User | None


type Cell = str | Name


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, and the page of the inspection to which it leads, if there is one."""

    cells: Sequence[Cell]
    link: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of the same kind."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Row]
    nothing: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of an inspection, and which rows it shows, as the line of the look says it."""

    title: str
    what: str
    row: str
    facts: Sequence[tuple[str, Cell]] = ()
    tables: Sequence[Table] = ()
    # Others of whom the page may speak without naming them in a cell of their own.
    others: Sequence[User | None] = ()
    pages: int = 1
    number: int = 1


@dataclass(slots=True)
class Mask:
    """Leaves out what is not the inspected person's own."""

    own: frozenset[int]
    _others: list[tuple[re.Pattern[str], str]] = field(default_factory=list)
    _words: list[tuple[re.Pattern[str], str]] = field(default_factory=list)

    def page(self, page: Page) -> Page:
        """The page as it may be shown: every cell a plain text."""
        self._know(self._named(page))
        return replace(
            page,
            facts=[(label, self.cell(cell)) for label, cell in page.facts],
            tables=[
                replace(table, rows=[self._row(row) for row in table.rows]) for table in page.tables
            ],
            others=(),
        )

    def cell(self, cell: Cell) -> str:
        if isinstance(cell, Name):
            return self._name(cell.user)
        if isinstance(cell, Own):
            return str(cell)
        text = str(cell)
        typed = isinstance(cell, Words | Place)
        if typed:
            text = PHONE.sub(DOTS, EMAIL.sub(DOTS, text))
            text = HOUSE.sub("" if isinstance(cell, Place) else f" {DOTS}", text)
        for name, initials in self._others + (self._words if typed else []):
            text = name.sub(initials, text)
        return text

    def _row(self, row: Row) -> Row:
        return replace(row, cells=[self.cell(cell) for cell in row.cells])

    def _name(self, user: User | None) -> str:
        if user is None:
            return ""
        return str(user) if user.pk in self.own else initials_of(user)

    def _named(self, page: Page) -> Iterable[User]:
        cells = [cell for _label, cell in page.facts]
        cells += [cell for table in page.tables for row in table.rows for cell in row.cells]
        named = [cell.user for cell in cells if isinstance(cell, Name)]
        return {one for one in (*named, *page.others) if one is not None}

    def _know(self, people: Iterable[User]) -> None:
        for one in people:
            if one.pk in self.own:
                continue
            said = initials_of(one)
            for whole in (one.name, one.email, one.phone):
                if whole:
                    self._others.append((re.compile(re.escape(whole), re.IGNORECASE), said))
            for word in one.name.split():
                if len(word) >= SHORTEST:
                    found = re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE)
                    self._words.append((found, f"{word[0]}."))


def initials_of(user: User) -> str:
    """C. R. for Camila Rojas; of somebody without a name, dots."""
    return " ".join(f"{word[0]}." for word in user.name.split()[:2]).upper() or DOTS
