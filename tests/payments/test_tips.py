"""A tip, from the receipt to the driver's statement, at a real sandbox bank."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError
from django.test import Client

from apps.kernel import clock
from apps.ledger.models import Journal
from apps.mobility import at_work
from apps.orders import tips
from apps.orders.models import Order
from apps.payments import operations as payments
from apps.payments.gateway import StripeGateway
from apps.payments.models import Customer, Payment
from apps.pricing.models import Tariff
from apps.settlement import operations as settlement
from apps.settlement import queries as statements
from tests import factories, rides
from tests.factories import CITY
from tests.payments import city
from tests.payments.city import balances, relay
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def town(bank, transactional_db):
    town = rides.town()
    Tariff.objects.update(valid=factories.FOR_GOOD)
    town.wallet = city.Town(bank, town.worker.provider, town.rider, town.card)
    gateway = StripeGateway(bank.env["STRIPE_API_KEY"], bank.url)
    known = gateway.open_customer(email=town.rider.email, name="Camila", key=str(uuid4()))
    Customer.objects.filter(user=town.rider).update(reference=known)
    town.rider.cards.all().delete()
    town.card = town.wallet.card_like("pm_card_visa")
    return town


@pytest.fixture
def order(town) -> Order:
    order = town.drive(town.confirm(at=clock.now()), clock.now() - timedelta(hours=1))
    relay()
    order.refresh_from_db()
    return order


def give(town, order, minor=500, card=None, key: UUID | None = None, at=None):
    return tips.give(
        ref=order.ref,
        amount_minor=minor,
        card_id=(card or town.card).pk,
        key=key or uuid4(),
        by=CITY,
        at=at or clock.now(),
    )


def payable(town) -> str:
    return f"provider:{town.worker.provider_id}:payable"


def signed_in(user, **more) -> Client:
    client = Client(**more)
    client.force_login(user)
    return client


def body(answer) -> str:
    return answer.content.decode().replace("\xa0", " ")


class TestGiving:
    def test_all_of_it_is_booked_for_the_provider(self, town, order):
        before = balances()[payable(town)]

        tip = give(town, order)
        relay()

        tip.refresh_from_db()
        assert (tip.state, tip.captured_minor, tip.label) == ("CAPTURED", 500, f"{order.code} tip")
        journal = Journal.objects.get(key=f"capture:{tip.holder}")
        assert (journal.kind, journal.about) == ("tip", order.ref)
        entries = journal.entries.order_by("seq").values_list("account__code", "amount_minor")
        assert list(entries) == [("clearing:cards", 500), (payable(town), -500)]
        assert balances()[payable(town)] == before - 500

    def test_the_same_key_is_one_tip_and_another_body_is_refused(self, town, order):
        key = uuid4()

        assert give(town, order, key=key) == give(town, order, key=key)
        relay()
        assert give(town, order, key=key) == Payment.objects.get(booked_as="tip")
        with pytest.raises(payments.KeyReused):
            give(town, order, minor=300, key=key)

    def test_an_order_is_tipped_once(self, town, order):
        give(town, order)

        with pytest.raises(tips.Given):
            give(town, order)

    @pytest.mark.parametrize("far", [-1, 0, 1])
    def test_at_most_twice_the_price(self, town, order, far):
        minor = 2 * order.charged_minor + far
        if far > 0:
            with pytest.raises(tips.TooMuch):
                give(town, order, minor=minor)
        else:
            assert give(town, order, minor=minor).amount_minor == minor
        with pytest.raises(tips.TooMuch if far > 0 else tips.Given):
            give(town, order, minor=0 if far > 0 else 1)

    def test_for_seven_days_and_only_when_it_is_done(self, town, order):
        week = order.ended_at + timedelta(days=7)
        with pytest.raises(tips.NotOpen):
            give(town, order, at=week + timedelta(seconds=1))
        with pytest.raises(tips.NotOpen):
            give(town, town.place(at=clock.now()))

        assert give(town, order, at=week)

    def test_somebody_elses_card_pays_no_tip(self, town, order):
        with pytest.raises(payments.NoSuchCard):
            give(town, order, card=rides.card_of(factories.UserFactory()))

    def test_a_refused_card_may_be_followed_by_another(self, town, order):
        bad, key = town.wallet.card_like("pm_card_chargeCustomerFail"), uuid4()
        refused = give(town, order, card=bad, key=key)
        relay()
        assert give(town, order, card=bad, key=key) == refused

        page = body(signed_in(town.rider).get(f"/orders/{order.ref}/"))
        assert "refused" in page
        assert "Nothing was taken. Try another card." in page
        give(town, order)
        relay()

        tip = tips.of(order)
        assert (tip.state, tip.captured_minor, tip.card) == ("CAPTURED", 500, town.card)
        assert Payment.objects.filter(booked_as="tip").count() == 2
        assert Journal.objects.filter(kind="tip").count() == 1


class TestSeen:
    def test_the_driver_sees_it_today_and_on_the_statement(self, town, order):
        give(town, order)
        relay()

        now = clock.now()
        since = now - timedelta(hours=5)
        assert at_work.tips(town.worker, since=since, until=now + timedelta(seconds=1)) == 500
        payout = settlement.settle(
            provider_id=town.worker.provider_id,
            currency="CLP",
            day=now.date(),
            by=CITY,
            at=now,
        )
        lines = statements.lines(list(statements.entries_of(payout)))
        assert [(line.kind, line.order) for line in lines] == [("capture", order), ("tip", order)]
        assert lines[1].amount.minor == 500
        page = body(signed_in(town.worker.user).get("/drive/"))
        assert "Tips" in page
        assert ">500<" in page.replace("\n", "") or "500<" in page

    def test_by_the_receipt(self, town, order):
        camila, address = signed_in(town.rider), f"/orders/{order.ref}/"
        page = body(camila.get(address))
        assert "CLP 300" in page
        assert ">500<" in page.replace("\n", "") or "500<" in page
        sent = {"sum": "other", "other": "450", "card": town.card.pk, "key": str(uuid4())}

        camila.post(f"{address}tip/", sent)
        camila.post(f"{address}tip/", sent)
        relay()

        assert "You gave CLP 450. All of it goes to the driver." in body(camila.get(address))
        assert "CLP 450 for you, all of it." in body(signed_in(town.worker.user).get(address))

    @pytest.mark.parametrize(
        ("sent", "says"),
        [
            ({}, "Choose how much."),
            ({"sum": "other"}, "Write how much you want to give."),
            ({"sum": "other", "other": "4.5"}, "This currency has no smaller coins."),
            ({"sum": "other", "other": "99999"}, "at most twice the price"),
            ({"sum": "-5"}, "Write how much you want to give."),
        ],
    )
    def test_a_form_that_is_wrong_says_why(self, town, order, sent, says):
        camila, address = signed_in(town.rider), f"/orders/{order.ref}/"
        whole = {"card": town.card.pk, "key": str(uuid4()), **sent}

        assert says in body(camila.post(f"{address}tip/", whole, follow=True))
        assert not Payment.objects.filter(booked_as="tip").exists()

    def test_by_the_api(self, town, order):
        camila = signed_in(town.rider, headers={"idempotency-key": "t1"})
        address = f"/api/v1/orders/{order.ref}/tip"
        assert camila.get(address).status_code == 404
        asked = {"amount_minor": 500, "card": town.card.pk}

        first = camila.post(address, asked, "application/json")
        again = camila.post(address, asked, "application/json")
        relay()

        assert (first.status_code, first.json()) == (again.status_code, again.json())
        assert first.json()["state"] == "OPENED"
        assert camila.get(address).json()["state"] == "CAPTURED"
        other = camila.post(address, {**asked, "amount_minor": 300}, "application/json")
        assert (other.status_code, other.json()["code"]) == (409, "key_reused")

    def test_the_api_says_what_is_wrong(self, town, order):
        camila = signed_in(town.rider, headers={"idempotency-key": "t1"})
        address = f"/api/v1/orders/{order.ref}/tip"

        def post(client=camila, **more):
            asked = {"amount_minor": 500, "card": town.card.pk, **more}
            answer = client.post(address, asked, "application/json")
            return answer.status_code, answer.json()["code"]

        assert post(amount_minor=99_999) == (422, "tip_too_much")
        assert post(card=town.card.pk + 99) == (422, "no_such_card")
        assert post(signed_in(town.rider)) == (400, "key_needed")
        for other in (town.worker.user, factories.UserFactory()):
            stranger = signed_in(other, headers={"idempotency-key": "t2"})
            assert post(stranger)[0] == 404
            form = {"sum": "300", "card": town.card.pk, "key": str(uuid4())}
            assert stranger.post(f"/orders/{order.ref}/tip/", form).status_code == 404


class TestRaces:
    def test_two_tips_at_once_are_one(self, town, order):
        results = at_once(*[lambda: give(town, order)] * 6)
        relay()

        assert sum(isinstance(one, tips.Given) for one in results) == 5
        assert Journal.objects.filter(kind="tip").count() == 1

    def test_the_database_has_the_last_word(self, town, order):
        """The naive control: opened past the order's lock, one holder still pays once."""
        one = give(town, order)

        def naive(minor):
            return Payment.objects.create(
                holder=one.holder,
                payer=town.rider,
                card=town.card,
                amount_minor=minor,
                currency="CLP",
                opened_at=clock.now(),
            )

        with pytest.raises(IntegrityError, match="payments_payment_holder"):
            naive(300)
