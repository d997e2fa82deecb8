"""Another destination under way: a new price, accepted, promised by the bank, and then driven."""

from datetime import timedelta
from threading import Barrier

import pytest

from apps.bus.models import Event
from apps.dispatch.models import Job, Offer, Position
from apps.kernel.actors import Actor, Kind
from apps.ledger.models import Entry, Journal
from apps.mobility import at_work, operations, queries
from apps.orders import changes
from apps.orders import operations as orders
from apps.orders.models import Change, Order
from apps.payments import operations as payments
from apps.payments.gateway import Answer
from apps.payments.models import Attempt, Payment
from apps.pricing.models import Payee, Quote
from tests import rides
from tests.factories import CITY, NOON
from tests.races import at_once
from tests.rides import FARO, MALL, PLAZA, RECOVA, Stop

pytestmark = pytest.mark.django_db
BANK = Actor.system("payments")
FAR = rides.COQUIMBO
NEAR = Stop(rides.Point(-29.9045, -71.2650), "Avenida del Mar")
HALFWAY = (-29.9040, -71.2630)
LATER = NOON + timedelta(minutes=2)


@pytest.fixture
def town():
    return rides.town()


def say(town, is_yes=True, at=NOON):
    """Let all news arrive and the bank answer whatever it is asked."""
    rides.relay_all(at)
    while question := Attempt.objects.open().order_by("pk").first():
        refusal = "" if is_yes else "insufficient_funds"
        answer = Answer(is_yes, f"pi_{question.payment_id}", refusal)
        payments.record(attempt_id=question.pk, answer=answer, by=BANK, at=at)
        rides.relay_all(at)


def under_way(town, to="on_board", in_cash=False, stops=()) -> Order:
    """A ride whose money is promised, as far as `to`, its car halfway."""
    if in_cash:
        town.city.takes_cash = True
        town.city.save()
    order = town.place(town.quote(stops=stops), in_cash=in_cash)
    say(town)
    if to == "searching":
        return Order.objects.get()
    town.on_shift()
    town.accept(town.offer(order))
    if to != "on_the_way":
        town.step(order, "arrive", town.worker.actor)
        town.step(order, "board", town.worker.actor, code=order.ride.code)
    lat, lon = HALFWAY
    Position.objects.create(worker=town.worker, lat=lat, lon=lon, seen_at=NOON)
    return Order.objects.get()


def price(town, order, to=FAR, at=NOON) -> Quote:
    by = town.rider.acting(Kind.CONSUMER)
    return operations.quote_change(order=order, dropoff=to, by=by, at=at)


def accept(town, quote, at=NOON) -> Change:
    ref, by = Order.objects.get().ref, town.rider.acting(Kind.CONSUMER)
    return changes.accept(ref=ref, quote_ref=quote.ref, by=by, at=at)


def done(town, at=LATER) -> Order:
    order = town.step(Order.objects.get(), "drop_off", town.worker.actor, at)
    say(town, at=at)
    return order


def booked(order) -> dict[str, int]:
    """What the books say of an order, by account, credits positive."""
    parts: dict[str, int] = {}
    for entry in Entry.objects.filter(journal__about=order.ref).select_related("account"):
        parts[entry.account.code] = parts.get(entry.account.code, 0) - entry.amount_minor
    return parts


def balance() -> int:
    return sum(Entry.objects.values_list("amount_minor", flat=True))


class TestThePrice:
    def test_before_the_boarding_it_is_that_of_the_whole_new_way(self, town):
        order = under_way(town, "on_the_way")

        quote = price(town, order)

        fresh = operations.quote_trip(
            city=town.city, pickup=PLAZA, dropoff=FAR, consumer_id=None, by=CITY, at=NOON
        )[0]
        assert quote.lines == fresh.lines
        assert quote.replaces == order.quote

    def test_on_the_way_what_was_driven_stays_in_it(self, town):
        order = under_way(town)

        quote = price(town, order)

        asked = quote.request
        assert [asked["turns"][0][name] for name in ("lat", "lon", "passed")] == [*HALFWAY, 0]
        assert len(asked["legs"]) == 2
        assert asked["pickup"] == order.quote.request["pickup"]
        assert asked["dropoff"]["name"] == "Coquimbo"

    def test_the_stops_ahead_stay_and_those_behind_are_paid(self, town):
        order = under_way(town, stops=[RECOVA, MALL])
        for step in ("reach_stop", "go_on"):
            order = town.step(order, step, town.worker.actor)
        order = Order.objects.get()

        asked = price(town, order).request

        assert [stop["name"] for stop in asked["stops"]] == ["La Recova", "Mall Plaza"]
        assert asked["turns"][0]["passed"] == 1
        # pick-up, La Recova, the turn, Mall Plaza, Coquimbo
        assert len(asked["legs"]) == 4

    def test_a_second_turn_keeps_the_first(self, town):
        order = under_way(town)
        accept(town, price(town, order))
        say(town)

        asked = price(town, Order.objects.get(), NEAR).request

        assert (len(asked["turns"]), len(asked["legs"])) == (2, 3)

    @pytest.mark.parametrize(
        ("to", "code"),
        [
            (FARO, "same_destination"),
            (Stop(rides.Point(-33.45, -70.66), "Santiago"), "outside_city"),
        ],
    )
    def test_where_it_cannot_go(self, town, to, code):
        order = under_way(town)
        with pytest.raises(operations.CannotServe, match=code):
            price(town, order, to)

    def test_a_car_that_nobody_sees_cannot_turn(self, town):
        order = under_way(town)
        with pytest.raises(operations.CannotServe, match="no_position"):
            price(town, order, at=NOON + timedelta(seconds=61))

    def test_it_orders_nothing_else(self, town):
        order = under_way(town)
        quote, first = price(town, order), order.quote
        with pytest.raises(orders.QuoteGone, match="unknown"):
            town.place(quote)
        accept(town, quote)
        say(town)
        with pytest.raises(orders.QuoteGone, match="unknown"):
            town.place(first)


class TestTheChange:
    def test_it_stands_when_the_bank_has_promised_the_difference(self, town):
        order = under_way(town)
        quote, first = price(town, order), order.quote

        change = accept(town, quote)
        assert (change.state, Order.objects.get().quote) == ("ASKED", first)
        say(town)

        order, change = Order.objects.get(), Change.objects.get()
        assert (change.state, change.before, change.after) == ("AGREED", first, quote)
        assert (order.quote, order.total_minor) == (quote, quote.total_minor)
        assert order.ride.dropoff_name == "Coquimbo"
        more = Payment.objects.get(holder=change.holder)
        assert more.amount_minor == quote.total_minor - first.total_minor
        job = Job.objects.get()
        assert (job.dropoff_lat, job.pay_minor) == (-29.9533, quote.part_of(Payee.PROVIDER))
        assert order.ride.dropoff_eta_at == NOON + timedelta(seconds=quote.request["legs"][1])

    def test_it_is_captured_whole_and_the_books_balance(self, town):
        order = under_way(town)
        quote = price(town, order)
        accept(town, quote)
        say(town)

        order = done(town)

        assert order.charged_minor == quote.total_minor
        taken = Payment.objects.filter(state="CAPTURED").values_list("captured_minor", flat=True)
        assert (len(taken), sum(taken)) == (2, quote.total_minor)
        kinds = Journal.objects.filter(about=order.ref).values_list("kind", flat=True)
        assert sorted(kinds) == ["capture", "change"]
        assert booked(order) == {
            "clearing:cards": -quote.total_minor,
            f"provider:{order.provider_id}:payable": quote.part_of(Payee.PROVIDER),
            "platform:fees": quote.part_of(Payee.PLATFORM),
            "tax:la-serena:vat": quote.part_of(Payee.TAX),
            "city:la-serena:fees": quote.part_of(Payee.CITY),
        }
        assert balance() == 0
        earned = at_work.earned(town.worker, since=NOON, until=LATER + timedelta(seconds=1))
        assert earned == [(LATER, quote.part_of(Payee.PROVIDER))]

    def test_a_refused_card_leaves_the_ride_as_it_was(self, town):
        order = under_way(town)
        first = order.quote
        accept(town, price(town, order))

        say(town, is_yes=False)

        order, change = Order.objects.get(), Change.objects.get()
        assert (change.state, change.reason) == ("REFUSED", "insufficient_funds")
        assert (order.quote, order.ride.dropoff_name) == (first, "Faro Monumental")
        assert done(town).charged_minor == first.total_minor
        assert sum(booked(order).values()) == 0

    def test_a_nearer_place_asks_no_bank_and_gives_back_the_rest(self, town):
        order = under_way(town)
        quote = price(town, order, NEAR)
        assert quote.total_minor < order.total_minor
        attempts = Attempt.objects.count()

        assert accept(town, quote).state == "AGREED"

        assert Attempt.objects.count() == attempts
        order = done(town)
        assert Payment.objects.get().captured_minor == order.charged_minor == quote.total_minor

    def test_in_cash_only_the_sum_changes(self, town):
        order = under_way(town, in_cash=True)
        quote = price(town, order)

        assert accept(town, quote).state == "AGREED"

        assert at_work.state_of(town.worker, NOON)["rides"][0]["cash_minor"] == quote.total_minor
        order = done(town)
        assert Payment.objects.get().captured_minor == quote.total_minor
        assert booked(order)[f"provider:{order.provider_id}:payable"] == (
            quote.part_of(Payee.PROVIDER) - quote.total_minor
        )
        assert balance() == 0

    def test_two_changes_are_three_promises_and_one_price(self, town):
        order = under_way(town)
        accept(town, price(town, order, NEAR))
        accept(town, price(town, Order.objects.get(), FAR))
        say(town)

        order = done(town)

        assert [change.number for change in order.changes.order_by("number")] == [1, 2]
        assert order.charged_minor == order.quote.total_minor
        assert sum(Payment.objects.values_list("captured_minor", flat=True)) == order.charged_minor
        assert balance() == 0

    def test_accepting_twice_is_one_change(self, town):
        order = under_way(town)
        quote = price(town, order)

        first, second = accept(town, quote), accept(town, quote)
        say(town)

        assert first == second == accept(town, quote)
        assert Event.objects.filter(topic="orders.changed").count() == 1
        changes.agree(holder=first.holder, by=CITY, at=NOON)
        changes.refuse(holder=first.holder, refusal="late", by=CITY, at=NOON)
        assert Change.objects.get().state == "AGREED"

    def test_one_waits_for_the_bank_at_a_time(self, town):
        order = under_way(town)
        one, other = price(town, order), price(town, order, NEAR)
        accept(town, one)

        with pytest.raises(changes.Pending):
            accept(town, other)

    def test_a_price_of_before_another_change_is_gone(self, town):
        order = under_way(town)
        one, other = price(town, order), price(town, order, NEAR)
        accept(town, other)

        with pytest.raises(changes.PriceGone, match="unknown"):
            accept(town, one)

    def test_an_old_price_is_gone_and_a_stranger_changes_nothing(self, town):
        order = under_way(town)
        quote = price(town, order)
        with pytest.raises(changes.PriceGone, match="expired"):
            accept(town, quote, at=quote.expires_at)
        with pytest.raises(changes.PriceGone, match="unknown"):
            accept(town, town.quote())
        with pytest.raises(orders.OutOfTurn):
            changes.accept(ref=order.ref, quote_ref=quote.ref, by=town.worker.actor, at=NOON)

    def test_a_bank_that_takes_too_long_changes_nothing(self, town):
        order = under_way(town)
        first = order.quote
        change = accept(town, price(town, order))

        say(town, at=NOON + timedelta(minutes=6))

        assert (Change.objects.get().state, Order.objects.get().quote) == ("LAPSED", first)
        assert Payment.objects.get(holder=change.holder).state == "CANCELLED"

    def test_called_off_late_all_promises_but_the_fee_are_given_back(self, town):
        order = under_way(town, "on_the_way")
        accept(town, price(town, order))
        say(town)

        at = NOON + timedelta(minutes=3)
        order = town.step(order, "cancel", town.rider.acting(Kind.CONSUMER), at)
        say(town, at=at)

        assert order.charged_minor == 700
        states = Payment.objects.order_by("pk").values_list("state", "captured_minor")
        assert list(states) == [("CAPTURED", 700), ("CANCELLED", 0)]

    def test_an_offer_that_rings_is_taken_back_and_made_anew(self, town):
        order = under_way(town, "searching")
        town.on_shift()
        offer = town.offer(order)
        accept(town, price(town, order))
        say(town)

        offer.refresh_from_db()
        assert (offer.state, offer.why) == (Offer.State.WITHDRAWN, "redirected")
        assert town.offer(order).job.pay_minor == Order.objects.get().quote.part_of(Payee.PROVIDER)

    def test_the_driver_hears_of_it_at_once(self, town):
        order = under_way(town)
        seen = queries.seen(order)
        accept(town, price(town, order))
        say(town)

        ride = at_work.state_of(town.worker, NOON)["rides"][0]
        assert (ride["dropoff"]["name"], ride["seen"] != seen) == ("Coquimbo", True)
        told = Event.objects.get(topic="dispatch.redirected")
        assert told.body["worker"] == town.worker.pk
        with pytest.raises(orders.StepRefused, match="way_changed"):
            orders.take(ref=order.ref, step="drop_off", by=town.worker.actor, at=NOON, seen=seen)


@pytest.mark.django_db(transaction=True)
class TestTheRace:
    """The drop-off against the bank's yes: the lock of the order lets exactly one of them win."""

    def ready(self, town):
        """A change whose bank has said yes, and nobody has told the order yet."""
        order = under_way(town)
        change = accept(town, price(town, order))
        rides.relay_all(NOON)
        Payment.objects.filter(holder=change.holder).update(
            state=Payment.State.AUTHORISED, reference="pi_more"
        )
        Attempt.objects.filter(payment__holder=change.holder).update(
            answered_at=NOON, succeeded=True
        )
        return order, change

    def test_exactly_one_wins(self, town):
        order, change = self.ready(town)
        seen, first = queries.seen(order), order.quote

        at_once(
            lambda: changes.agree(holder=change.holder, by=CITY, at=NOON),
            lambda: orders.take(
                ref=order.ref, step="drop_off", by=town.worker.actor, at=NOON, seen=seen
            ),
        )

        order, change = Order.objects.get(), Change.objects.get()
        if order.stage == "done":
            assert (change.state, order.charged_minor) == ("LAPSED", first.total_minor)
        else:
            assert (change.state, order.stage) == ("AGREED", "on_board")
            order = done(town)
        say(town, at=LATER)
        assert order.charged_minor == Order.objects.get().quote.total_minor
        taken = sum(Payment.objects.values_list("captured_minor", flat=True))
        assert (taken, balance()) == (order.charged_minor, 0)
        assert not Payment.objects.filter(state="AUTHORISED").exists()

    def test_without_the_lock_both_would(self, town):
        order, change = self.ready(town)
        looked = Barrier(2, timeout=30)

        def naively(may, do):
            can = may()
            looked.wait()
            return can and bool(do())

        live = Order.objects.filter(pk=order.pk, stage="on_board")
        asked = Change.objects.filter(pk=change.pk, state="ASKED")
        won = at_once(
            lambda: naively(live.exists, lambda: asked.update(state="AGREED")),
            lambda: naively(live.exists, lambda: live.update(stage="done", state="COMPLETED")),
        )

        assert won == [True, True]
