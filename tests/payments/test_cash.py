"""A ride paid into the driver's hand, from the choice to the provider's account."""

from datetime import timedelta

import pytest
from django.test import Client

from apps.audit import operations as audit
from apps.bus.models import Event
from apps.kernel import clock
from apps.ledger.models import Journal
from apps.orders import operations as orders
from apps.payments import operations as payments
from apps.payments.gateway import Answer
from apps.payments.models import Attempt, Payment
from apps.places import operations as places
from apps.places.models import City
from apps.pricing.models import Tariff
from apps.settlement import operations as settlement
from apps.settlement import queries as statements
from tests import factories, rides
from tests.factories import CITY, NOON, OFFICER
from tests.payments.city import balances
from tests.races import at_once

pytestmark = pytest.mark.django_db

FARE, PART, PLATFORM, VAT, CITYS = 2608, 2359, 83, 16, 150


@pytest.fixture
def town():
    town = rides.town()
    Tariff.objects.update(valid=factories.FOR_GOOD)
    allow(town)
    return town


def allow(town, takes_cash=True):
    places.choose_cash(city_id=town.city.pk, takes_cash=takes_cash, by=OFFICER, at=NOON)
    town.city.refresh_from_db()


def on_board(town, at=NOON):
    order = town.place(at=at, in_cash=True)
    rides.relay_all(at)
    town.on_shift(at=at)
    order = town.accept(town.offer(order, at=at), at)
    town.step(order, "arrive", town.worker.actor, at)
    return town.step(order, "board", town.worker.actor, at, code=order.ride.code)


def drop_off(town, order, at=NOON, **data):
    order = town.step(order, "drop_off", town.worker.actor, at, **data)
    rides.relay_all(at)
    return order


def ride(town, at=NOON):
    return drop_off(town, on_board(town, at), at)


def payment_of(of):
    """The payment of an order, or a payment as it is now."""
    return Payment.objects.get(holder=of.holder if isinstance(of, Payment) else of.basket.ref)


def entries(key):
    found = Journal.objects.get(key=key).entries.order_by("seq")
    return list(found.values_list("account__code", "amount_minor"))


class TestPaying:
    def test_cash_is_promised_without_asking_a_bank(self, town):
        order = town.place(in_cash=True)
        rides.relay_all(NOON)

        order.refresh_from_db()
        payment = payment_of(order)
        assert (order.state, order.stage) == ("AUTHORISED", "searching")
        assert (payment.state, payment.method, payment.card) == ("AUTHORISED", "CASH", None)
        assert payment.attempts.get().tries == 0
        assert balances() == {}

    def test_the_books_say_that_the_provider_has_it_and_owes_the_shares(self, town):
        order = ride(town)

        me = f"provider:{town.worker.provider_id}"
        payment = payment_of(order)
        assert (payment.state, payment.captured_minor) == ("CAPTURED", FARE)
        assert entries(f"capture:{payment.holder}") == [
            (f"{me}:cash", FARE),
            (f"{me}:payable", -PART),
            ("platform:fees", -PLATFORM),
            ("tax:la-serena:vat", -VAT),
            ("city:la-serena:fees", -CITYS),
        ]
        assert entries(f"cash-kept:{payment.holder}") == [
            (f"{me}:payable", FARE),
            (f"{me}:cash", -FARE),
        ]
        assert balances() == {
            f"{me}:payable": PLATFORM + VAT + CITYS,
            "platform:fees": -PLATFORM,
            "tax:la-serena:vat": -VAT,
            "city:la-serena:fees": -CITYS,
        }

    def test_dropped_off_twice_it_is_booked_once(self, town):
        order = ride(town)
        before = balances()

        drop_off(town, order)

        assert balances() == before
        assert Journal.objects.count() == 2

    def test_calling_off_late_or_not_coming_costs_nothing_in_cash(self, town):
        order = town.place(in_cash=True)
        rides.relay_all(NOON)
        town.on_shift()
        order = town.accept(town.offer(order))
        late = NOON + timedelta(minutes=10)
        town.step(order, "arrive", town.worker.actor)

        order = town.step(order, "no_show", town.worker.actor, late)
        rides.relay_all(late)

        assert (order.state, order.charged_minor) == ("CANCELLED", 0)
        assert payment_of(order).state == "CANCELLED"
        assert balances() == {}

    def test_cash_is_not_given_back_through_a_bank(self, town):
        payment = payment_of(ride(town))

        with pytest.raises(payments.NotCaptured):
            payments.refund(
                holder=payment.holder,
                amount_minor=1,
                split=[("platform:fees", 1)],
                about=None,
                by=OFFICER,
                at=NOON,
            )


class TestTheCitysChoice:
    def test_a_city_that_takes_cards_only_refuses_cash(self, town):
        allow(town, takes_cash=False)

        with pytest.raises(orders.CardsOnly):
            town.place(in_cash=True)

    def test_what_was_ordered_in_cash_stays_so(self, town):
        order = on_board(town)
        allow(town, takes_cash=False)

        assert payment_of(drop_off(town, order)).state == "CAPTURED"

    def test_choosing_twice_is_told_once(self, town):
        allow(town)

        assert Event.objects.filter(topic="places.cash_chosen").count() == 1

    def test_an_officer_chooses_in_the_office(self, town, client):
        client.force_login(factories.UserFactory(is_staff=True, is_superuser=True))
        asked = {"action": "end_cash", "_selected_action": [town.city.pk]}

        client.post("/admin/places/city/", asked)

        assert City.objects.get().takes_cash is False


class TestNotPaid:
    def test_it_waits_for_an_officer_and_nothing_is_booked(self, town):
        order = drop_off(town, on_board(town), reason="not_paid")

        assert (order.state, order.reason) == ("COMPLETED", "not_paid")
        assert (payment_of(order).state, payment_of(order).captured_minor) == ("UNPAID", 0)
        assert balances() == {}

    def test_who_has_not_paid_pays_by_card_until_it_is_settled(self, town):
        order = drop_off(town, on_board(town), reason="not_paid")
        with pytest.raises(orders.CashOwed):
            town.place(in_cash=True)
        town.place()

        why = {"payment_id": payment_of(order).pk, "reason": "Told us", "by": OFFICER, "at": NOON}
        payments.let_go(**why)
        with pytest.raises(payments.NotOwed):
            payments.note_paid(**why)

        assert payment_of(order).state == "CANCELLED"
        assert balances() == {}
        town.place(in_cash=True)

    def test_paid_after_all_it_is_booked_as_if_at_once(self, town):
        payment = payment_of(drop_off(town, on_board(town), reason="not_paid"))
        why = {"payment_id": payment.pk, "reason": "He came by", "by": OFFICER, "at": NOON}

        payments.note_paid(**why)
        with pytest.raises(payments.NotOwed):
            payments.note_paid(**why)

        assert balances()[f"provider:{town.worker.provider_id}:payable"] == 249
        assert Attempt.objects.get(kind="CAPTURE").reason == "He came by"

    @pytest.mark.parametrize(
        ("action", "state"), [("note_paid", "CAPTURED"), ("let_go", "CANCELLED")]
    )
    def test_an_officer_ends_it_in_the_office_and_says_why(self, town, client, action, state):
        payment = payment_of(drop_off(town, on_board(town), reason="not_paid"))
        client.force_login(factories.UserFactory(is_staff=True, is_superuser=True))
        asked = {"action": action, "_selected_action": [payment.pk]}
        address = "/admin/payments/payment/?state__exact=UNPAID"

        client.post(address, asked)
        assert payment_of(payment).state == "UNPAID"
        client.post(address, {**asked, "because": "1", "reason": "He came by"})

        assert payment_of(payment).state == state
        assert Attempt.objects.get(kind="CAPTURE").reason == "He came by"

    def test_the_driver_says_so_on_the_page(self, town, client):
        order = on_board(town, clock.now())
        client.force_login(town.worker.user)
        page = client.get("/drive/").content.decode().replace("\xa0", " ")
        assert f"Collect CLP {FARE:,} in cash" in page
        assert "Dropped off, cash collected" in page

        client.post(f"/drive/rides/{order.ref}/", {"step": "drop_off", "reason": "not_paid"})
        rides.relay_all(clock.now())

        assert payment_of(order).state == "UNPAID"

    def test_a_ride_by_card_cannot_be_said_to_be_unpaid(self, town):
        order = town.confirm()
        town.step(order, "arrive", town.worker.actor)
        town.step(order, "board", town.worker.actor, code=order.ride.code)

        with pytest.raises(orders.StepRefused, match="paid_by_card"):
            town.step(order, "drop_off", town.worker.actor, reason="not_paid")


@pytest.mark.django_db(transaction=True)
class TestNights:
    def test_what_is_owed_for_cash_is_carried_and_netted_the_night_after(self, town):
        provider = town.worker.provider
        ride(town)
        first, second = NOON + timedelta(hours=18), NOON + timedelta(hours=42)
        audit.seal_all(at=second)  # as each minute

        def settle(at):
            return settlement.settle(
                provider_id=provider.pk, currency="CLP", day=at.date(), by=CITY, at=at
            )

        assert settle(first) is None
        town.rider = factories.UserFactory()
        town.card = rides.card_of(town.rider)
        order = town.search(NOON)
        order = town.drive(town.accept(town.offer(order)))
        capture = Attempt.objects.get(kind="CAPTURE", payment__holder=order.basket.ref)
        # The bank's part is told elsewhere; here it has said yes.
        Payment.objects.filter(pk=capture.payment_id).update(state="AUTHORISED")
        payments.record(attempt_id=capture.pk, answer=Answer(True), by=CITY, at=NOON)

        payout = settle(second)
        assert payout.amount_minor == PART - 249 == 2110
        lines = statements.lines(list(statements.entries_of(payout)))
        assert [(line.kind, line.amount.minor, line.running.minor) for line in lines] == [
            ("capture", PART, PART),
            ("cash_kept", -FARE, -249),
            ("capture", PART, 2110),
        ]
        assert f"provider:{provider.pk}:payable" not in balances()


class TestTheDoors:
    def post(self, town, **body):
        client = Client(headers={"idempotency-key": "k1"})
        client.force_login(town.rider)
        quote = town.quote(at=clock.now())
        return client.post(
            "/api/v1/orders", {"quotes": [str(quote.ref)], **body}, "application/json"
        )

    def test_cash_by_the_api(self, town):
        answer = self.post(town, method="cash")

        assert answer.status_code == 201
        assert Payment.objects.get().method == "CASH"

    def test_a_city_that_takes_no_cash_says_so(self, town):
        allow(town, takes_cash=False)

        answer = self.post(town, method="cash")

        assert (answer.status_code, answer.json()["code"]) == (422, "cards_only")

    @pytest.mark.parametrize(
        ("status", "body"),
        [(400, {}), (400, {"method": "card"}), (422, {"method": "cash", "card": 1})],
    )
    def test_one_of_the_two_and_not_both(self, town, status, body):
        assert self.post(town, **body).status_code == status
        assert not Payment.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_cash_and_card_with_one_quote_are_one_order(self, town):
        quote = town.quote()

        results = at_once(lambda: town.place(quote), lambda: town.place(quote, in_cash=True))

        assert sum(isinstance(one, orders.QuoteGone) for one in results) == 1
        assert Payment.objects.count() == 1

    def test_an_officer_and_another_end_a_debt_once(self, town):
        payment = payment_of(drop_off(town, on_board(town), reason="not_paid"))
        why = {"payment_id": payment.pk, "reason": "So", "by": OFFICER, "at": NOON}

        results = at_once(lambda: payments.note_paid(**why), lambda: payments.let_go(**why))

        assert sum(isinstance(one, payments.NotOwed) for one in results) == 1
        payment.refresh_from_db()
        assert payment.state in ("CAPTURED", "CANCELLED")
        assert Journal.objects.count() == (2 if payment.state == "CAPTURED" else 0)
