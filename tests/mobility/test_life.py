"""The life of rides and of Runs, whoever comes in whichever order.

Riders, drivers, the matcher, an officer, the bank and the clock take turns as Hypothesis likes, on
real PostgreSQL and through the real operations; news is delivered late, out of order and twice.
What must always hold is looked at after every move.  `--hypothesis-profile=proof` looks for long.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F, Q, Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apps.bus import operations as bus
from apps.bus.models import Delivery
from apps.dispatch import operations as dispatch
from apps.dispatch import queries as supply
from apps.dispatch.models import Job, Offer, Position, Run, Shift
from apps.kernel.actors import Actor, Kind
from apps.ledger.models import Entry
from apps.mobility import mds, operations, queries
from apps.mobility.models import VehicleEvent
from apps.mobility.vertical import RIDE
from apps.orders import changes, charging
from apps.orders import operations as orders
from apps.orders.models import Order, Step
from apps.orders.verticals import PAYING
from apps.payments import operations as payments
from apps.payments import queries as money
from apps.payments.gateway import Answer
from apps.payments.models import Attempt, Payment
from apps.regulation import operations as regulation
from apps.regulation.models import Permit
from tests import rides
from tests.factories import CITY, NOON, OFFICER

pytestmark = pytest.mark.django_db

BANK = Actor.system("payments")
# What people are told when things have moved on.  Anything else that is raised is a mistake.
NO = (
    changes.Pending,
    changes.PriceGone,
    orders.OutOfTurn,
    dispatch.Busy,
    dispatch.Full,
    dispatch.NoSuchOffer,
    dispatch.NotOnShift,
    dispatch.OnARun,
    dispatch.TooLate,
    operations.CannotServe,
    orders.QuoteGone,
    payments.NotCaptured,
    regulation.NotPermitted,
)
AFTER = {(step.state, step.stage) for step in RIDE.by_name.values()}
LEGAL = {(Order.State.PLACED, PAYING)} | AFTER
# What a stage of the order says about its job.  A search that is over waits for the news of it.
JOBS = {
    PAYING: {Job.State.WAITING},
    "scheduled": {Job.State.WAITING},
    "searching": {Job.State.SEARCHING, Job.State.UNSERVED},
    "on_the_way": {Job.State.ASSIGNED},
    "at_pickup": {Job.State.ASSIGNED},
    "on_board": {Job.State.ASSIGNED},
    "at_stop": {Job.State.ASSIGNED},
}
OVER = {Job.State.RELEASED, Job.State.UNSERVED}
# And about the car.
CARS = {"on_the_way": "reserved", "at_pickup": "stopped"}
CARS |= {"on_board": "on_trip", "at_stop": "stopped"}
DRIVERS, LIVE_ORDERS, STEPS = 3, 4, 45
WAITS = [1, 8, 15, 61, 121, 301, 601, 4_000]

anyone = st.integers(min_value=0, max_value=999)


class Life(RuleBasedStateMachine):
    """A city with three drivers and one rider who orders again and again."""

    town: rides.Town
    drivers: list[Any]

    def __init__(self) -> None:
        super().__init__()
        self.at = NOON
        self.checked: dict[int, tuple[int, mds.Vehicle]] = {}
        # Undone at the end; what the database checks at a commit it is asked for after each move.
        self.example = transaction.atomic()
        self.example.__enter__()

    def teardown(self) -> None:
        try:
            self.everything_comes_to_its_end()
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    # --- who does what -----------------------------------------------------------------------

    def try_to(self, do: Callable[..., Any], **what: Any) -> Any:
        """Whoever comes too late is told so, and nothing of what they began stays."""
        try:
            with transaction.atomic():
                return do(**what, at=self.at)
        except NO:
            return None

    def one_of(self, rows: Any, n: int) -> Any:
        found = list(rows.order_by("pk"))
        return found[n % len(found)] if found else None

    @initialize(on_line=st.integers(1, DRIVERS), moves=st.lists(st.integers(0, 9), max_size=3))
    def a_day_begins(self, on_line: int, moves: list[int]) -> None:
        for worker in self.drivers[:on_line]:
            self.goes_on_line(worker_id=worker.pk, by=worker.actor, at=self.at)
        for n, far in enumerate(moves):
            self.the_rider_orders(again=False)
            self.a_ride_goes_on(n, far)

    @rule(n=anyone, moves=st.integers(min_value=1, max_value=6))
    def a_ride_goes_on(self, n: int, moves: int) -> None:
        """What comes next comes next, so that all the rest happens in the middle of rides."""
        for _ in range(moves):
            if order := self.one_of(Order.objects.live(), n):
                self.go_on_with(order, n)

    @rule(n=anyone, moves=st.integers(min_value=1, max_value=9))
    def another_ride_goes_on(self, n: int, moves: int) -> None:
        """The same: Hypothesis leaves some rules out of some runs, and rides ought to go on."""
        self.a_ride_goes_on(n, moves)

    def go_on_with(self, order: Order, n: int) -> None:
        if order.worker:
            self.drive_on(order)
        elif order.stage == PAYING:
            self.all_news_arrives()
            self.the_bank_answers(n, "yes")
        elif order.stage == "scheduled":
            self.at = max(self.at, order.ride.search_at)
            self.searches_begin()
        elif Offer.objects.open().filter(job__holder=order.ref).exists():
            self.a_driver_answers_what_rings(n)
        elif free := self.one_of(supply.free_workers(self.town.city.pk, at=self.at), n):
            self.ask(Job.objects.get(holder=order.ref), free.worker)

    @rule(seconds=st.sampled_from(WAITS))
    def time_passes(self, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)

    @precondition(lambda self: Order.objects.live().count() < LIVE_ORDERS)
    @rule(again=st.booleans(), ahead=st.sampled_from([None, None, 31, 90]), stops=st.integers(0, 2))
    def the_rider_orders(self, again: bool, ahead: int | None = None, stops: int = 0) -> None:
        pickup_at = ahead and self.at + timedelta(minutes=ahead)
        over = [rides.RECOVA, rides.MALL][:stops]
        quote = self.town.quote(self.at, pickup_at=pickup_at, stops=over)
        order = self.town.place(quote, self.at)
        if again:
            assert self.town.place(quote, self.at, key=order.basket.ref) == order

    @rule(n=anyone, to=st.integers(0, 1), thinks=st.sampled_from([0, 0, 10, 301]))
    def the_rider_changes_the_destination(self, n: int, to: int, thinks: int) -> None:
        order = self.one_of(Order.objects.live(), n)
        if order is None:
            return
        if order.worker:
            here = {"lat": -29.904, "lon": -71.263, "seen_at": self.at}
            Position.objects.update_or_create(worker=order.worker, defaults=here)
        by, place = self.town.rider.acting(Kind.CONSUMER), [rides.FARO, rides.COQUIMBO][to]
        quote = self.try_to(operations.quote_change, order=order, dropoff=place, by=by)
        self.at += timedelta(seconds=thinks)
        if quote:
            what = {"ref": order.ref, "quote_ref": quote.ref, "by": by}
            self.try_to(changes.accept, **what)
            self.try_to(changes.accept, **what)

    @rule()
    def searches_begin(self) -> None:
        operations.begin_searches(at=self.at)

    @rule(n=anyone, step=st.sampled_from(["cancel", "call_off"]))
    def the_rider_or_an_officer_calls_it_off(self, n: int, step: str) -> None:
        by = OFFICER if step == "call_off" else self.town.rider.acting(Kind.CONSUMER)
        if order := self.one_of(Order.objects.all(), n):
            self.take(order, step, by)

    def take(self, order: Order, step: str, by: Actor, code: str = "") -> None:
        # Not in a transaction of ours: a wrong code is counted after the one that was refused.
        with suppress(orders.OutOfTurn, orders.StepRefused):
            orders.take(ref=order.ref, step=step, by=by, at=self.at, code=code)

    @rule(driver=anyone, what=st.sampled_from(["on", "on", "off", "pause", "resume"]))
    def a_driver_turns_the_sign(self, driver: int, what: str) -> None:
        do = {
            "on": self.goes_on_line,
            "off": operations.leave_shift,
            "pause": dispatch.pause_shift,
            "resume": dispatch.resume_shift,
        }[what]
        worker = self.drivers[driver % DRIVERS]
        self.try_to(do, worker_id=worker.pk, by=worker.actor)

    def goes_on_line(self, **who: Any) -> None:
        operations.go_on_shift(city_id=self.town.city.pk, **who)

    @rule(n=anyone, answer=st.sampled_from(["yes", "yes", "yes", "no", "more_time"]))
    def a_driver_answers(self, n: int, answer: str) -> None:
        """Also what was answered before, or is gone: a phone may say it again much later."""
        if offer := self.one_of(Offer.objects.select_related("worker"), n):
            do = {
                "yes": operations.accept_offer,
                "no": dispatch.decline,
                "more_time": dispatch.extend,
            }[answer]
            worker = offer.worker
            self.try_to(do, offer_id=offer.pk, worker_id=worker.pk, by=worker.actor)

    @rule(n=anyone)
    def a_driver_answers_what_rings(self, n: int) -> None:
        if offer := self.one_of(Offer.objects.open().select_related("worker"), n):
            worker = offer.worker
            who = {"worker_id": worker.pk, "by": worker.actor}
            self.try_to(operations.accept_offer, offer_id=offer.pk, **who)

    @rule(
        n=anyone,
        step=st.sampled_from(
            ["arrive", "board", "reach_stop", "go_on", "drop_off", "give_back", "no_show"]
            + ["end_at_stop"]
        ),
        knows=st.booleans(),
    )
    def a_driver_takes_a_step(self, n: int, step: str, knows: bool) -> None:
        under_way = Order.objects.filter(worker__isnull=False)
        if order := self.one_of(under_way, n):
            self.take(order, step, order.worker.actor, order.ride.code if knows else "none")

    @rule(job=anyone, driver=anyone)
    def the_matcher_asks(self, job: int, driver: int) -> None:
        """As one that looked a while ago would: any driver, for any job that was searched for."""
        if sought := self.one_of(Job.objects.exclude(searching_since=None), job):
            self.ask(sought, self.drivers[driver % DRIVERS])

    @rule(job=anyone, driver=anyone)
    def the_matcher_asks_who_is_free(self, job: int, driver: int) -> None:
        sought = self.one_of(Job.objects.searching(), job)
        free = self.one_of(supply.free_workers(self.town.city.pk, at=self.at), driver)
        if sought and free:
            self.ask(sought, free.worker)

    def ask(self, job: Job, worker: Any) -> None:
        way = {"eta_seconds": 180, "eta_metres": 900}
        self.try_to(dispatch.offer, job_id=job.pk, worker_id=worker.pk, by=CITY, **way)

    @rule()
    def what_is_due_is_done(self) -> None:
        dispatch.tidy(at=self.at)

    @rule(driver=anyone, acts=st.lists(st.sampled_from(["take", "wait", "give"]), max_size=3))
    def an_officer_has_doubts_about_a_permit(self, driver: int, acts: list[str]) -> None:
        permit = Permit.objects.get(provider=self.drivers[driver % DRIVERS].provider)
        what = {"permit_id": permit.pk, "reason": "insurance", "by": OFFICER, "at": self.at}
        for act in acts:
            if act == "take":
                regulation.revoke_permit(**what)
            elif act == "give":
                regulation.restore_permit(**what)
            else:
                self.all_news_arrives()
                dispatch.tidy(at=self.at)

    @rule(n=anyone, part=st.integers(min_value=1, max_value=3))
    def an_officer_gives_money_back(self, n: int, part: int) -> None:
        payment = self.one_of(Payment.objects.filter(captured_minor__gt=0), n)
        if payment and (left := money.refundable(payment) // part):
            split = money.split_back(payment, left)
            what = {"holder": payment.holder, "amount_minor": left, "split": split}
            self.try_to(payments.refund, about=None, by=OFFICER, **what)

    @rule(n=anyone, says=st.sampled_from(["yes", "yes", "yes", "no", "nothing", "twice"]))
    def the_bank_answers(self, n: int, says: str) -> None:
        if question := self.one_of(Attempt.objects.open(), n):
            if says == "nothing":
                key, error = question.key, "nobody answered"
                payments.put_off(attempt_id=question.pk, key=key, error=error, at=self.at)
                return
            is_yes = says != "no" or question.kind == Attempt.Kind.CANCEL
            for _ in range(2 if says == "twice" else 1):
                self.answer(question, is_yes)

    def answer(self, question: Attempt, is_yes: bool) -> None:
        answer = Answer(is_yes, f"pi_{question.pk}", "" if is_yes else "declined")
        payments.record(attempt_id=question.pk, answer=answer, by=BANK, at=self.at)

    @rule(n=anyone)
    def some_news_arrives(self, n: int) -> None:
        """Whichever comes first."""
        if news := self.one_of(Delivery.objects.waiting(), n):
            self.deliver(news)

    @rule(n=anyone)
    def old_news_arrives_again(self, n: int) -> None:
        if news := self.one_of(Delivery.objects.exclude(done_at=None), n):
            self.deliver(news)

    def deliver(self, news: Delivery) -> None:
        first = NOON - timedelta(days=1)
        Delivery.objects.filter(pk=news.pk).update(done_at=None, due_at=first)
        assert bus.relay(at=self.at, limit=1) == 1
        assert Delivery.objects.get(pk=news.pk).done_at is not None

    @rule()
    def all_news_arrives(self) -> None:
        rides.relay_all(self.at)

    # --- what always holds -------------------------------------------------------------------

    @invariant()
    def cars_live_as_mds_says(self) -> None:
        for worker in self.drivers:
            last, state = self.checked.get(worker.pk, (0, mds.Vehicle.NON_OPERATIONAL))
            for event in VehicleEvent.objects.filter(worker=worker, pk__gt=last).order_by("pk"):
                state = mds.follow(state, event.event)
                assert event.state == state
                last = event.pk
            self.checked[worker.pk] = last, state

    @invariant()
    def nobody_is_in_two_places(self) -> None:
        live = Counter(Run.objects.live().values_list("worker", flat=True))
        ringing = Counter(Offer.objects.open().values_list("worker", flat=True))
        won = Offer.objects.filter(state=Offer.State.ACCEPTED)
        winners = Counter(won.values_list("job", flat=True))
        assert {*live.values(), *ringing.values(), *winners.values()} <= {1}
        seats = Sum("jobs__seats", filter=Q(jobs__state=Job.State.ASSIGNED), default=0)
        runs = Run.objects.annotate(carried=seats)
        assert not runs.exclude(taken=F("carried")).exists()
        assert not runs.filter(ended_at=None, taken=0).exists()

    @invariant()
    def orders_and_jobs_and_cars_agree(self) -> None:
        jobs = {job.holder: job for job in Job.objects.select_related("run")}
        for order in Order.objects.all():
            assert (order.state, order.stage) in LEGAL
            job = jobs[order.ref]
            assert job.state in JOBS.get(order.stage, OVER), (order.stage, job.state)
            if order.stage in CARS:
                assert job.run.state == Run.State.LIVE
                assert job.run.worker_id == order.worker_id
                assert queries.vehicle_state(order.worker_id) == CARS[order.stage]

    @invariant()
    def who_is_on_line_and_free_has_a_free_car(self) -> None:
        busy = Run.objects.live().values_list("worker", flat=True)
        for shift in Shift.objects.open().exclude(worker__in=busy):
            assert queries.vehicle_state(shift.worker_id) == mds.Vehicle.AVAILABLE

    @invariant()
    def every_step_was_one_that_the_ride_knows(self) -> None:
        stage: dict[int, str] = {}
        for step in Step.objects.order_by("pk"):
            known = RIDE.step(step.name)
            assert stage.get(step.order_id, PAYING) in known.sources
            assert (step.state, step.stage) == (known.state, known.stage)
            stage[step.order_id] = step.stage

    @invariant()
    def the_books_balance(self) -> None:
        connection.check_constraints()
        journals = Entry.objects.values("journal").annotate(total=Sum("amount_minor"))
        assert not journals.exclude(total=0).exists()
        for order in Order.objects.select_related("basket"):
            promises = charging.promises(order)
            for one in promises:
                assert one.refunded_minor <= one.captured_minor <= one.amount_minor
            assert sum(one.captured_minor for one in promises) <= (order.charged_minor or 0)

    @invariant()
    def no_news_is_too_hard_to_take(self) -> None:
        failed = Delivery.objects.filter(failures__gt=0)
        assert list(failed.values_list("subscriber", "error")) == []

    # --- the end -----------------------------------------------------------------------------

    def everything_comes_to_its_end(self) -> None:
        """Everybody does what is left to do; then nobody and nothing is stuck."""
        for permit in Permit.objects.exclude(revoked_at=None):
            regulation.restore_permit(permit_id=permit.pk, reason="end", by=OFFICER, at=self.at)
        for _ in range(16):
            rides.relay_all(self.at)
            for question in Attempt.objects.open().order_by("pk"):
                self.answer(question, is_yes=True)
            for order in Order.objects.live().exclude(worker=None):
                self.drive_on(order)
            self.at += timedelta(minutes=15)
            self.searches_begin()
            dispatch.tidy(at=self.at)
        assert not Order.objects.live().exists()
        assert not Job.objects.exclude(state__in=OVER).exists()
        assert not Run.objects.exclude(state=Run.State.ENDED).exists()
        assert not Offer.objects.open().exists()
        assert not Delivery.objects.filter(done_at=None).exists()
        assert not Attempt.objects.filter(answered_at=None).exists()
        assert not Payment.objects.filter(state__in=["OPENED", "AUTHORISED"]).exists()
        self.the_books_balance()
        for order in Order.objects.select_related("basket"):
            taken = sum(one.captured_minor for one in charging.promises(order))
            assert taken in (0, order.charged_minor)
        for worker in self.drivers:
            operations.leave_shift(worker_id=worker.pk, by=worker.actor, at=self.at)
            assert queries.vehicle_state(worker.pk) == mds.Vehicle.NON_OPERATIONAL
            self.goes_on_line(worker_id=worker.pk, by=worker.actor, at=self.at)
        free = supply.free_workers(self.town.city.pk, at=self.at)
        assert {shift.worker_id for shift in free} == {worker.pk for worker in self.drivers}
        self.cars_live_as_mds_says()

    def drive_on(self, order: Order) -> None:
        is_shut = order.ride.code_tries >= operations.CODE_TRIES
        step = {
            "on_the_way": "arrive",
            "at_pickup": "give_back" if is_shut else "board",
            "on_board": "reach_stop" if order.ride.stops_ahead else "drop_off",
            "at_stop": "go_on",
        }[order.stage]
        by, code = order.worker.actor, order.ride.code
        orders.take(ref=order.ref, step=step, by=by, at=self.at, code=code)


def test_whoever_comes_in_whichever_order_the_city_stays_whole(db):
    town = rides.town()
    more = [rides.driver("Rosa Pizarro"), rides.driver("Luis Araya")]
    Life.town, Life.drivers = town, [town.worker, *more]
    searches = settings.get_current_profile_name() == "proof"
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=150 if searches else 25,
            # The same commit gives the same answer, unless somebody searches.
            derandomize=not searches,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
