"""Whatever is asked, in whatever order, money only moves."""

from collections import Counter
from datetime import timedelta
from itertools import count
from uuid import uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apps.kernel import clock
from apps.kernel.money import Money, allocate
from apps.ledger import queries as books
from apps.payments import operations, queries
from apps.payments.gateway import Answer
from apps.payments.models import Card, Payment
from tests.factories import CITY, UserFactory

ACCOUNTS = ["provider:1:payable", "provider:2:payable", "platform:fees", "tax:x:vat"]
WHEN = clock.now()
numbers = count()


class Customers(RuleBasedStateMachine):
    """One payment, a model of it in a few integers, and a bank that says yes or no as it likes."""

    def __init__(self) -> None:
        super().__init__()
        user = UserFactory(email=f"camila{next(numbers)}@example.org")
        card = Card.objects.create(
            user=user,
            reference=str(uuid4()),
            brand="visa",
            last4="4242",
            expires_month=1,
            expires_year=2030,
            added_at=WHEN,
        )
        self.before = books.trial_balance().get("CLP", {})
        self.ticks = count(1)
        self.payment = operations.open(
            holder=uuid4(),
            payer_id=user.pk,
            card_id=card.pk,
            amount=Money(10_000, "CLP"),
            by=CITY,
            at=self.at,
        )
        self.captured = self.refunded = 0

    @initialize(begins=st.sampled_from(["opened", "promised", "taken", "taken"]))
    def most_roads_that_matter_begin_behind_the_banks_yes(self, begins):
        if begins != "opened":
            self.the_bank_says(True)
        if begins == "taken":
            self.somebody_captures(9_000, [5, 2, 1])
            self.the_bank_says(True)

    @property
    def at(self):
        return WHEN + timedelta(seconds=next(self.ticks))

    def fresh(self) -> Payment:
        return Payment.objects.get(pk=self.payment.pk)

    @rule(says_yes=st.sampled_from([True, True, True, False]))
    def the_bank_answers(self, says_yes):
        self.the_bank_says(says_yes)

    def the_bank_says(self, says_yes):
        waiting = self.payment.attempts.filter(answered_at=None).order_by("pk").first()
        if waiting is None:
            return
        attempt = operations.begin(attempt_id=waiting.pk, by=CITY, at=self.at)
        attempt = attempt or self.payment.attempts.open().first()
        if attempt is None:
            return
        says_yes = says_yes or attempt.kind == "CANCEL"
        answer = Answer(says_yes, f"re_{attempt.pk}", "" if says_yes else "declined")
        for _ in range(2):
            operations.record(attempt_id=attempt.pk, answer=answer, by=CITY, at=self.at)
        if says_yes and attempt.kind == "CAPTURE":
            self.captured = attempt.amount_minor
        if says_yes and attempt.kind == "REFUND":
            self.refunded += attempt.amount_minor

    @rule(minor=st.integers(1, 11_000), weights=st.lists(st.integers(1, 9), min_size=1, max_size=4))
    def somebody_captures(self, minor, weights):
        split = [
            (code, part)
            for code, part in zip(ACCOUNTS, allocate(minor, weights), strict=False)
            if part
        ]
        try:
            operations.capture(
                holder=self.payment.holder,
                amount_minor=minor,
                split=split,
                about=None,
                by=CITY,
                at=self.at,
            )
        except operations.TooMuch:
            assert minor > 10_000
        except (operations.Ended, operations.KeyReused):
            state = self.fresh().state
            ended = self.payment.attempts.filter(kind__in=["CAPTURE", "CANCEL"])
            assert ended.exists() or state == Payment.State.REFUSED

    @rule()
    def somebody_cancels(self):
        try:
            operations.cancel(holder=self.payment.holder, by=CITY, at=self.at)
        except operations.Ended:
            assert self.payment.attempts.filter(kind="CAPTURE").exists()

    @rule(minor=st.integers(1, 4_000))
    def somebody_refunds(self, minor):
        payment = self.fresh()
        left = queries.refundable(payment)
        try:
            operations.refund(
                holder=payment.holder,
                amount_minor=minor,
                split=queries.split_back(payment, minor),
                about=None,
                by=CITY,
                at=self.at,
            )
        except operations.NotCaptured:
            assert self.captured == 0
        except operations.TooMuch:
            assert minor > left

    @precondition(lambda self: self.captured)
    @rule()
    def somebody_refunds_the_rest(self):
        payment = self.fresh()
        left = queries.refundable(payment)
        if left:
            self.somebody_refunds_exactly(payment, left)

    def somebody_refunds_exactly(self, payment, minor):
        operations.refund(
            holder=payment.holder,
            amount_minor=minor,
            split=queries.split_back(payment, minor),
            about=None,
            by=CITY,
            at=self.at,
        )

    @invariant()
    def what_was_taken_less_what_was_given_back_is_what_everybody_has(self):
        payment = self.fresh()
        assert (payment.captured_minor, payment.refunded_minor) == (self.captured, self.refunded)
        assert 0 <= payment.refunded_minor <= payment.captured_minor <= payment.amount_minor
        moved = Counter(books.trial_balance().get("CLP", {}))
        moved.subtract(self.before)
        everybody = -sum(minor for code, minor in moved.items() if code != "clearing:cards")
        assert moved["clearing:cards"] == self.captured - self.refunded == everybody
        assert sum(moved.values()) == 0

    @invariant()
    def no_two_questions_are_open(self):
        assert self.payment.attempts.open().count() <= 1


class TestMoneyStays(TestCase):
    def test_in_any_order(self):
        searches = settings.get_current_profile_name() == "proof"
        run_state_machine_as_test(
            Customers,
            settings=settings(
                max_examples=150 if searches else 25, stateful_step_count=25, deadline=None,
                derandomize=not searches, suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
