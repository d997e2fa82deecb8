"""What officers see of the money: where it is, where it went, what does not agree."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.kernel.money import Money
from apps.ledger import operations as ledger
from apps.treasury import flows, operations, queries, sankey
from apps.treasury.models import BankLine, Difference, GatewayLine
from tests import factories
from tests.browser import assert_accessible, each_look, screenshot
from tests.factories import CityFactory, ProviderFactory
from tests.insight.test_machinery import THE_ADMINS_OWN
from tests.treasury import seeded
from tests.treasury.seeded import BY
from tests.treasury.test_statements import camt

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(client):
    client.force_login(factories.UserFactory(is_staff=True, is_superuser=True))
    return client


def post(key, kind, about, at, *lines):
    ledger.post(key=key, kind=kind, about=about, lines=lines, currency="CLP", by=BY, at=at)


@pytest.fixture
def city():
    return CityFactory()


def week(city, at):
    """Two rides by card and one in cash, one of them refunded in part, with the gateway's fees."""
    provider = f"provider:{ProviderFactory(name='Marco Tapia').pk}:payable"
    first, second, third = uuid4(), uuid4(), uuid4()
    split = [(provider, -2208), ("platform:fees", -77), ("tax:la-serena:vat", -15),
             ("city:la-serena:fees", -150)]  # fmt: skip
    post(f"capture:{first}", "capture", first, at, ("clearing:cards", 2450), *split)
    post(f"capture:{second}", "capture", second, at, ("clearing:cards", 2450), *split)
    cash = provider.replace("payable", "cash")
    post(f"capture:{third}", "capture", third, at, (cash, 2450), *split)
    post(f"cash-kept:{third}", "cash_kept", third, at, (provider, 2450), (cash, -2450))
    post(f"refund:{first}", "refund", first, at, (provider, 400), ("clearing:cards", -400))
    for one in (first, second):
        post(f"gateway-fee:{one}", "gateway_fee", one, at,
             ("gateway:fees", 71), ("clearing:cards", -71))  # fmt: skip


def flowing(followed):
    return {(one.source, one.target): one.amount.minor for one in followed.flows}


def test_each_coin_is_followed_from_who_paid_to_where_it_is(city):
    at = clock.now()
    week(city, at)
    # Another day's ride is none of this.
    other = uuid4()
    post(f"capture:{other}", "capture", other, at - timedelta(days=40),
         ("clearing:cards", 99), ("city:la-serena:fees", -99))  # fmt: skip

    followed = flows.follow(city, at - timedelta(days=1), at + timedelta(days=1))

    told = flowing(followed)
    assert followed.taken == Money(7350, "CLP")
    assert sum(minor for (source, _), minor in told.items() if source == "card") == 4900
    assert sum(minor for (source, _), minor in told.items() if source == "cash") == 2450
    assert sum(minor for (_, target), minor in told.items() if target == "provider") == 6624
    assert {pair: minor for pair, minor in told.items() if pair[0] in flows.SHARES} == {
        ("provider", "refunded"): 400,
        ("provider", "kept"): 2450,
        ("provider", "owed"): 6624 - 400 - 2450,
        ("platform", "fees"): 142,
        ("platform", "stays"): 231 - 142,
        ("city", "owed"): 450,
        ("tax", "owed"): 45,
    }


def test_what_goes_into_a_place_comes_out_of_it(city):
    at = clock.now()
    week(city, at)
    told = flowing(flows.follow(city, at - timedelta(days=1), at + timedelta(days=1)))

    for place in flows.SHARES:
        enters = sum(minor for (_, target), minor in told.items() if target == place)
        assert enters == sum(minor for (source, _), minor in told.items() if source == place)


def test_fees_beyond_the_platforms_part_are_said_and_not_drawn():
    rows = [("capture", "clearing", False, "", 100), ("capture", "platform", True, "", -10),
            ("capture", "provider", True, "PAID", -90), ("gateway_fee", "gateway", False, "", 32),
            ("refund", "provider", False, "", 20)]  # fmt: skip

    followed = flows.divided(rows, "EUR")

    assert flowing(followed) == {
        ("card", "provider"): 90, ("card", "platform"): 10, ("platform", "fees"): 10,
        ("provider", "refunded"): 20, ("provider", "paid"): 70,
    }  # fmt: skip
    assert (followed.beyond.minor, followed.overpaid.minor) == (22, 20)


def test_widths_in_the_picture_are_in_proportion_to_money():
    euro = [flows.Flow("card", "provider", Money(300, "EUR"), "captures"),
            flows.Flow("card", "tax", Money(100, "EUR"), "captures")]  # fmt: skip
    bars, ribbons = sankey.drawn(euro)

    heights = {bar.name: bar.height for bar in bars}
    assert heights["provider"] == pytest.approx(3 * heights["tax"], abs=0.02)
    assert heights["card"] == pytest.approx(4 * heights["tax"], abs=0.03)
    assert len(ribbons) == 2
    assert sankey.drawn([]) == ([], [])


def test_ages_of_clearing_sum_to_its_balance_and_what_came_first_left_first():
    at = datetime(2026, 11, 30, 12, tzinfo=UTC)
    for days, minor in ((40, 100), (5, 200), (0, 300), (0, -150)):
        moment = at - timedelta(days=days)
        post(f"capture:{days}:{minor}", "capture", None, moment,
             ("clearing:cards", minor), ("platform:fees", -minor))  # fmt: skip
    late = uuid4()
    post("payout:1", "payout", late, at - timedelta(days=2),
         ("provider:1:payable", 70), ("payouts:in-transit", -70))  # fmt: skip
    done = uuid4()
    post("payout:2", "payout", done, at, ("provider:1:payable", 5), ("payouts:in-transit", -5))
    post("transfer:2", "transfer", done, at, ("payouts:in-transit", 5), ("bank:payouts", -5))

    ages = {one.code: one.sums for one in queries.ageing(at)}

    assert ages == {
        "clearing:cards": (300, 0, 150, 0, 0),
        "payouts:in-transit": (0, -70, 0, 0, 0),
        "bank:payouts": (-5, 0, 0, 0, 0),
    }
    assert [(one.about, one.days) for one in queries.items(at)] == [(str(late), 2), (str(done), 0)]


def test_every_account_belongs_to_one_place():
    assert {code: queries.place_of(code).name for code in (
        "clearing:cards", "provider:7:payable", "provider:7:reserve", "provider:7:cash",
        "city:la-serena:fees", "tax:la-serena:vat", "bank:payouts", "vouchers:spring", "x",
    )} == {
        "clearing:cards": "gateway", "provider:7:payable": "providers",
        "provider:7:reserve": "reserve", "provider:7:cash": "cash",
        "city:la-serena:fees": "city", "tax:la-serena:vat": "tax", "bank:payouts": "sent",
        "vouchers:spring": "vouchers", "x": "other",
    }  # fmt: skip


def test_every_number_of_the_treasury_leads_to_rows(officer, city):
    week(city, clock.now())
    operations.reconcile(by=BY, at=clock.now())

    for address in ("/admin/money/", "/admin/money/reconciliation/"):
        page = officer.get(address)
        assert page.status_code == 200
        content = page.content.decode().partition('class="office"')[2]
        links = {unescape(one) for one in re.findall(r'href="(/admin/[^"]+)"', content)}
        assert len(links) > 8
        assert {one: officer.get(one).status_code for one in links} == dict.fromkeys(links, 200)


def test_days_that_are_none_are_asked_for_again(officer, city):
    answer = officer.get("/admin/money/?since=2026-12-01&until=2026-11-01")
    assert answer.status_code == 400
    assert "The days are in order, and at most a year." in answer.content.decode()
    assert officer.get("/admin/money/?city=nowhere&since=x").status_code == 400


def test_a_statement_is_handed_in_once_and_a_bad_one_is_named_line_by_line(officer):
    def hand_in(content, kind="camt", **more):
        file = SimpleUploadedFile("november.xml", content)
        return officer.post("/admin/money/statements/", {"kind": kind, "file": file, **more})

    assert hand_in(camt()).status_code == 302
    again = hand_in(camt())
    assert (again.status_code, "This file was handed in before." in again.content.decode()) == (
        400, True,
    )  # fmt: skip
    bad = hand_in(camt(entries='\n<Ntry><Amt Ccy="CLP">x</Amt></Ntry>'))
    assert bad.status_code == 400
    assert "Line 2: “x” is not an amount" in unescape(bad.content.decode())
    assert "A bank&#x27;s CSV needs this column." in hand_in(b"a", "csv").content.decode()
    assert BankLine.objects.count() == 1
    sheet = b"day;sum\n2026-11-24;5\n2026-11-25;-3\n"
    more = {"day": "day", "amount": "sum", "currency": "CLP"}
    assert hand_in(sheet, "csv", **more).status_code == 302
    assert BankLine.objects.count() == 3


def test_a_difference_is_worked_on_in_the_office_with_four_eyes(client):
    at = clock.now()
    line = seeded._line(1, "charge", 500, "ch_1", "pi_1", at - timedelta(hours=2))
    operations.keep_lines(lines=[line], by=BY, at=at)
    post("capture:1", "capture", None, at, ("clearing:cards", 9), ("platform:fees", -9))
    operations.reconcile(by=BY, at=at)
    one = Difference.objects.get()
    people = [factories.UserFactory(is_staff=True, is_superuser=True) for _ in range(2)]

    def act(person, action, **more):
        client.force_login(person)
        told = {"action": action, "_selected_action": [one.pk], "because": "1", **more}
        client.post("/admin/treasury/difference/", told)
        one.refresh_from_db()
        return one.state

    assert act(people[0], "propose", reason="found", counter="nowhere") == "OPEN"
    assert act(people[0], "propose", reason="found", counter="platform:fees") == "PROPOSED"
    assert act(people[0], "approve", reason="yes") == "PROPOSED"
    # An account that must not fall further is a reason to say no, and not an error.
    now = {"code": "platform:fees", "currency": "CLP", "by": BY, "at": at}
    ledger.limit(least_minor=-9, **now)
    assert act(people[1], "approve", reason="yes") == "PROPOSED"
    ledger.limit(**now)
    assert act(people[1], "approve", reason="yes") == "CORRECTED"
    assert one.correction.by == str(Actor(Kind.OFFICER, str(people[1].pk)))


@each_look
def test_officers_can_read_the_treasury(new_page, site, width, theme, transactional_db):
    at = clock.now()
    city = CityFactory()
    week(city, at)
    lines = [seeded._line(n, "charge", 500 + n, f"ch_{n}", f"pi_{n}", at - timedelta(hours=2))
             for n in range(3)]  # fmt: skip
    operations.keep_lines(lines=lines, by=BY, at=at)
    operations.advance(held={"CLP": 1503}, at=at)
    operations.compare(by=BY, at=at)
    assert GatewayLine.objects.count() == 3
    lang = "es" if theme == "dark" else "en"
    person = factories.UserFactory(
        is_staff=True, is_superuser=True, password="a long password", language=lang
    )
    page = new_page(width=width, theme=theme, lang=lang)
    page.goto(f"{site}/accounts/login/")
    page.fill("[name=login]", person.email)
    page.fill("[name=password]", "a long password")
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{site}/")

    for name in ("", "reconciliation/", "statements/"):
        page.goto(f"{site}/admin/money/{name}")
        shot = name.strip("/") or "money"
        screenshot(page, f"treasury-{shot}-{width}-{theme}", full=True)
        assert_accessible(page, but=THE_ADMINS_OWN)
    assert page.locator("#hand-in").inner_text() == (
        "Entregar un extracto" if lang == "es" else "Hand in a statement"
    )


def test_machines_are_told_what_is_open_and_what_differs(client, settings):
    settings.METRICS_TOKEN = "word"
    at = clock.now()
    post("capture:1", "capture", None, at, ("clearing:cards", 9), ("platform:fees", -9))
    line = seeded._line(1, "charge", 500, "ch_1", "pi_1", at - timedelta(hours=2))
    operations.keep_lines(lines=[line], by=BY, at=at)
    operations.compare(by=BY, at=at)

    told = client.get("/metrics", headers={"Authorization": "Bearer word"}).content.decode()

    # CLP 9 that came in, less a fee of CLP 14.
    young = 'city_clearing_open_minor{account="clearing:cards",currency="CLP",days="under_1"} -5.0'
    assert young in told
    assert "city_differences_open 1.0" in told
