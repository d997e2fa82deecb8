"""What everybody sees of the money: a month, in whole groups of payments."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache

from apps.kernel import clock
from apps.ledger import operations as ledger
from apps.settlement.models import Payee, Payout
from apps.treasury import flows
from tests.browser import assert_accessible, each_look, screenshot
from tests.factories import CityFactory, ProviderFactory
from tests.treasury.seeded import BY

pytestmark = pytest.mark.django_db

PAGE, SHEET = "/city/money/", "/city/money.csv"


@pytest.fixture(autouse=True)
def forgotten():
    cache.clear()


@pytest.fixture
def city():
    return CityFactory()


def paid(count: int, at: datetime, minor: int = 1000) -> None:
    """So many rides by card: 900 of each thousand to the driver, 70, 20 and 10 to the others."""
    provider = f"provider:{ProviderFactory().pk}:payable"
    for _ in range(count):
        ref = uuid4()
        ledger.post(
            key=f"capture:{ref}",
            kind="capture",
            about=ref,
            lines=[
                ("clearing:cards", minor),
                (provider, -minor * 90 // 100),
                ("platform:fees", -minor * 7 // 100),
                ("city:la-serena:fees", -minor * 2 // 100),
                ("tax:la-serena:vat", -minor // 100),
            ],
            currency="CLP",
            by=BY,
            at=at,
        )


def sheet(client, month: str = "") -> list[str]:
    answer = client.get(SHEET, {"month": month} if month else {})
    assert answer.status_code == 200
    return answer.content.decode().splitlines()


def test_nothing_is_drawn_of_fewer_than_five_payments(client, city):
    paid(4, clock.now())

    assert sheet(client) == ["from,to,amount_minor,currency"]
    assert "A picture is drawn from 5 payments on." in client.get(PAGE).content.decode()


def test_only_whole_groups_of_payments_are_told(client, city):
    paid(7, clock.now())
    told = sheet(client)

    assert told == [
        "from,to,amount_minor,currency",
        "card,provider,4500,CLP",
        "card,platform,350,CLP",
        "card,city,100,CLP",
        "card,tax,50,CLP",
        "provider,owed,4500,CLP",
        "platform,stays,350,CLP",
        "city,owed,100,CLP",
        "tax,owed,50,CLP",
    ]
    paid(2, clock.now())
    cache.clear()
    assert sheet(client) == told


def test_the_page_says_how_much_of_each_hundred_goes_where(client, city):
    paid(5, clock.now())
    page = client.get(PAGE).content.decode()

    for share in ("90.0", "7.0", "2.0", "1.0"):
        assert f'<dd class="num">{share}</dd>' in page


def test_a_month_is_the_citys_own_month(client, city):
    """Eleven in the evening of the last day there is the next month in Greenwich."""
    now = clock.now().astimezone(city.zone_info)
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    paid(5, (first - timedelta(hours=1)).astimezone(UTC))
    before = f"{first - timedelta(hours=1):%Y-%m}"

    assert len(sheet(client)) == 1
    assert sheet(client, before)[1] == "card,provider,4500,CLP"
    assert f"?month={before}" in client.get(PAGE).content.decode()


@pytest.mark.parametrize("month", ["2026-13", "x", "2026-1", "1990-01", "2999-01", "2026-01-01"])
@pytest.mark.parametrize("address", [PAGE, SHEET])
def test_there_are_no_other_months(client, city, address, month):
    assert client.get(address, {"month": month}).status_code == 404


def test_without_a_city_there_is_nothing(client):
    assert client.get(PAGE).status_code == 404


def test_what_the_city_and_the_platform_were_paid_is_paid_out(city):
    at = clock.now()
    paid(5, at)
    payee = Payee.objects.create(city=city, prefix="city:la-serena:", name="City")
    for account, state in (("city:la-serena:fees", "PAID"), ("tax:la-serena:vat", "SENT")):
        Payout.objects.create(
            payee=payee,
            account=account,
            amount_minor=1,
            currency="CLP",
            state=state,
            day=at.date(),
            last_entry=10**9,
            settled_at=at,
        )

    followed = flows.follow(city, at - timedelta(days=1), at + timedelta(days=1))

    told = {(one.source, one.target): one.amount.minor for one in followed.flows}
    assert told["city", "paid"] == 100
    assert told["tax", "way"] == 50
    assert ("city", "owed") not in told


@each_look
def test_everybody_can_read_where_each_coin_goes(new_page, site, width, theme, transactional_db):
    CityFactory()
    paid(10, clock.now(), minor=245_000)
    lang = "es" if theme == "dark" else "en"
    page = new_page(width=width, theme=theme, lang=lang)
    page.goto(f"{site}{PAGE}")
    screenshot(page, f"money-{width}-{theme}", full=True)
    assert_accessible(page)
    assert page.locator("h1").inner_text() == (
        "Adónde va cada moneda" if lang == "es" else "Where each coin goes"
    )
