"""A bank's promise ends after some days: what is still wanted is promised anew, at a real bank."""

from datetime import timedelta

import pytest

from apps.bus.models import Event
from apps.kernel import clock
from apps.notifications.models import Notice
from apps.orders import telling
from apps.payments import gateway, operations, tasks
from apps.payments.models import Payment
from tests import rides
from tests.factories import CITY, NOON
from tests.payments import city
from tests.payments.city import FARE, balances, fresh, only_attempt, relay
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

WEEK = timedelta(days=7)


@pytest.fixture
def town(bank, transactional_db):
    return city.town(bank)


def nearly_over(payment: Payment) -> Payment:
    """As the schedule would find it on the last day of its hold."""
    soon = clock.now() + timedelta(hours=20)
    Payment.objects.filter(pk=payment.pk).update(holds_until=soon)
    return fresh(payment)


def renew(payment: Payment) -> Payment:
    tasks.renew_promises()
    relay()
    return fresh(payment)


def states(town) -> list[str]:
    return [one.status for one in town.intents()]


def test_the_bank_says_for_how_long_it_holds(town):
    payment = town.authorised()
    charge = town.bank.client().v1.charges.list({"payment_intent": payment.reference}).data[0]

    assert payment.holds_until.timestamp() == charge.payment_method_details.card.capture_before
    # By the bank's own clock, which tests move.
    assert payment.holds_until.timestamp() - charge.created == WEEK.total_seconds()


def test_where_it_does_not_say_the_least_of_the_usual_times_counts(town):
    payment = town.open()
    (attempt,) = payment.attempts.all()
    operations.begin(attempt_id=attempt.pk, by=town.by, at=clock.now())
    at = clock.now()
    operations.record(attempt_id=attempt.pk, answer=gateway.Answer(True, "pi_x"), by=town.by, at=at)

    assert fresh(payment).holds_until == at + operations.HOLD_LASTS


def test_nothing_is_renewed_before_its_last_day(town):
    payment = town.authorised()

    assert renew(payment).attempts.count() == 1


def test_a_new_promise_takes_the_place_of_the_old_one(town):
    before = nearly_over(town.authorised())
    after = renew(before)

    assert states(town) == ["canceled", "requires_capture"]
    assert after.state == "AUTHORISED"
    assert after.reference == town.intents()[1].id != before.reference
    assert after.holds_until - clock.now() > timedelta(days=6)
    assert [one.amount for one in town.intents()] == [FARE, FARE]
    # Done again there is nothing to do.
    assert renew(after).attempts.count() == 3


def test_what_is_captured_then_is_captured_once_from_the_new_one(town):
    payment = renew(nearly_over(town.authorised()))
    town.capture(payment, 2000, [(f"provider:{town.provider.pk}:payable", 2000)])
    relay()

    assert states(town) == ["canceled", "succeeded"]
    assert balances() == {"clearing:cards": 2000, f"provider:{town.provider.pk}:payable": -2000}


def test_it_outlives_the_week_in_which_the_first_promise_would_have_ended(town):
    payment = renew(nearly_over(town.authorised()))
    # The bank's clock goes on: six days later the first promise is long past its time.
    town.bank.advance(6 * 86_400)
    town.capture(payment)
    relay()

    assert fresh(payment).state == "CAPTURED"


def test_a_bank_that_does_not_promise_again_keeps_the_old_one_and_is_asked_once(town):
    payment = nearly_over(town.authorised())
    refusing = town.card_like("pm_card_chargeCustomerFail")
    Payment.objects.filter(pk=payment.pk).update(card=refusing)

    after = renew(payment)
    assert (after.state, after.reference) == ("AUTHORISED", payment.reference)
    assert after.renewal_refused_at
    assert Event.objects.filter(topic="payments.renewal_refused").count() == 1
    assert renew(after).attempts.filter(kind="RENEW").count() == 1
    town.capture(after)
    relay()
    assert fresh(payment).state == "CAPTURED"


def test_a_promise_that_is_given_back_meanwhile_is_not_made_anew(town):
    payment = nearly_over(town.authorised())
    town.cancel(payment)
    tasks.renew_promises()
    relay()

    assert states(town) == ["canceled"]
    assert fresh(payment).state == "CANCELLED"


def test_called_off_right_after_the_question_was_noted_the_bank_is_not_asked(town):
    payment = nearly_over(town.authorised())
    operations.renew(payment_id=payment.pk, by=town.by, at=clock.now())
    town.cancel(payment)
    relay()

    assert only_attempt(payment, "RENEW").error == "withdrawn"
    assert states(town) == ["canceled"]
    assert fresh(payment).state == "CANCELLED"


@pytest.mark.parametrize("turn", range(3))
def test_captured_and_renewed_at_the_same_moment_it_is_taken_once(town, turn):
    payment = nearly_over(town.authorised())

    at_once(
        lambda: operations.renew(payment_id=payment.pk, by=town.by, at=clock.now()),
        lambda: town.capture(payment),
        lambda: operations.renew(payment_id=payment.pk, by=town.by, at=clock.now()),
    )
    relay()

    assert fresh(payment).state == "CAPTURED"
    assert states(town).count("succeeded") == 1
    assert "requires_capture" not in states(town)
    assert balances()["clearing:cards"] == FARE


def test_killed_after_the_bank_promised_anew_the_same_question_hears_the_same(town):
    payment = nearly_over(town.authorised())
    attempt = operations.renew(payment_id=payment.pk, by=town.by, at=clock.now())
    asked = operations.begin(attempt_id=attempt.pk, by=town.by, at=clock.now())
    # The worker dies here, before it could note what it heard.
    tasks._put(gateway.ours(), asked)
    tasks.ask(attempt_id=asked.pk)
    relay()

    assert states(town) == ["canceled", "requires_capture"]


def test_news_of_the_old_promise_is_no_news_of_the_payment(town):
    before = nearly_over(town.authorised())
    after = renew(before)
    facts = gateway.ours().intent(reference=before.reference)
    assert facts.status == "canceled"

    operations.heed_intent(facts=facts, by=town.by, at=clock.now())

    assert fresh(after).state == "AUTHORISED"


def test_the_rider_hears_until_when_their_bank_holds_it():
    town = rides.town()
    order = town.place()
    Payment.objects.filter(holder=order.basket.ref).update(holds_until=NOON + timedelta(days=2))
    payment = Payment.objects.get(holder=order.basket.ref)
    telling.tell_that_the_hold_ends(payment_id=payment.pk, by=CITY, at=NOON)

    notice = Notice.objects.get(user=town.rider)
    assert notice.kind == "hold_ends"
    assert notice.link == f"/rides/{order.ref}/"
