"""A draft tried on a handmade month, to the peso."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from apps.bus.models import Event
from apps.insight import operations, tasks, trying_out
from apps.insight.models import DryRun
from apps.insight.trying import past, work
from apps.insight.trying.waits import Waiting
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.mobility import operations as mobility
from apps.orders.models import Order
from apps.pricing import levies
from apps.pricing import operations as pricing
from apps.pricing.models import Quote, Tariff
from tests import levies as levies_in_force
from tests import rides
from tests.factories import CITY, NOON, OFFICER, ZoneFactory
from tests.policies import approved, drafted, enforced, proposed
from tests.races import at_once
from tests.rides import FARO, PLAZA

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MONTH_END = NOON + 3 * DAY
# CLP 2,608 from the square to the lighthouse: driver, platform, city, VAT.
FARE = {"people": 2608, "drivers": 2359, "platform": 83, "city": 150, "tax": 16}


@pytest.fixture
def town():
    return rides.town()


def ask(version, until=MONTH_END, **rest):
    return operations.ask_dry_run(
        version_id=version.pk,
        officer_id=version.drafted_by_id,
        by=OFFICER,
        at=clock.now(),
        until=until,
        **rest,
    )


def tried(version, until=MONTH_END, **rest):
    """The result of a run, as a worker leaves it."""
    run = ask(version, until, **rest)
    trying_out.try_out(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error) == ("DONE", "")
    return run


def done(town, at=NOON, quote=None):
    order = town.step(town.place(quote or town.quote(at), at), "authorise", CITY, at)
    town.on_shift(at=at)
    return town.drive(town.accept(town.offer(order, at=at), at), at)


def back(town, at=NOON):
    """The same way the other way round."""
    (quote,) = mobility.quote_trip(
        city=town.city, pickup=FARO, dropoff=PLAZA, consumer_id=town.rider.pk,
        by=town.rider.acting(Kind.CONSUMER), at=at,
    )  # fmt: skip
    return quote


def surging(town, demand_bp, at=NOON):
    """A quote of an hour in which demand lifted the fare."""
    Tariff.objects.update(surge_most_bp=30_000)
    usual = town.quote(at)
    tariff = Tariff.objects.get()
    way = {"metres": usual.request["metres"], "seconds": usual.request["seconds"]}
    return pricing.freeze(
        bundle=uuid4(),
        listing=usual.listing,
        consumer_id=town.rider.pk,
        request=usual.request,
        lines=pricing.metered(tariff, **way, demand_bp=demand_bp),
        terms=usual.terms,
        tariff=tariff,
        currency="CLP",
        decision=usual.decision,
        by=CITY,
        at=at,
    )


def levied(town, code, **told):
    rule = levies.Rule(
        number=f"{code}-1", code=code, name=code, shares=(levies.Share("CITY"),),
        begins=NOON - 40 * DAY, **told,
    )  # fmt: skip
    levies_in_force.put(town.city, rule)


def money(result, what):
    return {side: told[what] for side, told in result["money"].items() if told[what]}


class TestWhatItSays:
    def test_a_surge_cap_takes_from_whoever_demand_gave_to(self, town):
        done(town, quote=surging(town, 15_000))
        done(town, at=NOON + DAY)

        result = tried(drafted("price", {"surge_most_bp": 12_000})).result

        # 2,359 times 1.5 is 3,539, and times 1.2 it is 2,831; of each 3.5 % and VAT on that.
        assert money(result, "was") == {
            "people": 3837 + 2608, "drivers": 3539 + 2359, "platform": 124 + 83,
            "city": 300, "tax": 24 + 16,
        }  # fmt: skip
        assert money(result, "prices") == {
            "people": -738, "drivers": -708, "platform": -25, "tax": -5
        }  # fmt: skip
        assert (result["repriced"], result["agree"], result["cheaper"]) == (2, 2, 1)
        assert result["bars"] == [0, 0, 1, 0, 1, 0, 0, 0, 0]

    def test_where_a_rule_held_demand_down_it_says_that_nobody_knows_how_far_it_went(self, town):
        quote = surging(town, 15_000)
        surge = next(line for line in quote.lines if line["code"] == "surge")
        surge["rule"] = "P-1/1"
        quote.save()
        done(town, quote=quote)

        assert tried(drafted("price", {"surge_most_bp": 20_000})).result["capped"] == 1

    def test_a_floor_goes_to_the_driver(self, town):
        done(town)

        result = tried(drafted("price", {"floor_minor": 3_000})).result

        assert money(result, "was") == FARE
        assert money(result, "prices") == {"people": 392, "drivers": 392}
        assert result["bars"] == [0, 0, 0, 0, 0, 0, 1, 0, 0]

    def test_a_fee_goes_to_the_city_and_a_subsidy_comes_from_it(self, town):
        done(town)

        fee = tried(drafted("fee", {"flat_minor": 100, "share_bp": 1_000})).result
        subsidy = tried(drafted("subsidy", {"flat_minor": 500})).result

        assert money(fee, "prices") == {"people": 336, "city": 336}
        assert money(subsidy, "prices") == {"people": -500, "city": -500}

    def test_a_closed_zone_refuses_rides_and_the_prices_that_led_to_none(self, town):
        ZoneFactory()
        away = done(town)
        done(town, at=NOON + DAY, quote=back(town, NOON + DAY))
        town.quote(NOON + DAY)

        result = tried(drafted("closed", scope={"zones": ["centre"], "ends": ["pickup"]})).result

        assert (result["orders"], result["refused"], result["repriced"]) == (2, 1, 0)
        assert (result["quotes"], result["quotes_refused"]) == (1, 1)
        assert money(result, "refused") == {side: -sum_ for side, sum_ in FARE.items()}
        assert [sample[1] for sample in result["samples"]] == [away.pk]
        by_district = {one["slug"]: (one["orders"], one["refused"]) for one in result["districts"]}
        assert by_district == {"": (1, 0), "centre": (1, 1)}
        assert result["names"] == {"centre": "Centre"}

    def test_a_cap_a_day_counts_in_the_order_of_time_and_gets_back_what_was_called_off(self, town):
        off = town.place(at=NOON)
        town.step(off, "cancel", town.rider.acting(Kind.CONSUMER), NOON + timedelta(minutes=1))
        late = [done(town, at=NOON + timedelta(hours=hour)) for hour in (1, 2, 3)]
        done(town, at=NOON + DAY)

        cap = {"fact": "rides", "most": 2, "per": "day", "of": "city"}
        result = tried(drafted("cap", cap)).result

        assert (result["orders"], result["refused"]) == (5, 1)
        assert [sample[1] for sample in result["samples"]] == [late[-1].pk]

    def test_a_cap_a_month_counts_what_was_before_the_time_that_is_asked_about(self, town):
        done(town)
        done(town, at=NOON + DAY)

        cap = {"fact": "rides", "most": 1, "per": "month", "of": "city"}
        result = tried(drafted("cap", cap), since=NOON + timedelta(hours=1)).result

        assert (result["orders"], result["refused"]) == (1, 1)

    def test_the_next_version_is_held_against_the_one_in_force(self, town):
        held = enforced("fee", {"flat_minor": 300}, at=NOON - DAY)
        done(town)
        enforced("fee", {"flat_minor": 70}, at=NOON - DAY)

        result = tried(drafted("fee", {"flat_minor": 100}, policy_id=held.policy_id)).result

        assert result["replaced"] == ["P-1/1"]
        assert money(result, "prices") == {"people": -200, "city": -200}
        # The other fee was not there when the ride was priced, and is in both of the two sums.
        assert (result["repriced"], result["agree"]) == (1, 0)

    def test_taxes_and_fees_are_in_both_sums_and_a_share_changes_with_the_fare(self, town):
        ZoneFactory()
        levied(town, "centre_fee", zone="centre", kind="AMOUNT", rate=90, per="RIDE")
        done(town)
        done(town, at=NOON + timedelta(hours=1))

        by_the_ride = tried(drafted("pay", {"per_order_minor": 3_000})).result

        # 641 more for the driver; 3.5 % of 3,000 is 105 for the platform, and VAT 20 of that.
        change = {"people": 2 * (641 + 22 + 4), "drivers": 2 * 641, "platform": 44, "tax": 8}
        assert money(by_the_ride, "was")["city"] == 2 * 240
        assert money(by_the_ride, "prices") == change
        assert (by_the_ride["compared"], by_the_ride["agree"]) == (2, 2)
        levied(town, "share", kind="PERCENT", rate=1_000, per="ORDER", base=("least_pay",))
        done(town, at=NOON + timedelta(hours=2))
        with_a_share = tried(drafted("pay", {"per_order_minor": 3_000})).result
        assert money(with_a_share, "prices")["city"] == 3 * 64

    def test_a_rule_at_night_says_nothing_of_noon(self, town):
        done(town)
        scope = {"hour_from": "22:00", "hour_to": "06:00"}

        result = tried(drafted("fee", {"flat_minor": 100}, scope=scope)).result

        assert (result["repriced"], money(result, "prices")) == (0, {})

    def test_a_ride_for_later_is_judged_by_its_own_hour(self, town):
        later = town.quote(pickup_at=NOON + timedelta(hours=12))
        town.place(later)
        scope = {"hour_from": "18:00", "hour_to": "23:00"}

        assert tried(drafted("closed", scope=scope)).result["refused"] == 1

    def test_a_month_without_orders_is_told_as_one(self, town):
        result = tried(drafted("fee", {"flat_minor": 100})).result

        assert (result["orders"], result["rows"], result["districts"]) == (0, 0, [])

    def test_what_it_tells_of_waits_are_waits_that_were(self, town):
        ZoneFactory()
        for hour in range(5):
            done(town, at=NOON + timedelta(hours=hour))
        done(town, at=NOON + DAY, quote=back(town, NOON + DAY))
        bound = Order.objects.order_by("pk").first()
        town.place(at=NOON + DAY)

        limit = {"fact": "metres", "most": 1}
        waits = tried(drafted("limit", limit, scope={"zones": ["centre"]})).result["waits"]

        assert waits["before"] == {"count": 6, "median": 0, "p90": 0}
        assert waits["after"] == {"count": 1, "median": None, "p90": None}
        assert waits["freed_seconds"] == 5 * bound.ride.seconds

    def test_who_found_nobody_while_a_freed_driver_was_bound_might_have_found_one(self):
        def minute(count):
            return NOON + timedelta(minutes=count)

        waiting = Waiting(
            bound=[(minute(0), minute(30)), (minute(10), minute(12)), (minute(60), minute(61))],
            unserved=[minute(-1), minute(0), minute(20), minute(30), minute(60), minute(99)],
        )

        assert waiting.might_be_served == 3
        assert waiting.freed_seconds == 60 * 33


class TestTheRun:
    def test_the_same_orders_come_to_the_same_result_and_digest(self, town):
        for day in range(3):
            done(town, at=NOON + day * DAY)
        version = drafted("price", {"floor_minor": 3_000})

        one, other = tried(version), tried(version)

        assert one.pk != other.pk
        assert (one.result, one.digest) == (other.result, other.digest)
        done(town, at=NOON + timedelta(hours=1))
        assert tried(version).digest != one.digest

    def test_asking_twice_has_one_run_under_way(self, town):
        version = drafted("fee", {"flat_minor": 100})

        assert ask(version).pk == ask(version).pk
        second = DryRun.objects.get()
        second.pk, second.ref = None, uuid4()
        with (
            pytest.raises(IntegrityError, match="insight_one_dry_run"),
            transaction.atomic(),
        ):
            second.save(force_insert=True)

    def test_what_is_called_off_stops_at_the_next_report(self, town, monkeypatch):
        for day in range(3):
            done(town, at=NOON + day * DAY)
        monkeypatch.setattr(past, "BATCH", 1)
        run = ask(drafted("fee", {"flat_minor": 100}))
        begun = operations.begin_dry_run(dry_run_id=run.pk, by=CITY, at=clock.now())

        def report(done, total):
            if done == 2:
                operations.cancel_dry_run(dry_run_id=run.pk, by=OFFICER, at=clock.now())
            return operations.report_dry_run(
                dry_run_id=run.pk, turn=1, done=done, total=total, at=clock.now()
            )

        with pytest.raises(work.Stopped):
            work.work_out(begun, report)

        run.refresh_from_db()
        assert (run.state, run.done, run.total, run.result) == ("CANCELLED", 1, 3, None)
        operations.cancel_dry_run(dry_run_id=run.pk, by=OFFICER, at=clock.now())
        topics = Event.objects.filter(topic__startswith="insight").order_by("pk")
        assert [event.topic.removeprefix("insight.dry_run_") for event in topics] == [
            "asked", "begun", "cancelled",
        ]  # fmt: skip
        assert trying_out.try_out(run.pk) is None

    def test_a_worker_that_died_is_followed_by_another_and_writes_no_more(self, town):
        done(town)
        run = ask(drafted("fee", {"flat_minor": 100}))
        long_ago = clock.now() - operations.SILENT_FOR - timedelta(seconds=1)
        operations.begin_dry_run(dry_run_id=run.pk, by=CITY, at=long_ago)

        assert list(operations.due(clock.now())) == [run]
        tasks.try_out_due()

        run.refresh_from_db()
        assert (run.state, run.turns, run.result["money"]["city"]["prices"]) == ("DONE", 2, 100)
        dead = {"dry_run_id": run.pk, "turn": 1, "at": clock.now()}
        assert not operations.report_dry_run(**dead, done=1, total=1)
        assert operations.finish_dry_run(**dead, result={}, digest="x", by=CITY) is None

    def test_what_breaks_off_again_and_again_fails(self, town):
        run = ask(drafted("fee", {"flat_minor": 100}))
        for turn in range(operations.MOST_TURNS):
            at = clock.now() + turn * 2 * operations.SILENT_FOR
            assert operations.begin_dry_run(dry_run_id=run.pk, by=CITY, at=at)
        at += 2 * operations.SILENT_FOR

        assert operations.begin_dry_run(dry_run_id=run.pk, by=CITY, at=at) is None

        run.refresh_from_db()
        assert (run.state, run.error) == ("FAILED", "broke off 5 times")

    def test_an_error_is_kept_in_words(self, town):
        done(town)
        Quote.objects.update(request={"pickup": {"lat": 0, "lon": 0}})
        run = ask(drafted("fee", {"flat_minor": 100}))

        assert trying_out.try_out(run.pk) is None

        run.refresh_from_db()
        assert (run.state, run.error) == ("FAILED", "KeyError: 'dropoff'")

    def test_a_draft_that_is_changed_since_is_not_what_was_tried(self, town):
        done(town)
        version = drafted("fee", {"flat_minor": 100})
        run = ask(version)
        drafted("fee", {"flat_minor": 900}, policy_id=version.policy_id)

        trying_out.try_out(run.pk)

        run.refresh_from_db()
        assert run.result["money"]["city"]["prices"] == 100

    def test_only_what_is_not_decided_is_tried_and_only_what_orders_can_tell_of(self, town):
        with pytest.raises(operations.NotADraft):
            ask(approved(proposed("fee", {"flat_minor": 100})))
        for kind, terms in (("permit", {}), ("speed", {"kmh": 30})):
            with pytest.raises(operations.OrdersDoNotTell):
                ask(drafted(kind, terms))
        assert ask(proposed("fee", {"flat_minor": 100})).state == "QUEUED"


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_take_one_run_at_once_do_not_both_get_it():
    town = rides.town()
    run = ask(drafted("fee", {"flat_minor": 100}, city=town.city))

    def take():
        return operations.begin_dry_run(dry_run_id=run.pk, by=CITY, at=clock.now())

    got = at_once(take, take, take)

    assert sorted(one is not None for one in got) == [False, False, True]
    connection.close()
