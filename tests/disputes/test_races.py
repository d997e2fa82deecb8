"""The same news at the same moment, from several workers: it is heeded once."""

from dataclasses import asdict

import pytest

from apps.disputes import operations
from apps.disputes.models import Dispute
from apps.kernel import clock
from apps.payments import gateway
from apps.payments import operations as payments
from apps.payments.models import Attempt, GatewayEvent
from tests.disputes.city import decide, disputed, reference_of
from tests.factories import CITY
from tests.payments import city
from tests.payments.city import balances
from tests.payments.test_inbox import SECRET, event, knock
from tests.races import at_once


@pytest.mark.parametrize("turn", range(5))
def test_a_loss_that_eight_workers_hear_of_is_booked_once(bank, transactional_db, turn):
    town = city.town(bank)
    payment = disputed(town)
    decide(town, payment, "losing_evidence")
    facts = asdict(gateway.ours().dispute(reference=reference_of(town, payment)))

    def heed():
        return operations.heed(facts=facts, by=CITY, at=clock.now())

    heard = at_once(*[heed] * 8)
    assert [one for one in heard if isinstance(one, Exception)] == []
    assert Dispute.objects.count() == 1
    assert Attempt.objects.filter(kind="LOSS").count() == 1
    assert balances() == {"clearing:cards": -1500, "gateway:fees": 1500}


def test_an_event_that_comes_eight_times_at_once_is_kept_once(transactional_db, settings):
    settings.STRIPE_WEBHOOK_SECRET = SECRET
    told = event()
    answers = at_once(*[lambda: knock(told).status_code] * 8)
    assert answers == [200] * 8
    assert GatewayEvent.objects.count() == 1


def test_a_question_answered_by_the_news_and_by_the_bank_at_once_is_booked_once(
    bank, transactional_db
):
    town = city.town(bank)
    payment = town.authorised()
    town.capture(payment)
    attempt = payment.attempts.get(kind="CAPTURE")
    payments.begin(attempt_id=attempt.pk, by=CITY, at=clock.now())
    ours = gateway.ours()
    answer = ours.capture(reference=payment.reference, amount=attempt.amount, key=str(attempt.key))
    facts = ours.intent(reference=payment.reference)
    now = clock.now()
    said = at_once(
        *[lambda: payments.heed_intent(facts=facts, by=CITY, at=now)] * 4,
        *[lambda: payments.record(attempt_id=attempt.pk, answer=answer, by=CITY, at=now)] * 4,
    )
    assert said == [None] * 8
    assert balances()["clearing:cards"] == 2450
