"""What providers decide on their pages, who may read which paper, and what officers set."""

from uuid import uuid4

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client

from apps.kernel import clock
from apps.kernel.money import Money
from apps.parties import operations as parties
from apps.parties.models import Membership
from apps.places.models import City
from apps.settlement import operations
from apps.settlement.forms import PlanForm
from apps.settlement.models import Invoice, Payee, Payout, PayoutPlan
from tests import factories
from tests.browser import assert_accessible, screenshot
from tests.factories import CITY, CityFactory
from tests.settlement.test_nights import book

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rosa(transactional_db):
    CityFactory(slug="la-serena")
    return factories.UserFactory(name="Rosa Vega")


@pytest.fixture
def casa(rosa):
    made = parties.found_provider(name="Casa Elqui", owner_id=rosa.pk, by=CITY, at=clock.now())
    made.tax_id = "76.123.456-7"
    made.save()
    return made


@pytest.fixture
def accountant(casa):
    person = factories.UserFactory()
    role = Membership.Role.ACCOUNTANT
    parties.add_member(provider_id=casa.pk, user_id=person.pk, role=role, by=CITY, at=clock.now())
    return person


def invoice(casa, consumer=None, credits=None, **more):
    return operations.issue(
        key=str(uuid4()),
        kind=Invoice.Kind.CREDIT if credits else Invoice.Kind.INVOICE,
        provider=casa,
        lines=[{"label": "Viaje a Peñalolén <b>", "minor": 2450, "to": "PROVIDER"}],
        currency="CLP",
        day=clock.now().date(),
        credits=credits,
        by=CITY,
        at=clock.now(),
        **({"consumer": consumer, "recipient_name": "Camila"} if consumer else more),
    )


class TestPlan:
    def test_the_owner_chooses_and_the_page_says_so(self, client, rosa, casa):
        book(casa, 2208, "capture:1")
        client.force_login(rosa)

        answer = client.post(
            "/earnings/plan/CLP/",
            {"schedule": "WEEKLY", "weekday": "4", "minimum": "3000"},
            follow=True,
        )

        plan = PayoutPlan.objects.get()
        assert (plan.schedule, plan.weekday, plan.minimum_minor) == ("WEEKLY", 4, 3000)
        page = answer.content.decode()
        assert "Once a week: Friday" in page
        assert "792" in page
        assert "Pay me now" not in page

    @pytest.mark.parametrize(
        "change",
        [
            {"schedule": "HOURLY"},
            {"weekday": "9"},
            {"minimum": "-1"},
            {"minimum": "1.5"},
            {"minimum": "NaN"},
            {"minimum": "9" * 40},
            {"minimum": "lots"},
        ],
    )
    def test_nonsense_is_said_and_changes_nothing(self, client, rosa, casa, change):
        book(casa, 2208, "capture:1")
        client.force_login(rosa)
        told = {"schedule": "WEEKLY", "weekday": "4", "minimum": "3000"} | change

        assert client.post("/earnings/plan/CLP/", told).status_code == 422
        assert not PayoutPlan.objects.exists()

    def test_more_than_anybody_is_paid_is_said_in_coins_too(self):
        told = {"schedule": "DAILY", "weekday": "0"}

        most = PlanForm(told | {"minimum": "10000000000"}, currency="EUR")
        more = PlanForm(told | {"minimum": "10000000000.01"}, currency="EUR")

        assert most.is_valid()
        assert most.cleaned_data["minimum"] == operations.LARGEST_MINIMUM
        assert list(more.errors) == ["minimum"]

    def test_whoever_only_reads_the_money_decides_nothing(self, client, casa, accountant):
        book(casa, 2208, "capture:1")
        client.force_login(accountant)

        assert "Pay me now" not in client.get("/earnings/").content.decode()
        for page in ("plan", "now"):
            assert client.get(f"/earnings/{page}/CLP/").status_code == 404
            assert client.post(f"/earnings/{page}/CLP/").status_code == 404
        assert client.get("/earnings/plan/XYZ/").status_code == 404


class TestPayNow:
    def test_the_fee_is_shown_before_it_is_taken(self, client, rosa, casa):
        book(casa, 2250, "capture:1")
        client.force_login(rosa)

        page = client.get("/earnings/now/CLP/")
        assert (page.context["fee"], page.context["left"]) == (23, 2227)
        told = {"key": page.context["keys"][1], "instant": "on", "fee": "23"}
        first = client.post("/earnings/now/CLP/", told)
        again = client.post("/earnings/now/CLP/", told)

        payout = Payout.objects.get()
        assert first["Location"] == again["Location"] == f"/earnings/{payout.ref}/"
        assert (payout.amount, payout.fee_minor) == (Money(2227, "CLP"), 23)

    @pytest.mark.parametrize(
        ("told", "says"),
        [
            ({"key": "none", "fee": "0"}, "not whole"),
            ({"key": str(uuid4()), "fee": "-1"}, "not whole"),
            ({"key": str(uuid4()), "instant": "on", "fee": "22"}, "fee changed"),
        ],
    )
    def test_what_is_not_what_was_shown_pays_nothing(self, client, rosa, casa, told, says):
        book(casa, 2250, "capture:1")
        client.force_login(rosa)

        assert says in client.post("/earnings/now/CLP/", told, follow=True).content.decode()
        assert not Payout.objects.exists()

    def test_when_nothing_can_be_paid_it_says_so(self, client, rosa, casa):
        book(casa, -100, "refund:1", "refund")
        client.force_login(rosa)

        page = client.get("/earnings/now/CLP/", follow=True).content.decode()

        assert "nothing that could be paid" in page


class TestPapers:
    def test_statement_and_invoice_on_paper(self, client, rosa, casa):
        book(casa, 2250, "capture:1")
        payout = operations.settle(
            provider_id=casa.pk, currency="CLP", day=clock.now().date(), by=CITY, at=clock.now()
        )
        found = invoice(casa, rosa)
        client.force_login(rosa)

        for address in (f"/earnings/{payout.ref}.pdf", f"/invoices/{found.ref}.pdf"):
            answer = client.get(address)
            assert answer["Content-Type"] == "application/pdf"
            assert answer.content.startswith(b"%PDF-")
        page = client.get(f"/invoices/{found.ref}/").content.decode()
        assert "Peñalolén &lt;b&gt;" in page
        assert found.code in client.get("/earnings/invoices/").content.decode()

    def test_who_reads_an_invoice(self, client, rosa, casa, accountant):
        camila = factories.UserFactory()
        found = invoice(casa, camila)
        credit = invoice(casa, camila, credits=found)
        stranger = factories.UserFactory(is_staff=True, is_superuser=True)
        for person, status in ((camila, 200), (rosa, 200), (accountant, 200), (stranger, 404)):
            client.force_login(person)
            for address in (f"/invoices/{found.ref}/", f"/invoices/{credit.ref}.pdf"):
                assert client.get(address).status_code == status

    def test_the_platforms_invoice_is_for_the_provider(self, client, rosa, casa):
        found = invoice(None, recipient=casa, recipient_name=casa.name)
        client.force_login(rosa)

        assert "City platform" in client.get(f"/invoices/{found.ref}/").content.decode()


def act(client, row, model, action, **more):
    form = {"action": action, ACTION_CHECKBOX_NAME: row.pk, "because": "1"} | more
    return client.post(f"/admin/settlement/{model}/", form, follow=True)


class TestOffice:
    def test_an_officer_keeps_back_a_reserve(self, admin_client, casa):
        plan = PayoutPlan.objects.create(provider=casa, currency="CLP")

        told = {"reserve": "12.5", "days": "30", "fee": "1", "reason": "many refunds"}
        act(admin_client, plan, "payoutplan", "set_reserve", **told)

        plan.refresh_from_db()
        assert (plan.reserve_bp, plan.reserve_days, plan.instant_bp) == (1250, 30, 100)

        act(admin_client, plan, "payoutplan", "set_reserve", **told | {"reserve": "51"})
        plan.refresh_from_db()
        assert plan.reserve_bp == 1250

    def test_an_officer_says_where_the_city_is_paid(self, admin_client, rosa):
        payee = operations.ensure_payees(the_city())[0]
        told = {"bank_account": "12", "schedule": "NIGHTLY", "reason": "letter"}

        answer = act(admin_client, payee, "payee", "set_payee", **told)
        assert "no bank account" in answer.content.decode()
        told["bank_account"] = "0123-4567-89"
        act(admin_client, payee, "payee", "set_payee", **told)

        asked = {"account": "0123456789", "reason": "I rang them up"}
        answer = act(admin_client, payee, "payee", "approve", **asked)
        assert "you proposed it yourself" in answer.content.decode()
        assert Payee.objects.get(pk=payee.pk).bank_account == ""

        second = Client()
        second.force_login(factories.UserFactory(is_staff=True, is_superuser=True))
        act(second, payee, "payee", "approve", **asked)
        assert Payee.objects.get(pk=payee.pk).bank_account == "0123456789"

    def test_the_years_report_is_downloaded(self, admin_client, rosa, casa):
        for ends in ("csv", "xml"):
            answer = admin_client.get(f"/admin/settlement/invoice/dac7-{ends}/", {"year": "2026"})
            assert answer["Content-Disposition"] == f'attachment; filename="dac7-2026.{ends}"'
        for year in ("1999", "x", "²026", "99999"):
            page = admin_client.get("/admin/settlement/invoice/dac7-csv/", {"year": year})
            assert page.status_code == 422

    def test_the_pages_of_the_office_open(self, admin_client, casa, rosa):
        invoice(casa, rosa)
        operations.ensure_payees(the_city())
        for model in ("payout", "payoutplan", "payee", "reserve", "shortfall", "invoice"):
            assert admin_client.get(f"/admin/settlement/{model}/").status_code == 200


def the_city():
    return City.objects.get()


@pytest.mark.parametrize(
    ("width", "theme", "lang"), [(390, "light", "es"), (390, "dark", "en"), (1280, "light", "en")]
)
def test_in_a_browser(client, new_page, site, rosa, casa, width, theme, lang):
    operations.set_reserve(
        provider_id=casa.pk,
        currency="CLP",
        reserve_bp=1000,
        reserve_days=30,
        instant_bp=100,
        reason="new",
        by=factories.OFFICER,
        at=clock.now(),
    )
    book(casa, 42_250, "capture:1", at=clock.now())
    operations.settle(
        provider_id=casa.pk, currency="CLP", day=clock.now().date(), by=CITY, at=clock.now()
    )
    book(casa, 22_250, "capture:2", at=clock.now())
    found = invoice(casa, rosa)
    client.force_login(rosa)
    page = new_page(width=width, theme=theme, lang=lang)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}
    page.context.add_cookies([cookie])
    for name, address in (
        ("money", "/earnings/"),
        ("plan", "/earnings/plan/CLP/"),
        ("paynow", "/earnings/now/CLP/"),
        ("invoices", "/earnings/invoices/"),
        ("invoice", f"/invoices/{found.ref}/"),
    ):
        page.goto(f"{site}{address}")
        assert_accessible(page)
        screenshot(page, f"{name}-{width}-{theme}-{lang}")
