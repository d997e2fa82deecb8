"""Everything at once, with real threads on real PostgreSQL and a real bank."""

from threading import Barrier
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from apps.kernel import clock
from apps.payments import operations, queries, tasks
from apps.payments.models import Attempt, Payment
from tests.payments.city import CLEARING, FARE, balances, fresh, relay
from tests.races import at_once, without

pytestmark = pytest.mark.django_db(transaction=True)

State = Payment.State


def of_kind(results, kind):
    return [result for result in results if isinstance(result, kind)]


class TestOneEnding:
    def test_captured_from_eight_sides_is_taken_once(self, town):
        payment = town.authorised()

        results = at_once(*[lambda: town.capture(payment)] * 8)
        relay()

        assert len(of_kind(results, Payment)) == 8
        assert payment.attempts.filter(kind="CAPTURE").count() == 1
        assert balances()[CLEARING] == FARE

    @pytest.mark.parametrize("turn", range(4))
    def test_capture_against_cancel_has_one_winner(self, town, turn):
        payment = town.authorised()

        captured, cancelled = at_once(lambda: town.capture(payment), lambda: town.cancel(payment))
        relay()

        (intent,) = town.intents()
        assert len(of_kind([captured, cancelled], operations.Ended)) == 1
        if isinstance(captured, Payment):
            assert (fresh(payment).state, intent.status) == (State.CAPTURED, "succeeded")
            assert balances()[CLEARING] == FARE
        else:
            assert (fresh(payment).state, intent.status) == (State.CANCELLED, "canceled")
            assert balances() == {}

    def test_the_database_has_the_last_word(self, town):
        """The naive control: look first, then write, with nothing held in between."""
        payment = town.authorised()

        def naive(kind):
            def end():
                if payment.attempts.filter(kind__in=["CAPTURE", "CANCEL"]).exists():
                    return None
                both_have_looked.wait()
                with transaction.atomic():
                    return Attempt.objects.create(
                        payment=payment, kind=kind, amount_minor=0, noted_at=clock.now()
                    )

            return end

        both_have_looked = Barrier(2, timeout=30)
        results = at_once(naive("CAPTURE"), naive("CANCEL"))
        assert len(of_kind(results, IntegrityError)) == 1

        Attempt.objects.filter(kind__in=["CAPTURE", "CANCEL"]).delete()
        with without(Attempt, "payments_ends_once"):
            both_have_looked = Barrier(2, timeout=30)
            at_once(naive("CAPTURE"), naive("CANCEL"))
            assert payment.attempts.filter(kind__in=["CAPTURE", "CANCEL"]).count() == 2

    @pytest.mark.parametrize("turn", range(4))
    def test_given_back_while_the_bank_is_being_asked_leaves_nothing_hanging(self, town, turn):
        payment = town.open()
        attempt = operations.begin(
            attempt_id=payment.attempts.get().pk, by=tasks.PAYMENTS, at=clock.now()
        )

        at_once(
            lambda: tasks.ask(attempt_id=attempt.pk), lambda: town.cancel(payment), relay, relay
        )
        relay()

        assert fresh(payment).state == State.CANCELLED
        assert {intent.status for intent in town.intents()} == {"canceled"}
        assert not Attempt.objects.filter(answered_at=None).exists()


class TestOneQuestion:
    def test_asked_by_four_workers_at_once_is_one_promise(self, town):
        payment = town.open()
        attempt = operations.begin(
            attempt_id=payment.attempts.get().pk, by=tasks.PAYMENTS, at=clock.now()
        )

        at_once(*[lambda: tasks.ask(attempt_id=attempt.pk)] * 4)
        tasks.ask(attempt_id=attempt.pk)

        assert fresh(payment).state == State.AUTHORISED
        assert len(town.intents()) == 1

    def test_opened_from_four_sides_is_one_payment(self, town):
        holder = uuid4()

        results = at_once(*[lambda: town.open(holder=holder)] * 4)
        relay()

        assert len({payment.pk for payment in of_kind(results, Payment)}) == 1
        assert len(of_kind(results, Payment)) == 4
        assert len(town.intents()) == 1

    def test_four_relays_open_one_question_at_a_time(self, town):
        payments = [town.open() for _ in range(4)]
        for payment in payments:
            town.capture(payment)

        at_once(*[relay] * 4)
        relay()

        assert {fresh(payment).state for payment in payments} == {State.CAPTURED}
        assert balances()[CLEARING] == 4 * FARE


class TestRefunds:
    def test_ten_at_once_give_back_no_more_than_was_taken(self, town):
        payment = town.captured()

        results = at_once(*[lambda: town.refund(payment, 300)] * 10)
        relay()

        assert len(of_kind(results, Attempt)) == 8
        assert len(of_kind(results, operations.TooMuch)) == 2
        assert fresh(payment).refunded_minor == 2400
        assert balances()[CLEARING] == 50

    def test_the_same_refund_from_four_sides_is_one(self, town):
        payment, key = town.captured(), uuid4()

        at_once(*[lambda: town.refund(payment, 300, key=key)] * 4)
        relay()

        assert fresh(payment).refunded_minor == 300

    def test_without_the_lock_more_is_given_back_than_was_taken(self, town):
        """The naive control: sum what is left, then note the refund."""
        payment, both_have_looked = town.captured(), Barrier(2, timeout=30)

        def naive():
            left = queries.refundable(payment)
            both_have_looked.wait()
            if left >= FARE:
                Attempt.objects.create(
                    payment=payment, kind="REFUND", amount_minor=FARE, noted_at=clock.now()
                )

        at_once(naive, naive)

        assert queries.refundable(payment) == -FARE
