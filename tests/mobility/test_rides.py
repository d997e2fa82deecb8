from datetime import timedelta

import pytest

from apps.dispatch import operations as dispatch
from apps.dispatch.models import Job, Run, Shift
from apps.kernel.actors import Kind
from apps.mobility import mds, operations, queries
from apps.mobility.models import VehicleEvent
from apps.orders import operations as orders
from apps.orders.models import Order
from apps.payments.models import Attempt, Payment
from apps.places.geometry import Point
from apps.pricing import operations as pricing
from apps.pricing.models import Payee
from apps.regulation import operations as regulation
from apps.regulation.models import Permit
from tests import factories, rides
from tests.factories import CITY, NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def town():
    return rides.town()


def events(worker):
    return list(
        VehicleEvent.objects.filter(worker=worker).order_by("pk").values_list("event", "state")
    )


def test_the_fare_of_the_screens():
    tariff = factories.TariffFactory(**rides.PRICES)

    lines = pricing.metered(tariff, metres=2_600, seconds=360)

    assert [(line.code, line.amount, line.to) for line in lines] == [
        ("start", 600, Payee.PROVIDER),
        ("distance", 1_248, Payee.PROVIDER),
        ("time", 360, Payee.PROVIDER),
        ("platform", 77, Payee.PLATFORM),
        ("vat", 15, Payee.TAX),
        ("city_fee", 150, Payee.CITY),
    ]
    assert sum(line.amount for line in lines) == 2_450


def test_a_short_ride_costs_the_least_fare():
    tariff = factories.TariffFactory(**{**rides.PRICES, "minimum_minor": 1_400})

    lines = pricing.metered(tariff, metres=500, seconds=60)

    assert {line.code: line.amount for line in lines}["minimum"] == 1_400 - 600 - 240 - 60


@pytest.mark.parametrize(
    ("pickup", "dropoff", "code"),
    [
        (rides.PLAZA, operations.Stop(Point(-33.45, -70.66), "Santiago"), "outside_city"),
        (operations.Stop(Point(0.0, 0.0), "Null Island"), rides.FARO, "outside_city"),
        (rides.PLAZA, rides.PLAZA, "same_place"),
    ],
)
def test_where_no_ride_goes(town, pickup, dropoff, code):
    with pytest.raises(operations.CannotServe, match=code):
        operations.quote_trip(
            city=town.city, pickup=pickup, dropoff=dropoff, consumer_id=None, by=CITY, at=NOON
        )


def test_a_desk_without_a_permit_offers_nothing(town):
    Permit.objects.all().delete()

    with pytest.raises(operations.CannotServe, match="no_service"):
        town.quote()


class TestOneRide:
    def test_from_request_to_drop_off_in_the_words_of_mds(self, town):
        order = town.confirm()
        assert (order.state, order.stage, order.worker) == ("CONFIRMED", "on_the_way", town.worker)
        assert order.provider == town.worker.provider
        assert order.ride.eta_at("on_the_way") == NOON + timedelta(seconds=180)

        order = town.drive(order)

        assert (order.state, order.stage) == (Order.State.COMPLETED, "done")
        assert order.charged_minor == order.total_minor
        assert Run.objects.get().state == Run.State.ENDED
        assert events(town.worker) == [
            ("service_start", "available"),
            ("reservation_start", "reserved"),
            ("reservation_stop", "stopped"),
            ("trip_start", "on_trip"),
            ("trip_stop", "stopped"),
            ("trip_end", "available"),
        ]

    def test_the_fare_is_split_to_the_last_peso(self, town):
        order = town.confirm()
        # The bank has said yes; what is captured says who gets it.
        Payment.objects.update(state=Payment.State.AUTHORISED, reference="pi_1")
        Attempt.objects.update(answered_at=NOON, succeeded=True)

        order = town.drive(order)

        parts = {payee: order.quote.part_of(payee) for payee in Payee}
        rides.relay_all(NOON + timedelta(hours=1))
        split = dict(map(tuple, Attempt.objects.get(kind=Attempt.Kind.CAPTURE).split))
        assert split == {
            f"provider:{order.provider_id}:payable": parts[Payee.PROVIDER],
            "platform:fees": parts[Payee.PLATFORM],
            "tax:la-serena:vat": parts[Payee.TAX],
            "city:la-serena:fees": parts[Payee.CITY],
        }
        assert sum(split.values()) == order.total_minor

    def test_only_the_riders_code_opens_the_ride_and_five_wrong_ones_close_it(self, town):
        order = town.confirm()
        by = town.worker.actor
        town.step(order, "arrive", by)
        wrong = f"{(int(order.ride.code) + 1) % 10_000:04}"

        for _ in range(operations.CODE_TRIES):
            with pytest.raises(orders.StepRefused, match="wrong_code"):
                orders.take(ref=order.ref, step="board", by=by, at=NOON, code=wrong)

        with pytest.raises(orders.StepRefused, match="too_many_tries"):
            orders.take(ref=order.ref, step="board", by=by, at=NOON, code=order.ride.code)

    def test_a_yes_that_is_said_again_after_the_arrival_changes_nothing(self, town):
        order = town.search()
        town.on_shift()
        offer = town.offer(order)
        town.accept(offer)
        town.step(order, "arrive", town.worker.actor)

        assert town.accept(offer).stage == "at_pickup"

    def test_a_driver_may_give_it_back_and_another_finds_it(self, town):
        order = town.confirm()
        rosa = town.on_shift(rides.driver("Rosa Pizarro"))

        order = town.step(order, "give_back", town.worker.actor, reason="flat tyre")

        assert (order.state, order.stage, order.worker) == ("AUTHORISED", "searching", None)
        assert Job.objects.get(holder=order.ref).state == Job.State.SEARCHING
        assert events(town.worker)[-1] == ("driver_cancellation", "available")
        assert town.accept(town.offer(order, rosa)).worker == rosa


class TestCancelling:
    def cancel(self, town, order, after):
        by = town.rider.acting(Kind.CONSUMER)
        return town.step(order, "cancel", by, NOON + timedelta(seconds=after))

    def test_before_anybody_has_accepted_it_is_free(self, town):
        assert self.cancel(town, town.search(), after=300).charged_minor == 0

    @pytest.mark.parametrize(("after", "fee"), [(119, 0), (120, 700)])
    def test_after_that_it_is_free_for_two_minutes(self, town, after, fee):
        order = town.confirm()
        at = NOON + timedelta(seconds=after)

        said = queries.cancellation(order, at)
        assert (said.fee.minor, said.free_until) == (fee, NOON + timedelta(seconds=120))

        order = self.cancel(town, order, after)
        assert (order.charged_minor, order.state) == (fee, "CANCELLED")
        assert events(town.worker)[-1] == ("passenger_cancellation", "available")

    def test_on_board_nobody_cancels(self, town):
        order = town.confirm()
        town.step(order, "arrive", town.worker.actor)
        order = town.step(order, "board", town.worker.actor, code=order.ride.code)

        with pytest.raises(orders.OutOfTurn):
            self.cancel(town, order, after=200)

    @pytest.mark.parametrize(("waited", "is_allowed"), [(299, False), (300, True)])
    def test_a_rider_who_does_not_come_pays_the_fee_after_five_minutes(
        self, town, waited, is_allowed
    ):
        order = town.confirm()
        by = town.worker.actor
        town.step(order, "arrive", by)
        at = NOON + timedelta(seconds=waited)

        if is_allowed:
            assert town.step(order, "no_show", by, at).charged_minor == 700
        else:
            with pytest.raises(orders.StepRefused, match="too_early"):
                town.step(order, "no_show", by, at)


class TestShifts:
    def test_without_a_permit_nobody_goes_on_line_and_the_no_is_on_record(self, town):
        Permit.objects.filter(provider=town.worker.provider).delete()

        with pytest.raises(regulation.NotPermitted):
            town.on_shift()

        assert not Shift.objects.exists()
        assert town.worker.provider.decisions.get().refusal

    def test_a_revoked_permit_ends_the_shift_but_not_the_ride(self, town):
        order = town.confirm()
        permit = Permit.objects.get(provider=town.worker.provider)
        regulation.revoke_permit(permit_id=permit.pk, reason="insurance lapsed", by=CITY, at=NOON)
        rides.relay_all(NOON)
        after = NOON + timedelta(hours=1)

        dispatch.tidy(at=after)
        assert Shift.objects.open().exists(), "somebody is on board"

        town.drive(order)
        dispatch.tidy(at=after)
        rides.relay_all(after)
        assert not Shift.objects.open().exists()
        assert events(town.worker)[-1] == ("service_end", "non_operational")

    def test_whose_shift_has_just_ended_may_begin_another_before_the_news_of_it(self, town):
        town.on_shift()
        dispatch.limit_shift(worker_id=town.worker.pk, until=NOON, by=CITY, at=NOON)
        dispatch.tidy(at=NOON)

        town.on_shift()
        rides.relay_all(NOON)

        assert Shift.objects.open().count() == 1
        assert events(town.worker) == [
            ("service_start", "available"),
            ("service_end", "non_operational"),
            ("service_start", "available"),
        ]


class TestMds:
    def test_there_are_42_permitted_transitions(self):
        assert sum(map(len, mds.TRANSITIONS.values())) == 42
        assert {state for state, _ in mds.TRANSITIONS} == set(mds.Vehicle)

    @pytest.mark.parametrize(
        ("state", "event"),
        [("reserved", "trip_start"), ("on_trip", "trip_end"), ("available", "trip_start")],
    )
    def test_no_shortcut_is_legal(self, state, event):
        with pytest.raises(mds.Illegal):
            mds.follow(mds.Vehicle(state), event)
