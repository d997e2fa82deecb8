"""The whole way: our operations, the bus, the task, the real SDK, a bank in its own process."""

from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from apps.bus.models import Event
from apps.kernel import clock
from apps.kernel.money import Money
from apps.ledger.models import Journal
from apps.payments import gateway, operations, tasks
from apps.payments.models import Attempt, Payment
from tests.payments.city import (
    CLEARING,
    FARE,
    balances,
    fresh,
    only_attempt,
    relay,
    split_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


def told(topic):
    return [event.body for event in Event.objects.filter(topic=topic).order_by("pk")]


class TestARide:
    def test_the_bank_promises_the_fare_and_takes_nothing(self, town):
        payment = town.authorised()

        (intent,) = town.intents()
        assert payment.state == Payment.State.AUTHORISED
        assert (intent.id, intent.status) == (payment.reference, "requires_capture")
        assert (intent.amount, intent.amount_received) == (FARE, 0)
        assert intent.transfer_group == str(payment.holder)
        assert told("payments.authorised") == [
            {"payment": payment.pk, "holder": str(payment.holder)}
        ]
        assert balances() == {}

    def test_taking_the_fare_is_one_journal_with_everybody_in_it(self, town):
        payment, order = town.authorised(), uuid4()

        town.capture(payment, about=order)
        relay()

        assert fresh(payment).state == Payment.State.CAPTURED
        assert fresh(payment).captured == Money(2450, "CLP")
        (intent,) = town.intents()
        assert (intent.status, intent.amount_received) == ("succeeded", FARE)
        journal = Journal.objects.get()
        assert (journal.key, journal.about) == (f"capture:{payment.holder}", order)
        assert list(
            journal.entries.order_by("seq").values_list("account__code", "amount_minor")
        ) == [
            (CLEARING, 2450),
            (f"provider:{town.provider.pk}:payable", -2208),
            ("platform:fees", -77),
            ("tax:la-serena:vat", -15),
            ("city:la-serena:fees", -150),
        ]
        assert told("payments.captured") == [
            {"payment": payment.pk, "holder": str(payment.holder), "amount_minor": 2450}
        ]

    def test_a_late_cancellation_takes_its_fee_and_gives_back_the_rest(self, town):
        payment = town.authorised()

        town.capture(payment, 700, [(f"provider:{town.provider.pk}:payable", 700)])
        relay()

        (intent,) = town.intents()
        assert (intent.amount_received, intent.amount_capturable) == (700, 0)
        assert fresh(payment).captured_minor == 700
        assert balances() == {CLEARING: 700, f"provider:{town.provider.pk}:payable": -700}

    @pytest.mark.parametrize("way", ["cancel", "capture of nothing"])
    def test_giving_the_promise_back(self, town, way):
        payment = town.authorised()

        for _ in range(2):
            if way == "cancel":
                town.cancel(payment)
            else:
                town.capture(payment, 0, [])
            relay()

        assert fresh(payment).state == Payment.State.CANCELLED
        assert [intent.status for intent in town.intents()] == ["canceled"]
        assert len(told("payments.cancelled")) == 1
        assert balances() == {}

    @pytest.mark.parametrize(
        ("card", "why"),
        [
            ("pm_card_chargeCustomerFail", "declined"),
            ("pm_card_authenticationRequired", "needs_confirmation"),
        ],
    )
    def test_the_bank_says_no(self, town, card, why):
        payment = town.authorised(card=town.card_like(card))

        assert (payment.state, payment.refusal) == (Payment.State.REFUSED, why)
        assert told("payments.refused") == [
            {"payment": payment.pk, "holder": str(payment.holder), "refusal": why}
        ]
        assert all(not intent.amount_capturable for intent in town.intents())
        assert only_attempt(payment, "AUTHORISE").succeeded is False

    @pytest.mark.parametrize(
        ("method", "why"),
        [
            ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
            ("pm_card_chargeDeclinedExpiredCard", "expired"),
            ("pm_card_chargeDeclinedStolenCard", "declined"),
            ("pm_card_chargeDeclinedIncorrectCvc", "wrong_details"),
        ],
    )
    def test_why_the_bank_says_no_in_our_words(self, bank, town, method, why):
        # These cards cannot be kept with a customer, so the bank is asked without the city.
        made = gateway.ours().authorise(
            amount=Money(FARE, "CLP"),
            customer=town.card.user.gateway_customer.reference,
            card=method,
            holder=str(uuid4()),
            label="",
            key=str(uuid4()),
        )

        assert (made.is_yes, made.refusal) == (False, why)


class TestStateDecides:
    def test_a_capture_waits_for_the_promise(self, town):
        payment = town.open()
        town.capture(payment)

        relay()

        assert fresh(payment).state == Payment.State.CAPTURED
        assert balances()[CLEARING] == FARE

    def test_given_back_before_the_bank_was_asked_asks_nobody(self, town):
        payment = town.open()
        town.cancel(payment)

        relay()

        assert fresh(payment).state == Payment.State.CANCELLED
        assert town.intents() == []
        assert told("payments.authorised") == []

    def test_given_back_while_the_bank_thinks_leaves_no_money_hanging(self, town):
        payment = town.open()
        attempt = operations.begin(
            attempt_id=only_attempt(payment, "AUTHORISE").pk, by=tasks.PAYMENTS, at=clock.now()
        )
        town.cancel(payment)

        tasks.ask(attempt_id=attempt.pk)
        relay()

        assert fresh(payment).state == Payment.State.CANCELLED
        assert [intent.status for intent in town.intents()] == ["canceled"]
        assert told("payments.cancelled") == [
            {"payment": payment.pk, "holder": str(payment.holder)}
        ]

    def test_a_capture_of_what_was_refused_takes_nothing_and_says_so(self, town):
        payment = town.open(card=town.card_like("pm_card_chargeCustomerFail"))
        town.capture(payment)

        relay()

        assert fresh(payment).state == Payment.State.REFUSED
        assert told("payments.capture_refused") == [
            {"payment": payment.pk, "holder": str(payment.holder), "refusal": "refused"}
        ]
        assert balances() == {}

    def test_a_promise_that_the_bank_let_lapse(self, bank, town):
        payment = town.authorised()
        bank.client().v1.payment_intents.cancel(payment.reference)

        town.capture(payment)
        relay()

        assert (fresh(payment).state, fresh(payment).refusal) == ("CANCELLED", "lapsed")
        assert balances() == {}

    def test_what_somebody_did_by_hand_at_the_bank_ends_well(self, bank, town):
        payment, other = town.authorised(), town.authorised()
        bank.client().v1.payment_intents.capture(payment.reference)
        bank.client().v1.payment_intents.cancel(other.reference)

        town.capture(payment)
        town.cancel(other)
        relay()

        assert fresh(payment).state == Payment.State.CAPTURED
        assert fresh(other).state == Payment.State.CANCELLED
        assert balances()[CLEARING] == FARE


class TestRefunds:
    def test_a_refund_is_the_way_back(self, town):
        payment = town.captured()

        town.refund(payment, 1000, [(f"provider:{town.provider.pk}:payable", 900), ("tips", 100)])
        relay()

        assert fresh(payment).refunded == Money(1000, "CLP")
        (made,) = town.bank.client().v1.refunds.list({"payment_intent": payment.reference}).data
        assert made.amount == 1000
        assert balances()[CLEARING] == 1450
        assert balances()[f"provider:{town.provider.pk}:payable"] == -1308
        assert balances()["tips"] == 100

    def test_the_same_key_is_one_refund(self, town):
        payment, key = town.captured(), uuid4()

        first, second = (town.refund(payment, 400, key=key) for _ in range(2))
        relay()

        assert first.pk == second.pk
        assert fresh(payment).refunded_minor == 400
        with pytest.raises(operations.KeyReused):
            town.refund(payment, 401, key=key)

    def test_never_more_than_is_left_even_before_the_bank_has_answered(self, town):
        payment = town.captured()
        town.refund(payment, 2000)

        with pytest.raises(operations.TooMuch, match="451 of 450"):
            town.refund(payment, 451)

        town.refund(payment, 450)
        relay()
        assert fresh(payment).refunded_minor == FARE
        with pytest.raises(operations.TooMuch):
            town.refund(payment, 1)

    def test_nothing_to_refund_before_the_money_is_taken(self, town):
        with pytest.raises(operations.NotCaptured):
            town.refund(town.authorised(), 1)

    def test_a_refund_whose_key_the_bank_forgot_is_found_by_its_name(self, town):
        payment, key = town.captured(), str(uuid4())
        api = town.bank.client().v1
        made = api.refunds.create(
            {"payment_intent": payment.reference, "metadata": {"attempt": key}}
        )

        answer = gateway.ours().refund(
            reference=payment.reference, amount=Money(FARE, "CLP"), key=key
        )

        assert (answer.is_yes, answer.reference) == (True, made.id)


class TestAskingTwice:
    def test_open_and_capture_twice_are_once(self, town):
        payment = town.authorised()

        again = town.open(holder=payment.holder)
        for _ in range(2):
            town.capture(payment)
            relay()

        assert again.pk == payment.pk
        assert Attempt.objects.count() == 2
        assert len(town.intents()) == 1
        assert balances()[CLEARING] == FARE

    def test_another_body_is_refused(self, town):
        payment = town.authorised()
        town.capture(payment)

        with pytest.raises(operations.KeyReused):
            town.open(holder=payment.holder, minor=1)
        with pytest.raises(operations.KeyReused):
            town.capture(payment, 700, [("platform:fees", 700)])
        with pytest.raises(operations.Ended):
            town.cancel(payment)

    def test_what_is_given_back_cannot_be_taken(self, town):
        payment = town.authorised()
        town.cancel(payment)

        with pytest.raises(operations.Ended):
            town.capture(payment)

    @pytest.mark.parametrize(
        ("minor", "split"),
        [(2450, [("a", 2449)]), (5, [("a", 6), ("b", -1)]), (-5, [("a", -5)]), (5, [])],
    )
    def test_a_split_that_is_none(self, town, minor, split):
        with pytest.raises(ValueError, match="parts|amount to move"):
            town.capture(town.open(), minor, split)

    def test_no_more_than_was_promised(self, town):
        with pytest.raises(operations.TooMuch):
            town.capture(town.open(), 2451, [("a", 2451)])

    def test_only_with_a_card_of_the_payer_that_is_still_there(self, town):
        town.card.user.cards.update(removed_at=clock.now())

        with pytest.raises(operations.NoSuchCard):
            town.open()


class TestTheWayOut:
    def test_the_bank_is_never_called_inside_a_transaction(self, town):
        with pytest.raises(RuntimeError, match="inside a transaction"), transaction.atomic():
            gateway.ours()

    def test_without_a_key_no_payment(self, town, settings):
        settings.STRIPE_API_KEY = ""
        payment = town.open()

        relay()

        with pytest.raises(ImproperlyConfigured):
            gateway.ours()
        attempt = only_attempt(payment, "AUTHORISE")
        assert (attempt.answered_at, attempt.tries) == (None, 1)
        assert "STRIPE_API_KEY" in attempt.error

    @pytest.mark.parametrize(
        ("key", "base"), [("sk_test_x", ""), ("sk_live_x", "http://127.0.0.1:1")]
    )
    def test_production_takes_money_only_through_stripe_itself(self, settings, key, base):
        settings.MODE, settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = "production", key, base

        with pytest.raises(ImproperlyConfigured, match="live key"):
            gateway.ours()

    def test_a_wrong_key_waits_until_it_is_put_right(self, town, settings):
        right = settings.STRIPE_API_KEY
        settings.STRIPE_API_KEY = "sk_test_" + "x" * 32
        payment = town.authorised()
        assert payment.state == Payment.State.OPENED

        settings.STRIPE_API_KEY = right
        tasks.ask(attempt_id=only_attempt(payment, "AUTHORISE").pk)

        assert fresh(payment).state == Payment.State.AUTHORISED

    def test_a_question_that_makes_no_sense_waits_for_an_officer(self, town):
        payment = town.open(card=town.card)
        town.card.user.cards.update(reference="pm_nobody")

        relay()

        attempt = only_attempt(payment, "AUTHORISE")
        assert attempt.dead_at is not None
        assert "pm_nobody" in attempt.error
        assert told("payments.stuck")[0]["attempt"] == attempt.pk
        assert not Attempt.objects.due(clock.now() + operations.LONGEST_PATIENCE).exists()

    def test_a_question_older_than_the_banks_memory_waits_for_an_officer(self, town, settings):
        settings.STRIPE_API_KEY = ""
        attempt = only_attempt(town.authorised(), "AUTHORISE")
        Attempt.objects.update(asked_at=clock.now() - operations.KEY_LASTS * 2)

        tasks.ask(attempt_id=attempt.pk)

        attempt.refresh_from_db()
        assert attempt.dead_at is not None
        assert "unanswered for a day" in attempt.error


def test_split_of_the_fare_is_whole(town):
    assert sum(minor for _, minor in split_of(town.provider)) == FARE
