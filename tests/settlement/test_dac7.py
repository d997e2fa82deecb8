"""The year's report: exact values from journals about orders, quarter by quarter."""

import csv
from datetime import UTC, datetime
from io import StringIO
from xml.etree import ElementTree as Xml

import pytest
from django.core.management import CommandError, call_command

from apps.ledger import operations as ledger
from apps.orders.models import Order
from apps.settlement import queries_tax, reports
from apps.settlement.queries_tax import Quarter
from tests import rides
from tests.factories import CITY

pytestmark = pytest.mark.django_db


def book(order, at, kind="capture", key="", sign=1, provider=2208, fee=77, vat=15, city=150):
    parts = {
        f"provider:{order.provider_id}:payable": provider,
        "platform:fees": fee,
        "tax:la-serena:vat": vat,
        "city:la-serena:fees": city,
    }
    ledger.post(
        key=f"{kind}:{order.ref}:{key}",
        kind=kind,
        about=order.ref,
        lines=[
            ("clearing:cards", sign * sum(parts.values())),
            *((code, -sign * minor) for code, minor in parts.items()),
        ],
        currency="CLP",
        by=CITY,
        at=at,
    )


@pytest.fixture
def order():
    order = rides.town().confirm()
    order.provider.tax_id = "76.123.456-7"
    order.provider.name = "=Taxi & Sons"
    order.provider.save()
    return Order.objects.select_related("city", "provider").get(pk=order.pk)


@pytest.fixture
def year(order):
    # 2025 has been over for three hours in Greenwich, and not yet in Chile.
    book(order, datetime(2026, 1, 1, 2, 59, tzinfo=UTC), key="2025")
    book(order, datetime(2026, 1, 1, 3, 0, tzinfo=UTC), key="first")
    book(order, datetime(2026, 2, 3, 12, tzinfo=UTC), key="again")
    book(order, datetime(2026, 5, 3, 12, tzinfo=UTC), kind="refund", sign=-1, fee=0, vat=0, city=0,
         provider=208)  # fmt: skip
    # Neither cash that was kept nor a payout is earned.
    for kind in ("cash_kept", "payout"):
        book(order, datetime(2026, 8, 3, 12, tzinfo=UTC), kind=kind, sign=-1, fee=0, vat=0, city=0)
    return queries_tax.year_of(order.city, 2026)


def test_each_quarter_has_what_was_credited_and_what_was_withheld(order, year):
    (only,) = year

    assert only.provider == order.provider
    assert only.quarters == [
        Quarter(consideration=4416, activities=1, fees=154, taxes=330),
        Quarter(consideration=-208, activities=0, fees=0, taxes=0),
        Quarter(),
        Quarter(),
    ]


def test_the_table_has_a_row_for_each_quarter_and_no_formulas(order, year):
    rows = list(csv.DictReader(StringIO(reports.as_csv(year, 2026))))

    assert [(row["quarter"], row["consideration"], row["fees"], row["taxes"]) for row in rows] == [
        ("1", "4416", "154", "330"),
        ("2", "-208", "0", "0"),
        ("3", "0", "0", "0"),
        ("4", "0", "0", "0"),
    ]
    assert (rows[0]["name"], rows[0]["tax_id"]) == ("'=Taxi & Sons", "76.123.456-7")


@pytest.mark.parametrize("name", ["\n=1+1", " =1+1", "＝1+1", "\t@SUM(A1)"])
def test_what_only_looks_like_words_is_no_formula_either(name):
    assert reports.safe(name) == f"'{name}"


def test_the_xml_says_the_same(order, year):
    seller = Xml.fromstring(reports.as_xml(year, 2026)).find("Seller")

    assert seller.findtext("Name") == "=Taxi & Sons"
    assert [quarter.findtext("Consideration") for quarter in seller.findall("Quarter")] == [
        "4416",
        "-208",
        "0",
        "0",
    ]


def test_the_command_prints_it_and_refuses_what_is_no_year(order, year, capsys):
    call_command("dac7", "2026", "--format", "xml")

    assert capsys.readouterr().out == reports.as_xml(year, 2026)
    with pytest.raises(CommandError, match="no year"):
        call_command("dac7", "99999")
    with pytest.raises(CommandError, match="which city"):
        call_command("dac7", "2026", "--city", "atlantis")
