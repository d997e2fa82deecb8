"""Statements and the year's report as files: for spreadsheets, and for tax offices' programs."""

import csv
from io import StringIO
from xml.etree import ElementTree as Xml

from apps.kernel.money import EXPONENTS
from apps.settlement import queries
from apps.settlement.models import Payout
from apps.settlement.queries_tax import Quarter, Year

HEADS = ("consideration", "activities", "fees", "taxes")


def plain(minor: int, currency: str) -> str:
    """An amount as programs read it: 1234.50."""
    places = EXPONENTS[currency]
    whole, rest = divmod(abs(minor), 10**places)
    sign = "-" if minor < 0 else ""
    return f"{sign}{whole}.{rest:0{places}}" if places else f"{sign}{whole}"


def safe(text: str) -> str:
    """Words for a spreadsheet, which takes what begins like a formula for one."""
    is_formula = text[:1] in ("\t", "\r", "\n") or text.lstrip()[:1] in tuple("=+-@＝＋－＠")
    return f"'{text}" if is_formula else text


def as_csv(years: list[Year], year: int) -> str:
    """One row for each provider and quarter; amounts with a point."""
    out = StringIO()
    rows = csv.writer(out)
    rows.writerow(["year", "quarter", "provider", "name", "tax_id", "currency", *HEADS])
    for one in years:
        who = [str(one.provider.ref), safe(one.provider.name), safe(one.provider.tax_id)]
        for number, quarter in enumerate(one.quarters, 1):
            rows.writerow([year, number, *who, one.currency, *_figures(quarter, one.currency)])
    return out.getvalue()


def as_xml(years: list[Year], year: int) -> str:
    """The same, one `Seller` with four quarters for each provider."""
    root = Xml.Element("PlatformReport", {"year": str(year)})
    for one in years:
        seller = Xml.SubElement(root, "Seller", {"ref": str(one.provider.ref)})
        Xml.SubElement(seller, "Name").text = _printable(one.provider.name)
        Xml.SubElement(seller, "TaxNumber").text = _printable(one.provider.tax_id)
        for number, quarter in enumerate(one.quarters, 1):
            told = {"number": str(number), "currency": one.currency}
            element = Xml.SubElement(seller, "Quarter", told)
            for head, figure in zip(HEADS, _figures(quarter, one.currency), strict=True):
                Xml.SubElement(element, head.capitalize()).text = figure
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _figures(quarter: Quarter, currency: str) -> list[str]:
    return [
        str(quarter.activities) if head == "activities" else plain(getattr(quarter, head), currency)
        for head in HEADS
    ]


def _printable(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable())


def statement(payout: Payout) -> str:
    """A payout's lines: amounts with a point, times with their offset."""
    city = queries.city_of_payout(payout)
    out = StringIO()
    rows = csv.writer(out)
    rows.writerow(["booked_at", "what", "order", "amount", "running_sum", "currency"])
    for line in queries.lines(list(queries.entries_of(payout))):
        booked = line.booked_at.astimezone(city.zone_info) if city else line.booked_at
        order = line.order.code if line.order else ""
        sums = [plain(one.minor, one.currency) for one in (line.amount, line.running)]
        rows.writerow(
            [booked.isoformat(timespec="seconds"), line.kind, order, *sums, payout.currency]
        )
    return out.getvalue()
