"""When a provider is paid, what is kept back, and 'pay me now'."""

from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import transaction
from guardian.shortcuts import assign_perm

from apps.bus import operations as bus
from apps.kernel import clock
from apps.notifications.models import Notice
from apps.payments.models import PayoutAccount, Transfer
from apps.settlement import operations, plans, queries
from apps.settlement.models import Payout, PayoutPlan, Reserve, Shortfall, payable
from apps.settlement.operations import booking
from tests.factories import CITY, OFFICER, CityFactory, ProviderFactory, UserFactory
from tests.payments.city import balances, relay
from tests.races import at_once, without
from tests.settlement.test_nights import book, lines

pytestmark = pytest.mark.django_db(transaction=True)

# A Monday, 03:10 in Chile.
DAY = date(2026, 11, 9)
NIGHT = datetime(2026, 11, 9, 6, 10, tzinfo=UTC)


@pytest.fixture
def marco(transactional_db):
    CityFactory()
    return ProviderFactory(name="Marco Tapia")


def choose(provider, schedule="DAILY", weekday=0, minimum=0, day=DAY):
    return operations.choose_plan(
        provider_id=provider.pk,
        currency="CLP",
        schedule=schedule,
        weekday=weekday,
        minimum_minor=minimum,
        day=day,
        by=CITY,
        at=NIGHT,
    )


def keep_back(provider, bp, days, instant_bp=100):
    return operations.set_reserve(
        provider_id=provider.pk,
        currency="CLP",
        reserve_bp=bp,
        reserve_days=days,
        instant_bp=instant_bp,
        reason="many refunds",
        by=OFFICER,
        at=NIGHT,
    )


def team_member(provider):
    """Somebody to whom the provider's money is shown."""
    person = UserFactory()
    assign_perm("parties.see_provider_money", person, provider)
    return person


def night(days):
    return [one.amount_minor for one in operations.settle_due(at=NIGHT + timedelta(days=days))]


def settle(provider):
    return operations.settle(provider_id=provider.pk, currency="CLP", day=DAY, by=CITY, at=NIGHT)


def pay_now(provider, key=None, is_instant=False, most_fee=0, day=DAY):
    return operations.pay_now(
        provider_id=provider.pk,
        currency="CLP",
        is_instant=is_instant,
        most_fee_minor=most_fee,
        key=key or uuid4(),
        day=day,
        by=CITY,
        at=NIGHT,
    )


class TestSchedule:
    def test_once_a_week_is_paid_on_that_day_of_the_week_only(self, marco):
        choose(marco, "WEEKLY", weekday=2)
        book(marco, 2208, "capture:1")

        assert [night(days) for days in range(1, 10)] == [[], [2208], [], [], [], [], [], [], []]

    def test_a_day_of_the_week_that_was_missed_is_made_up_for(self, marco):
        choose(marco, "WEEKLY", weekday=2)
        book(marco, 2208, "capture:1")

        assert night(4) == [2208]

    def test_who_is_paid_on_asking_is_not_paid_by_the_night(self, marco):
        choose(marco, "MANUAL")
        book(marco, 2208, "capture:1")

        assert night(1) == []
        assert pay_now(marco).amount_minor == 2208

    @pytest.mark.parametrize(
        ("weekday", "today", "then"),
        [(0, DAY, date(2026, 11, 16)), (1, DAY, date(2026, 11, 10)), (6, DAY, date(2026, 11, 15))],
    )
    def test_the_page_says_which_day_is_next(self, weekday, today, then):
        plan = PayoutPlan(schedule="WEEKLY", weekday=weekday)

        assert plans.next_day(plan, today) == then

    @pytest.mark.parametrize(("weekday", "minimum"), [(7, 0), (-1, 0), (0, -1), (0, 10**13)])
    def test_nonsense_is_refused(self, marco, weekday, minimum):
        with pytest.raises(ValueError, match="weekday"):
            choose(marco, weekday=weekday, minimum=minimum)


class TestLeastPayout:
    def test_below_it_nothing_is_paid_and_how_much_is_missing_is_said(self, marco):
        choose(marco, minimum=3000)
        book(marco, 2208, "capture:1")

        assert night(1) == []
        (growing,) = queries.next_payouts(marco, NIGHT)
        assert (growing.missing.minor, growing.may_ask) == (792, False)

        book(marco, 792, "capture:2")
        assert night(2) == [3000]


class TestReserve:
    def test_a_share_of_what_was_earned_is_kept_and_released_when_its_days_are_over(self, marco):
        keep_back(marco, 1000, 3)
        book(marco, 2208, "capture:1")

        payout = settle(marco)

        assert payout.amount_minor == 1988
        assert [(line.kind, line.amount.minor) for line in lines(payout)] == [
            ("capture", 2208),
            ("reserve", -220),
        ]
        assert balances()[f"provider:{marco.pk}:reserve"] == -220
        assert Reserve.objects.get().until == DAY + timedelta(days=3)
        assert [night(days) for days in (1, 2, 3, 4)] == [[], [], [220], []]
        assert balances() == {"clearing:cards": 2208, "payouts:in-transit": -2208}

    def test_what_is_owed_is_not_kept_back_from(self, marco):
        keep_back(marco, 5000, 3)
        book(marco, -2000, "refund:0", "payout_returned")
        book(marco, 2208, "capture:1")

        assert settle(marco).amount_minor == 104

    def test_nothing_is_kept_of_what_is_released(self, marco):
        keep_back(marco, 1000, 1)
        book(marco, 1000, "capture:1")
        settle(marco)

        assert [night(1), night(2)] == [[100], []]

    def test_released_from_two_sides_is_released_once(self, marco):
        keep_back(marco, 1000, 1)
        book(marco, 1000, "capture:1")
        settle(marco)

        def release():
            return operations.release_reserves(
                provider_id=marco.pk,
                currency="CLP",
                day=DAY + timedelta(days=1),
                by=CITY,
                at=NIGHT,
            )

        released = at_once(release, release)

        assert sorted(len(one) for one in released) == [0, 1]
        assert balances()[payable(marco.pk)] == -100

    @pytest.mark.parametrize(
        ("bp", "days", "fee"), [(5001, 1, 0), (1, 366, 0), (-1, 1, 0), (1, 1, 1001)]
    )
    def test_beyond_the_bounds_is_refused(self, marco, bp, days, fee):
        with pytest.raises(ValueError, match="days"):
            keep_back(marco, bp, days, fee)


class TestPayNow:
    def test_the_night_pays_only_what_came_since(self, marco):
        book(marco, 2208, "capture:1")
        now = pay_now(marco)
        book(marco, 100, "capture:2")

        (by_night,) = operations.settle_due(at=NIGHT)

        assert (now.kind, now.amount_minor) == ("ASKED", 2208)
        assert (by_night.kind, by_night.day, by_night.after_entry) == (
            "NIGHTLY",
            now.day,
            now.last_entry,
        )
        assert [line.amount.minor for line in lines(by_night)] == [100]

    def test_at_once_costs_the_fee_that_was_shown(self, marco):
        book(marco, 2250, "capture:1")

        payout = pay_now(marco, is_instant=True, most_fee=23)

        assert (payout.amount_minor, payout.fee_minor) == (2227, 23)
        assert balances()["platform:fees"] == -23
        assert [line.kind for line in lines(payout)] == ["capture", "instant_fee"]

    def test_a_fee_that_is_higher_than_shown_is_not_taken(self, marco):
        book(marco, 2250, "capture:1")

        with pytest.raises(operations.DearerNow):
            pay_now(marco, is_instant=True, most_fee=22)
        assert not Payout.objects.exists()

    def test_the_same_key_is_one_payout_and_for_nothing_else(self, marco):
        book(marco, 2250, "capture:1")
        key = uuid4()
        first = pay_now(marco, key)
        book(marco, 10, "capture:2")

        assert pay_now(marco, key) == first
        with pytest.raises(operations.KeyReused):
            pay_now(marco, key, is_instant=True)
        with pytest.raises(operations.KeyReused):
            pay_now(ProviderFactory(), key)

    def test_nothing_to_pay_is_said(self, marco):
        with pytest.raises(operations.NothingToPay):
            pay_now(marco)
        book(marco, 100, "capture:1")
        choose(marco, minimum=101)
        with pytest.raises(operations.NothingToPay):
            pay_now(marco)

    def test_asked_for_from_eight_sides_is_one_payout(self, marco):
        book(marco, 2208, "capture:1")

        told = at_once(*[lambda: pay_now(marco)] * 7, lambda: settle(marco))

        assert len([one for one in told if isinstance(one, Payout)]) == 1
        assert balances() == {"clearing:cards": 2208, "payouts:in-transit": -2208}

    def naive(self, marco, both_have_looked):
        """No lock: look at what is due, wait for the other, then pay."""
        account = queries.Account.objects.get(code=payable(marco.pk))
        due = -queries.books.balance(account.code, "CLP").minor
        both_have_looked.wait()
        payout = Payout(
            ref=uuid4(),
            provider=marco,
            account=account.code,
            kind="ASKED",
            key=uuid4(),
            amount_minor=due,
            currency="CLP",
            day=DAY,
            settled_at=NIGHT,
        )
        with booking.ledger.transaction.atomic():
            booking.pay(payout, account, CITY, NIGHT)

    def test_without_the_lock_the_database_still_refuses_the_second(self, marco):
        book(marco, 2208, "capture:1")
        both = Barrier(2, timeout=30)

        at_once(*[lambda: self.naive(marco, both)] * 2)

        assert balances()["payouts:in-transit"] == -2208

    def test_without_lock_and_constraint_the_same_money_is_paid_twice(self, marco):
        book(marco, 2208, "capture:1")
        both = Barrier(2, timeout=30)

        with without(Payout, "settlement_begins_where_one_ended"):
            at_once(*[lambda: self.naive(marco, both)] * 2)
            assert balances()["payouts:in-transit"] == -4416

    def test_at_once_goes_on_to_the_bank_by_the_gateways_fast_way(self, town):
        town.captured()
        payout = pay_now(town.provider, is_instant=True, most_fee=22, day=clock.now().date())
        relay()

        payout.refresh_from_db()
        transfer = Transfer.objects.get(holder=payout.ref)
        account = town.provider.payout_account.reference
        made = town.bank.client().v1.payouts.list({}, {"stripe_account": account}).data
        assert (payout.state, transfer.is_instant, payout.amount_minor) == ("PAID", True, 2186)
        assert transfer.refusal == ""
        assert [(one.amount, one.method) for one in made] == [(2186, "instant")]
        assert balances()["platform:fees"] == -99

    def test_who_paid_for_speed_and_did_not_get_it_has_the_fee_back(self, town):
        town.captured()
        payout = pay_now(town.provider, is_instant=True, most_fee=22, day=clock.now().date())
        operations.send(ref=payout.ref, by=CITY, at=clock.now())
        Transfer.objects.filter(holder=payout.ref).update(state="SENT", refusal="not_at_once")

        for _ in range(2):
            operations.note_transfer(ref=payout.ref, by=CITY, at=clock.now())

        assert balances()[payable(town.provider.pk)] == -22
        assert balances()["platform:fees"] == -77

    def test_what_the_providers_own_bank_refuses_later_is_told_and_the_fee_given_back(self, town):
        town.captured()
        seer = team_member(town.provider)
        payout = pay_now(town.provider, is_instant=True, most_fee=22, day=clock.now().date())
        relay()
        told = {
            "account": town.provider.payout_account.reference,
            "amount_minor": 2186,
            "currency": "CLP",
            "error": "account_closed",
        }

        for event in (told | {"amount_minor": 5}, told | {"account": "acct_x"}, told, told):
            with transaction.atomic():
                bus.publish("payments.payout_failed", by=CITY, at=clock.now(), **event)
            relay()

        payout.refresh_from_db()
        # It left us: it waits at the gateway, and is not owed again.
        assert (payout.state, payout.failure) == ("PAID", "account_closed")
        assert balances()[payable(town.provider.pk)] == -22
        assert balances()["platform:fees"] == -77
        notices = Notice.objects.filter(user=seer, kind="payout_refused_by_bank")
        assert notices.count() == 1

    def test_what_the_bank_returns_comes_back_with_its_fee(self, town):
        town.captured()
        PayoutAccount.objects.create(provider=town.provider, reference="acct_gone")
        payout = pay_now(town.provider, is_instant=True, most_fee=22, day=clock.now().date())
        relay()

        payout.refresh_from_db()
        assert payout.state == "FAILED"
        assert balances()[payable(town.provider.pk)] == -2208
        assert balances()["platform:fees"] == -77

        now = {"by": OFFICER, "at": clock.now()}
        operations.retry_payout(payout_id=payout.pk, reason="a new account", **now)
        operations.send(ref=payout.ref, **now)

        transfer = Transfer.objects.get(holder=payout.ref)
        assert (transfer.state, transfer.is_instant) == ("OPENED", False)
        assert balances()[payable(town.provider.pk)] == -22


class TestOffice:
    def test_whoever_was_settled_with_has_a_plan_that_an_officer_can_set(self, marco):
        book(marco, 700, "capture:1")
        night(0)

        assert PayoutPlan.objects.get().provider == marco


class TestOwing:
    def test_the_nights_keep_since_when_a_provider_owes(self, marco):
        book(marco, -700, "refund:1", "refund")
        night(0)
        book(marco, 100, "capture:1")
        night(1)

        owing = Shortfall.objects.get()
        assert (owing.amount_minor, owing.since, owing.ended_on) == (600, DAY, None)

        book(marco, 700, "capture:2")
        night(2)
        owing.refresh_from_db()
        assert owing.ended_on == DAY + timedelta(days=2)
