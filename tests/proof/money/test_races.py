"""D7, D8 and D9: the same thing from thirty-two sides, and the same question again and again.

Holds blnk #171 and #315 and eventyay #1405 (concurrent captures and refunds above what there is),
blnk #238 and #239 (only one side locked: a credit lost), blnk before 0.13.2 (a key that only the
application looks at), Saleor PR #19811 (a refund asked for twice).
"""

from functools import partial
from uuid import uuid4

import pytest

from apps.kernel import clock
from apps.kernel.money import Money
from apps.ledger import operations as ledger
from apps.ledger import queries as books
from apps.ledger.models import Journal
from apps.payments import operations
from apps.payments.gateway import ours
from apps.payments.models import Attempt, Payment
from apps.settlement import operations as settlement
from apps.settlement.models import Payout
from tests.factories import CITY
from tests.payments.city import FARE, fresh, relay
from tests.proof.money.people import Lives
from tests.proof.money.steps import authorise, capture
from tests.races import at_once

pytestmark = [
    pytest.mark.proof("--faults"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("audited"),
]
SIDES = 32


def failures(results, *allowed):
    return [one for one in results if isinstance(one, Exception) and not isinstance(one, allowed)]


def test_captures_from_thirty_two_sides_take_once(town, counting):
    for _ in range(counting.scaled(4)):
        payment = town.authorised()
        results = at_once(*[lambda: town.capture(payment)] * SIDES)  # noqa: B023
        relay()
        assert failures(results) == []
        assert fresh(payment).captured_minor == FARE
        assert payment.attempts.filter(kind="CAPTURE").count() == 1
        counting.beside["captures from 32 sides"] += 1


def test_partial_captures_of_different_sums_have_one_winner(town, counting):
    for _ in range(counting.scaled(4)):
        payment = town.authorised()
        results = at_once(
            *(
                partial(town.capture, payment, minor, [("platform:fees", minor)])
                for minor in range(100, 100 + SIDES)
            )
        )
        relay()
        assert failures(results, operations.KeyReused) == []
        assert sum(isinstance(one, Payment) for one in results) == 1
        assert 100 <= fresh(payment).captured_minor < 100 + SIDES
        counting.beside["partial captures from 32 sides"] += 1


def test_refunds_from_thirty_two_sides_give_back_no_more_than_was_taken(town, counting):
    for _ in range(counting.scaled(4)):
        payment = town.captured()
        results = at_once(*[lambda: town.refund(payment, 300)] * SIDES)  # noqa: B023
        relay()
        assert failures(results, operations.TooMuch) == []
        assert sum(isinstance(one, Attempt) for one in results) == FARE // 300
        assert fresh(payment).refunded_minor == FARE // 300 * 300
        counting.beside["refunds from 32 sides"] += 1


def test_payouts_from_thirty_two_sides_pay_once(town, counting):
    lives = Lives(town, counting.chance("payouts"))
    for _ in range(counting.scaled(2)):
        life = lives.next()
        authorise(life)
        capture(life)
        settle = partial(
            settlement.settle,
            provider_id=life.provider,
            currency="CLP",
            day=life.day,
            by=CITY,
            at=clock.now(),
        )
        results = at_once(*[settle] * SIDES)
        at_once(*[relay] * 4)
        relay()
        assert failures(results) == []
        assert {one.pk for one in results} == {Payout.objects.get(day=life.day).pk}
        counting.beside["payouts from 32 sides"] += 1


def post(key, lines):
    return ledger.post(
        key=key, kind="test", about=None, lines=lines, currency="CLP", by=CITY, at=clock.now()
    )


def test_opposing_transfers_over_guarded_accounts_lose_no_credit_and_never_deadlock(bank, counting):
    for code in ("wallet:a", "wallet:b"):
        ledger.limit(code=code, currency="CLP", least_minor=-(10**9), by=CITY, at=clock.now())
    each = counting.scaled(40)

    def to_and_fro(side):
        sign = 1 if side % 2 else -1
        for n in range(each):
            # Two accounts in the order in which they would deadlock, and a fee everybody books on.
            lines = [("wallet:a", 10 * sign), ("wallet:b", -11 * sign), ("fee", sign)]
            post(f"{side}:{n}", lines if side % 2 else lines[::-1])

    assert at_once(*(partial(to_and_fro, side) for side in range(16))) == [None] * 16
    assert Journal.objects.count() == 16 * each
    assert [books.balance(code, "CLP").minor for code in ("wallet:a", "wallet:b", "fee")] == [0] * 3
    counting.beside["opposing transfers"] += 16 * each


def test_a_key_is_booked_once_however_often_and_by_however_many(bank, counting):
    lines = [("a", 7), ("b", -7)]
    for n in range(counting.scaled(100)):
        first = post(f"again:{n}", lines)
        assert post(f"again:{n}", lines) == first
        with pytest.raises(ledger.KeyReused):
            post(f"again:{n}", [("a", 8), ("b", -8)])
        counting.beside["keys again"] += 2
    for n in range(counting.scaled(4)):
        results = at_once(*[partial(post, f"at once:{n}", lines)] * SIDES)
        assert len({one.pk for one in results}) == 1
        counting.beside["keys again"] += SIDES


def test_a_refund_asked_for_again_is_that_refund_and_with_another_sum_a_mistake(town, counting):
    payment = town.captured()
    for _ in range(counting.scaled(8)):
        key = uuid4()
        same = at_once(*[partial(town.refund, payment, 10, None, key)] * 4)
        relay()
        assert len({one.pk for one in same}) == 1
        with pytest.raises(operations.KeyReused):
            town.refund(payment, 11, key=key)
        counting.beside["keys again"] += 4
    assert fresh(payment).refunded_minor == 10 * counting.scaled(8)


def test_a_payment_opened_again_is_one_and_with_another_sum_a_mistake(town, counting):
    for _ in range(counting.scaled(8)):
        payment = town.open()
        assert town.open(holder=payment.holder) == payment
        with pytest.raises(operations.KeyReused):
            town.open(FARE + 1, holder=payment.holder)
        relay()
        assert fresh(payment).amount == Money(FARE, "CLP")
        counting.beside["keys again"] += 2


def test_a_refund_whose_answer_was_lost_a_day_ago_is_still_that_refund(town):
    payment = town.captured()
    attempt = town.refund(payment, 100)
    relay()
    town.bank.advance(25 * 3600)
    again = ours().refund(
        reference=fresh(payment).reference, amount=Money(100, "CLP"), key=str(attempt.key)
    )
    assert again.reference == Attempt.objects.get(pk=attempt.pk).reference
    # The key is forgotten by now, and there would have been enough left for another of it.
    assert [one.amount for one in town.bank.client().v1.refunds.list().data] == [100]
