"""The fee of an application: paid once with a card, booked for the city, and given back."""

from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from apps.bus.models import Event
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.ledger.models import Journal
from apps.parties import operations as parties
from apps.payments import operations as payments
from apps.payments.models import Payment
from apps.regulation import operations as regulation
from apps.regulation.models import Application
from apps.settlement import fees
from apps.settlement import operations as settlement
from tests import cases
from tests.browser import assert_accessible, screenshot, watch
from tests.factories import CITY, OFFICER, CityFactory, UserFactory
from tests.payments.city import balances, relay
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
FEE = 25_000
PERMIT_FEES = "city:la-serena:permit-fees"


@pytest.fixture
def application(town) -> Application:
    return applied(town)


def applied(town, **terms) -> Application:
    """Camila runs a cooperative, and applies for it; the fee goes back if the city says no."""
    provider, _owner = cases.provider(owner=town.rider, name="Cooperativa Elqui")
    said = {"fee_minor": FEE, "fee_is_refundable": True, "needs_inspection": False} | terms
    regulation.set_permit_terms(
        city_id=CityFactory().pk,
        vertical="mobility",
        title="Permit to carry people",
        months=12,
        series="MOV",
        by=OFFICER,
        at=clock.now(),
        **said,
    )
    return regulation.apply_for_permit(
        key=uuid4(),
        city_id=CityFactory().pk,
        vertical="mobility",
        provider_id=provider.pk,
        words="Ten cars in the centre.",
        person_id=town.rider.pk,
        by=town.rider.acting(Kind.PROVIDER),
        at=clock.now(),
    )


def pay(town, application, *, card=None, key=None):
    return fees.pay(
        case_id=application.pk,
        payer_id=town.rider.pk,
        card_id=(card or town.card).pk,
        key=key or uuid4(),
        by=town.rider.acting(Kind.PROVIDER),
        at=clock.now(),
    )


def at_the_counter(application, receipt="R-1"):
    regulation.note_fee_paid(
        case_id=application.pk,
        payment=receipt,
        reason="in cash",
        person_id=UserFactory().pk,
        by=OFFICER,
        at=clock.now(),
    )


def decided(application, outcome):
    who = cases.officer()
    cases.taken(application.case, who, at=clock.now())
    regulation.decide_application(
        case_id=application.pk,
        officer_id=who.pk,
        outcome=outcome,
        words="So it is.",
        by=OFFICER,
        at=clock.now(),
    )


def fresh(application) -> Application:
    return Application.objects.select_related("case").get(pk=application.pk)


def signed_in(user, **more) -> Client:
    client = Client(**more)
    client.force_login(user)
    return client


def body(answer) -> str:
    return answer.content.decode().replace("\xa0", " ")


class TestPaying:
    def test_a_card_pays_and_the_books_say_that_the_city_has_it(self, town, application):
        payment = pay(town, application)
        relay()

        payment.refresh_from_db()
        assert (payment.state, payment.captured_minor, payment.label) == (
            "CAPTURED",
            FEE,
            "C-1-F1",
        )
        journal = Journal.objects.get(key=f"capture:{payment.holder}")
        assert (journal.kind, journal.about) == ("permit_fee", application.case.ref)
        assert balances() == {"clearing:cards": FEE, PERMIT_FEES: -FEE}
        found = fresh(application)
        assert (found.payment, found.paid_at is None) == ("C-1-F1", False)
        assert Event.objects.filter(topic="regulation.permit_fee_paid").count() == 1

    def test_the_same_key_is_one_payment_and_another_card_is_another_body(self, town, application):
        key, other = uuid4(), town.card_like("pm_card_mastercard")

        assert pay(town, application, key=key) == pay(town, application, key=key)
        relay()
        assert pay(town, application, key=key) == Payment.objects.get()
        with pytest.raises(payments.KeyReused):
            pay(town, application, key=key, card=other)
        with pytest.raises(fees.NothingDue):
            pay(town, application)

    @pytest.mark.parametrize(
        ("method", "says"),
        [
            ("pm_card_chargeCustomerFail", "Your bank refused the card."),
            (
                "pm_card_authenticationRequired",
                "Your bank wants you to confirm the payment yourself",
            ),
        ],
    )
    def test_a_refused_card_is_said_in_words_and_another_pays(
        self, town, application, method, says
    ):
        bad = town.card_like(method)
        pay(town, application, card=bad)
        relay()
        assert balances() == {}

        page = body(signed_in(town.rider).get(f"/cases/{application.case.ref}/fee/"))
        assert says in page
        assert "Nothing was taken. Try another card." in page
        pay(town, application)
        relay()

        assert fresh(application).payment == "C-1-F2"
        assert balances()[PERMIT_FEES] == -FEE
        refused, paid = town.intents()
        assert (refused.status, paid.status) == ("requires_payment_method", "succeeded")

    def test_nothing_is_due_without_a_fee_or_when_the_case_is_closed(self, town):
        free = applied(town, fee_minor=0)
        with pytest.raises(fees.NothingDue):
            pay(town, free)
        decided(free, "refused")
        costly = applied(town)
        decided(costly, "refused")
        with pytest.raises(fees.NothingDue):
            pay(town, costly)

    def test_somebody_elses_card_pays_no_fee(self, town, application):
        with pytest.raises(payments.NoSuchCard):
            fees.pay(
                case_id=application.pk,
                payer_id=UserFactory().pk,
                card_id=town.card.pk,
                key=uuid4(),
                by=CITY,
                at=clock.now(),
            )

    def test_a_night_of_settlements_passes_a_fee_by(self, town, application):
        pay(town, application)
        relay()

        assert settlement.settle_all(at=clock.now() + timedelta(days=1)) == []
        assert balances() == {"clearing:cards": FEE, PERMIT_FEES: -FEE}


class TestGivingBack:
    @pytest.mark.parametrize("is_refundable", [True, False])
    def test_a_refusal_gives_back_what_the_terms_said(self, town, is_refundable):
        application = applied(town, fee_is_refundable=is_refundable)
        pay(town, application)
        relay()
        # The terms of later applications change nothing for this one.
        decided(application, "refused")
        relay()

        payment = Payment.objects.get()
        assert payment.refunded_minor == (FEE if is_refundable else 0)
        assert balances() == ({} if is_refundable else {"clearing:cards": FEE, PERMIT_FEES: -FEE})
        assert (fresh(application).fee_returned_at is not None) is is_refundable
        fees.give_back_when_refused(case_id=application.pk, by=CITY, at=clock.now())
        relay()
        assert Payment.objects.get().refunded_minor == payment.refunded_minor

    def test_a_granted_permit_keeps_its_fee(self, town, application):
        pay(town, application)
        relay()
        decided(application, "granted")
        relay()

        assert balances()[PERMIT_FEES] == -FEE

    def test_paid_at_the_counter_meanwhile_the_card_gets_it_back(self, town, application):
        pay(town, application)
        at_the_counter(application)
        with pytest.raises(fees.NothingDue):
            pay(town, application)
        relay()

        found = fresh(application)
        assert (found.payment, found.fee_returned_at) == ("R-1", None)
        assert Payment.objects.get().refunded_minor == FEE
        assert balances() == {}
        page = body(signed_in(town.rider).get(f"/cases/{application.case.ref}/fee/"))
        assert "R-1" in page
        assert "Given back" in page

    def test_closed_while_the_bank_is_asked_the_card_gets_it_back(self, town):
        application = applied(town, fee_is_refundable=False)
        pay(town, application)
        decided(application, "refused")
        relay()

        assert fresh(application).paid_at is None
        assert Payment.objects.get().refunded_minor == FEE

    def test_news_that_comes_twice_gives_nothing_back_twice(self, town, application):
        payment = pay(town, application)
        relay()
        for _ in range(2):
            fees.note_taken(payment_id=payment.pk, by=CITY, at=clock.now())
        decided(application, "granted")
        fees.note_taken(payment_id=payment.pk, by=CITY, at=clock.now())
        relay()

        assert Payment.objects.get().refunded_minor == 0


class TestRaces:
    def test_six_clicks_at_once_pay_once(self, town, application):
        results = at_once(*[lambda: pay(town, application)] * 6)
        relay()

        assert sum(isinstance(one, fees.NothingDue) for one in results) == 5
        assert Journal.objects.filter(kind="permit_fee").count() == 1
        assert balances()[PERMIT_FEES] == -FEE

    def test_without_the_lock_and_the_holder_two_clicks_pay_twice(self, town, application):
        """The naive control: look whether something is due, then pay under a name of one's own."""
        both_have_looked = Barrier(2, timeout=30)

        def naive():
            assert fees.is_due(fresh(application))
            both_have_looked.wait()
            payment = town.open(minor=FEE)
            town.capture(payment, minor=FEE, split=[(PERMIT_FEES, FEE)])

        at_once(naive, naive)
        relay()

        assert balances()[PERMIT_FEES] == -2 * FEE

    def test_the_counter_and_the_card_at_once_leave_the_city_with_one_fee(self, town, application):
        at_once(lambda: pay(town, application), lambda: at_the_counter(application), relay)
        relay()

        taken = -balances().get(PERMIT_FEES, 0)
        assert taken == (0 if fresh(application).payment == "R-1" else FEE)


class TestPages:
    def test_from_the_button_to_the_receipt(self, town, application):
        camila, address = signed_in(town.rider), f"/cases/{application.case.ref}/fee/"
        case = f"/cases/{application.case.ref}/"
        assert address in body(camila.get(case))
        assert "Pay CLP 25,000" in body(camila.get(address))
        sent = {"card": town.card.pk, "key": str(uuid4())}

        camila.post(address, sent)
        assert "Your bank is being asked." in body(camila.get(address))
        camila.post(address, sent)
        relay()

        page = body(camila.get(address))
        assert "C-1-F1" in page
        assert str(town.card) in page
        assert "Receipt" in body(camila.get(case))
        assert Payment.objects.count() == 1

    def test_a_form_that_is_wrong_says_why(self, town, application):
        camila, address = signed_in(town.rider), f"/cases/{application.case.ref}/fee/"
        for sent, says in (
            ({"key": str(uuid4())}, "Choose a card."),
            ({"key": str(uuid4()), "card": town.card.pk + 99}, "Choose one of your own cards."),
            ({"key": "x", "card": town.card.pk}, "valid UUID"),
        ):
            assert says in body(camila.post(address, sent, follow=True))
        assert not Payment.objects.exists()

    def test_a_colleague_sees_who_paid_but_no_card_and_a_stranger_finds_nothing(
        self, town, application
    ):
        pay(town, application)
        relay()
        address, pal = f"/cases/{application.case.ref}/fee/", UserFactory()
        parties.add_member(
            provider_id=application.case.provider_id,
            user_id=pal.pk,
            role="OWNER",
            by=CITY,
            at=clock.now(),
        )
        page = body(signed_in(pal).get(address))
        assert "Camila Rojas" in page
        assert town.card.last4 not in page
        stranger = signed_in(UserFactory())
        assert stranger.get(address).status_code == 404
        sent = {"card": town.card.pk, "key": str(uuid4())}
        assert stranger.post(address, sent).status_code == 404

    def test_an_officer_reads_the_receipt_and_pays_for_nobody(self, town, application):
        pay(town, application)
        relay()
        who, address = cases.officer(), f"/cases/{application.case.ref}/fee/"
        officer = signed_in(who)
        page = body(officer.get(address))
        assert "C-1-F1" in page
        assert town.card.last4 not in page
        sent = {"card": town.card.pk, "key": str(uuid4())}
        assert officer.post(address, sent).status_code == 404
        desk = reverse("admin:regulation_casefile_change", args=[application.pk])
        assert address in body(officer.get(desk))

    def test_by_the_api(self, town, application):
        camila = signed_in(town.rider, headers={"idempotency-key": "f1"})
        address = f"/api/v1/cases/{application.case.ref}/fee"
        assert camila.get(address).status_code == 404
        asked = {"card": town.card.pk}

        first = camila.post(address, asked, "application/json")
        again = camila.post(address, asked, "application/json")
        relay()

        assert (first.status_code, first.json()) == (201, again.json())
        told = camila.get(address).json()
        assert (told["state"], told["receipt"], told["refunded_minor"]) == ("CAPTURED", "C-1-F1", 0)
        other = signed_in(town.rider, headers={"idempotency-key": "f2"})
        answer = other.post(address, asked, "application/json")
        assert (answer.status_code, answer.json()["code"]) == (409, "nothing_due")
        stranger = signed_in(UserFactory(), headers={"idempotency-key": "f1"})
        assert stranger.post(address, asked, "application/json").status_code == 404
        assert signed_in(town.rider).post(address, asked, "application/json").status_code == 400


@pytest.mark.parametrize(("width", "theme", "lang"), [(390, "dark", "es"), (1280, "light", "en")])
def test_in_a_browser(new_page, site, town, application, width, theme, lang):
    page = new_page(width=width, theme=theme, lang=lang)
    cookie = signed_in(town.rider)
    value = cookie.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": value, "url": site}])
    told = watch(page)
    case = f"{site}/cases/{application.case.ref}/"

    def show(name):
        assert_accessible(page)
        screenshot(page, f"fee-{name}-{width}-{theme}", full=True)

    page.goto(case)
    show("case")
    page.locator(f"a[href='/cases/{application.case.ref}/fee/']").click()
    show("owed")
    page.locator("form[aria-labelledby=pay] button").click()
    show("asked")
    relay()
    page.reload()
    show("paid")
    decided(application, "refused")
    relay()
    page.reload()
    show("returned")
    assert told == []
