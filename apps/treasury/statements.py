"""The bank's statements and the gateway's reports as files: read whole, or refused line by line.

What is read is what the file says and nothing more: no document type, no entity and no address is
ever followed, and what is too large is not begun.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from xml.parsers import expat

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.kernel.money import EXPONENTS
from apps.payments.gateway import BalanceLine

LARGEST = 20 * 1024 * 1024
MOST_LINES = 100_000
DEEPEST = 40
MOST_PROBLEMS = 50
# In minor units; the books count with eight bytes, and sums of many lines fit as well.
LARGEST_SUM = 10**15
NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(02|04|08|13)")


@dataclass(frozen=True, slots=True)
class Told:
    """One booked line of a bank's statement; minor units, what comes in is positive."""

    number: int
    iban: str
    reference: str
    text: str
    amount_minor: int
    currency: str
    booked_on: date


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one line of a file."""

    line: int
    words: str | Promise

    def __str__(self) -> str:
        return str(_("Line %(line)s: %(words)s") % {"line": self.line, "words": self.words})


class Unreadable(ValueError):
    """The file, or some lines of it, cannot be read; nothing of it is taken."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class _Bad(ValueError):
    """What is wrong with the line being read."""

    def __init__(self, words: str | Promise) -> None:
        super().__init__(words)
        self.words = words


def minor_units(text: str, currency: str, decimal: str = ".") -> int:
    """Read "1,234.50" or "1.234,50", `decimal` being its sign, as minor units of a currency."""
    if currency not in EXPONENTS:
        raise _Bad(_("nobody knows the currency “%s”") % currency[:10])
    thousands = "," if decimal == "." else "."
    plain = text.strip().replace(" ", "").replace("\u00a0", "").replace("'", "")
    if not re.fullmatch(
        rf"[+-]?(\d{{1,3}}(\{thousands}\d{{3}})+|\d{{1,15}})?(\{decimal}\d{{1,5}})?", plain
    ) or not re.search(r"\d", plain):
        raise _Bad(_("“%s” is not an amount") % text[:30])
    try:
        value = Decimal(plain.replace(thousands, "").replace(decimal, "."))
    except InvalidOperation as error:
        raise _Bad(_("“%s” is not an amount") % text[:30]) from error
    minor = value.scaleb(EXPONENTS[currency])
    if minor != int(minor):
        raise _Bad(_("“%(amount)s” has more decimals than %(currency)s has")
                   % {"amount": text[:30], "currency": currency})  # fmt: skip
    if abs(minor) > LARGEST_SUM:
        raise _Bad(_("“%s” is not an amount") % text[:30])
    return int(minor)


class _Node:
    """An element of the document: its name without the namespace, and the line it begins on."""

    __slots__ = ("children", "currency", "line", "name", "text")

    def __init__(self, name: str, line: int, currency: str) -> None:
        self.name, self.line, self.currency = name, line, currency
        self.text = ""
        self.children: list[_Node] = []

    def all(self, path: str) -> "list[_Node]":
        found = [self]
        for name in path.split("/"):
            found = [child for one in found for child in one.children if child.name == name]
        return found

    def say(self, *paths: str) -> str:
        """The first text that stands under one of the paths."""
        for path in paths:
            for one in self.all(path):
                if one.text.strip():
                    return one.text.strip()
        return ""


def _tree(content: bytes) -> _Node:
    """Read a document, refusing whatever is more than elements and text."""
    parser = expat.ParserCreate(namespace_separator="}")
    root = _Node("", 0, "")
    open_: list[_Node] = [root]

    def refuse(*_args: object) -> int:
        words = _("a document type or entity has no place in a statement")
        raise Unreadable(Problem(parser.CurrentLineNumber, words))

    def start(name: str, attributes: dict[str, str]) -> None:
        space, _sep, local = name.rpartition("}")
        if len(open_) > DEEPEST:
            raise Unreadable(Problem(parser.CurrentLineNumber, _("it is nested too deep")))
        if len(open_) == 1 and not (local == "Document" and NAMESPACE.fullmatch(space)):
            words = _("this is no CAMT.053 of version 02, 04, 08 or 13")
            raise Unreadable(Problem(parser.CurrentLineNumber, words))
        node = _Node(local, parser.CurrentLineNumber, attributes.get("Ccy", ""))
        open_[-1].children.append(node)
        open_.append(node)

    def end(_name: str) -> None:
        open_.pop()

    def text(data: str) -> None:
        open_[-1].text += data

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    parser.buffer_text = True
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise Unreadable(Problem(error.lineno, _("this is not XML"))) from error
    return root


def camt(content: bytes) -> list[Told]:
    """The booked entries of a CAMT.053.  Raises `Unreadable`, naming every bad line."""
    _require_size(content)
    told: list[Told] = []
    problems: list[Problem] = []
    for statement in _tree(content).all("Document/BkToCstmrStmt/Stmt"):
        iban = statement.say("Acct/Id/IBAN", "Acct/Id/Othr/Id")
        for entry in statement.all("Ntry"):
            # Version 08 wraps the word; what is only pending comes again when it is booked.
            if entry.say("Sts/Cd", "Sts") not in ("BOOK", ""):
                continue
            try:
                told.append(_entry(entry, iban))
            except _Bad as bad:
                problems.append(Problem(entry.line, bad.words))
    return _whole(told, problems)


def _entry(entry: _Node, iban: str) -> Told:
    amounts = entry.all("Amt")
    if not amounts:
        raise _Bad(_("it has no amount"))
    minor = minor_units(amounts[0].text, amounts[0].currency)
    way = entry.say("CdtDbtInd")
    if way not in ("CRDT", "DBIT") or minor <= 0:
        raise _Bad(_("whether it came in or went out cannot be told"))
    words = [
        node.text.strip()
        for path in ("NtryDtls/TxDtls/RmtInf/Ustrd", "NtryDtls/TxDtls/Refs/EndToEndId")
        for node in entry.all(path)
    ]
    return Told(
        number=entry.line,
        iban=iban,
        reference=entry.say("AcctSvcrRef", "NtryRef", "NtryDtls/TxDtls/Refs/AcctSvcrRef"),
        text=" ".join([*words, entry.say("AddtlNtryInf")]).strip(),
        amount_minor=minor if way == "CRDT" else -minor,
        currency=amounts[0].currency,
        booked_on=_day(entry.say("BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm")[:10]),
    )


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a bank's CSV has what; `currency` is used where there is no such column."""

    day: str
    amount: str
    text: str = ""
    reference: str = ""
    currency_column: str = ""
    currency: str = ""
    decimal: str = "."
    # `iso` 2026-11-23, `dmy` 23/11/2026 or 23.11.2026, `mdy` 11/23/2026
    days: str = "iso"
    encoding: str = "utf-8-sig"


def sheet(content: bytes, columns: Columns) -> list[Told]:
    """The lines of a bank's CSV.  Raises `Unreadable`, naming every bad line."""

    def read(number: int, row: dict[str, str]) -> Told:
        currency = row.get(columns.currency_column) or columns.currency
        minor = minor_units(row[columns.amount], currency.strip().upper(), columns.decimal)
        if not minor:
            raise _Bad(_("it moves nothing"))
        return Told(
            number=number,
            iban="",
            reference=row.get(columns.reference, "").strip(),
            text=row.get(columns.text, "").strip(),
            amount_minor=minor,
            currency=currency.strip().upper(),
            booked_on=_day(row[columns.day].strip(), columns.days),
        )

    needed = [one for one in (columns.day, columns.amount, columns.text, columns.reference) if one]
    return _rows(content, columns.encoding, needed, read)


# What the gateway's report calls things, and what its balance transactions do.
CATEGORIES = {
    "dispute": "adjustment",
    "dispute_reversal": "adjustment",
    "fee": "stripe_fee",
    "payout_reversal": "payout_failure",
}


def report(content: bytes) -> list[BalanceLine]:
    """Stripe's itemised balance report (CSV): one balance transaction a row.

    Raises `Unreadable`, naming every bad line.
    """

    def read(number: int, row: dict[str, str]) -> BalanceLine:
        reference, currency = row["balance_transaction_id"].strip(), row["currency"].strip().upper()
        if not re.fullmatch(r"\w{1,100}", reference):
            raise _Bad(_("it names no balance transaction"))
        category = row["reporting_category"].strip()
        created = _moment(row["created_utc"])
        available = row.get("available_on_utc", "").strip()
        return BalanceLine(
            reference=reference,
            kind=CATEGORIES.get(category, category)[:50],
            amount_minor=minor_units(row["gross"], currency),
            fee_minor=minor_units(row["fee"], currency),
            net_minor=minor_units(row["net"], currency),
            currency=currency,
            source=row.get("source_id", "").strip()[:100],
            parent=row.get("payment_intent_id", "").strip()[:100],
            created_at=created,
            available_on=_moment(available) if available else created,
            payload={name: value for name, value in row.items() if name in _KEPT},
        )

    needed = ["balance_transaction_id", "created_utc", "currency", "gross", "fee", "net"]
    return _rows(content, "utf-8-sig", [*needed, "reporting_category"], read)


# Names and addresses that such a report may have, too, are not ours to keep here.
_KEPT = {"balance_transaction_id", "reporting_category", "description", "created_utc"}


def _rows[T](
    content: bytes, encoding: str, needed: list[str], read: Callable[[int, dict[str, str]], T]
) -> list[T]:
    _require_size(content)
    told: list[T] = []
    problems: list[Problem] = []
    for number, row in _dicts(content, encoding, needed):
        try:
            told.append(read(number, row))
        except _Bad as bad:
            problems.append(Problem(number, bad.words))
    return _whole(told, problems)


def _dicts(
    content: bytes, encoding: str, needed: list[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        words = _("its letters are in another encoding")
        raise Unreadable(Problem(line, words)) from error
    if "\0" in text:  # which no column of the database takes
        line = text.partition("\0")[0].count("\n") + 1
        raise Unreadable(Problem(line, _("it cannot be read as CSV")))
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        head = [name.strip() for name in next(reader, [])]
        if missing := [name for name in needed if name not in head]:
            said = _("there is no column “%s”") % "”, “".join(missing)
            raise Unreadable(Problem(1, said))
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(head):
                counts = {"cells": len(row), "columns": len(head)}
                said = _("it has %(cells)s cells, not %(columns)s") % counts
                raise Unreadable(Problem(reader.line_num, said))
            yield reader.line_num, dict(zip(head, row, strict=True))
    except csv.Error as error:
        raise Unreadable(Problem(reader.line_num, _("it cannot be read as CSV"))) from error


def _whole[T](told: list[T], problems: list[Problem]) -> list[T]:
    """All of the lines, or all that is wrong with them."""
    if problems:
        raise Unreadable(*problems[:MOST_PROBLEMS])
    if not told:
        raise Unreadable(Problem(1, _("there is no booked line in this file")))
    if len(told) > MOST_LINES:
        raise Unreadable(Problem(1, _("there are more than %s lines in this file") % MOST_LINES))
    return told


def _require_size(content: bytes) -> None:
    if len(content) > LARGEST:
        raise Unreadable(Problem(1, _("the file is larger than %s MB") % (LARGEST // 1024**2)))


def _day(text: str, format: str = "iso") -> date:
    parts = text.replace(".", "/").split("/") if format != "iso" else text.split("-")
    try:
        first, second, third = map(int, parts)
        if format == "iso":
            return date(first, second, third)
        return date(third, second, first) if format == "dmy" else date(third, first, second)
    except (ValueError, OverflowError) as error:
        raise _Bad(_("“%s” is not a day") % text[:30]) from error


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=UTC)
    except ValueError as error:
        raise _Bad(_("“%s” is not a moment") % text[:30]) from error
