from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest

from apps.bus.models import Event
from apps.dispatch.models import Job, Run
from apps.kernel.actors import Actor, Kind
from apps.orders import operations as orders
from apps.orders.models import Basket, Order, Step
from apps.payments.models import Payment
from apps.regulation import operations as regulation
from apps.regulation.models import Allowance, Decision, Permit
from tests import factories, races, rides
from tests.factories import CITY, NOON
from tests.policies import enforced

LATER = NOON + timedelta(minutes=3)


@pytest.fixture
def town(db):
    return rides.town()


class TestPlace:
    def test_everything_is_written_at_once(self, town):
        order = town.place()

        assert (order.state, order.stage) == ("PLACED", "paying")
        assert Job.objects.get(holder=order.ref).state == Job.State.WAITING
        payment = Payment.objects.get(holder=order.basket.ref)
        assert (payment.amount_minor, payment.currency) == (order.total_minor, "CLP")
        assert order.decision.is_granted

    def test_the_same_key_is_the_same_order(self, town):
        key, quote = uuid4(), town.quote()

        assert town.place(quote, key=key) == town.place(quote, key=key)
        with pytest.raises(orders.KeyReused):
            town.place(town.quote(), key=key)

        assert (Order.objects.count(), Payment.objects.count(), Job.objects.count()) == (1, 1, 1)

    def test_a_price_is_good_for_one_order_and_five_minutes(self, town):
        quote = town.quote()
        with pytest.raises(orders.QuoteGone, match="expired"):
            town.place(quote, at=NOON + timedelta(minutes=5))

        town.place(quote, at=NOON + timedelta(minutes=4, seconds=59))

        with pytest.raises(orders.QuoteGone, match="used"):
            town.place(quote)

    def test_a_price_made_for_somebody_else_is_not_there(self, town):
        quote = town.quote()
        town.rider = factories.UserFactory()
        town.card = rides.card_of(town.rider)

        with pytest.raises(orders.QuoteGone, match="unknown"):
            town.place(quote)

    def test_the_citys_refusal_stays_on_record_and_nothing_else_does(self, town):
        quote = town.quote()
        Permit.objects.filter(provider=quote.listing.provider).delete()

        with pytest.raises(regulation.NotPermitted):
            town.place(quote)

        assert not Basket.objects.exists()
        assert Decision.objects.get(act="book").refusal

    def test_what_was_counted_is_given_back_when_the_bank_says_no(self, town):
        quote = town.quote()
        enforced("cap", {"fact": "rides", "most": 9, "per": "day"})
        order = town.place(quote)
        today = Allowance.objects.get(period="2027-05-01")
        assert (today.subject, today.used) == (f"P-1:listing:{quote.listing_id}", 1)

        town.step(order, "refuse", CITY)

        today.refresh_from_db()
        assert today.used == 0
        assert Job.objects.get(holder=order.ref).state == Job.State.RELEASED


class TestAdvance:
    @pytest.mark.parametrize("step", ["board", "drop_off", "assign", "nonsense"])
    def test_steps_out_of_turn_are_refused(self, town, step):
        order = town.place()

        with pytest.raises(orders.OutOfTurn):
            town.step(order, step, CITY)

        order.refresh_from_db()
        assert order.stage == "paying"

    def test_nobody_takes_somebody_elses_step(self, town):
        order = town.confirm()
        stranger = rides.driver("Rosa Pizarro")

        with pytest.raises(orders.OutOfTurn):
            town.step(order, "arrive", stranger.actor)
        with pytest.raises(orders.OutOfTurn):
            town.step(order, "cancel", Actor(Kind.CONSUMER, str(stranger.user_id)))

        order.refresh_from_db()
        assert order.stage == "on_the_way"

    def test_twice_is_harmless(self, town):
        order = town.confirm()

        for _ in range(2):
            town.step(order, "arrive", town.worker.actor)

        assert Step.objects.filter(order=order, name="arrive").count() == 1
        assert Event.objects.filter(topic="orders.stepped").count() == 1


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_the_same_form_sent_eight_times_at_once_is_one_order(self):
        town = rides.town()
        key, quote = uuid4(), town.quote()

        answers = races.at_once(*[partial(town.place, quote, key=key)] * 8)

        assert set(answers) == {Order.objects.get()}
        assert (Payment.objects.count(), Decision.objects.filter(act="book").count()) == (1, 1)

    def test_one_price_and_two_keys_make_one_order(self):
        town = rides.town()
        quote = town.quote()

        answers = races.at_once(*[partial(town.place, quote)] * 4)

        assert [type(answer) for answer in answers].count(orders.QuoteGone) == 3
        assert Order.objects.count() == Payment.objects.count() == 1

    def test_the_same_key_with_another_body_loses(self):
        town = rides.town()
        key, quotes = uuid4(), [town.quote(), town.quote()]

        answers = races.at_once(*[partial(town.place, quote, key=key) for quote in quotes])

        assert sorted(type(answer).__name__ for answer in answers) == ["KeyReused", "Order"]
        assert Order.objects.count() == 1

    def test_cancel_against_accept_leaves_no_driver_on_an_empty_errand(self):
        town = rides.town()
        order = town.search()
        town.on_shift()
        offer = town.offer(order)

        races.at_once(
            partial(town.accept, offer),
            partial(town.step, order, "cancel", town.rider.acting(Kind.CONSUMER)),
        )
        rides.relay_all(NOON)

        order.refresh_from_db()
        assert order.stage == "cancelled", "free for two minutes, whoever was faster"
        assert not Run.objects.live().exists()
        assert Job.objects.get(holder=order.ref).state == Job.State.RELEASED
