"""From what was booked for a provider to the money in their bank."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from threading import Event as Signal
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from apps.bus.models import Event
from apps.kernel import clock
from apps.kernel.money import Money
from apps.ledger import operations as ledger
from apps.ledger.models import Journal
from apps.payments import tasks
from apps.payments.models import PayoutAccount, Transfer
from apps.settlement import operations, queries
from apps.settlement.models import Night, Payout
from apps.settlement.operations import booking
from tests.factories import CITY, OFFICER, CityFactory, ProviderFactory
from tests.payments.city import balances, relay
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

DAY = date(2026, 11, 23)
# 03:10 in Chile, where it is three hours before Greenwich in summer.
NIGHT = datetime(2026, 11, 23, 6, 10, tzinfo=UTC)


def settle(provider, day=DAY, at=NIGHT, currency="CLP"):
    return operations.settle(provider_id=provider.pk, currency=currency, day=day, by=CITY, at=at)


def book(provider, minor, key, kind="capture", at=NIGHT, about=None, currency="CLP"):
    """Book something for a provider: what they get is positive."""
    return ledger.post(
        key=key,
        kind=kind,
        about=about,
        lines=[("clearing:cards", minor), (queries.payable(provider.pk), -minor)],
        currency=currency,
        by=CITY,
        at=at,
    )


@pytest.fixture
def marco(transactional_db):
    CityFactory()
    return ProviderFactory(name="Marco Tapia")


class TestSettle:
    def test_what_was_booked_is_paid_once_and_the_account_is_empty(self, marco):
        book(marco, 2208, "capture:1")
        book(marco, 3100, "capture:2")
        book(marco, -1200, "refund:1", "refund")

        payout = settle(marco)

        assert payout.amount == Money(4108, "CLP")
        assert (payout.state, payout.after_entry) == (Payout.State.DUE, 0)
        journal = Journal.objects.get(key=f"payout:{payout.ref}")
        assert journal.about == payout.ref
        assert list(
            journal.entries.order_by("seq").values_list("account__code", "amount_minor")
        ) == [(f"provider:{marco.pk}:payable", 4108), ("payouts:in-transit", -4108)]
        assert balances() == {"clearing:cards": 4108, "payouts:in-transit": -4108}

    def test_again_on_the_same_day_is_the_same_payout(self, marco):
        book(marco, 2208, "capture:1")
        first = settle(marco)
        book(marco, 100, "capture:2")

        assert settle(marco) == first
        assert Payout.objects.count() == 1

    def test_every_entry_stands_on_one_statement_and_no_other(self, marco):
        book(marco, 2208, "capture:1")
        first = settle(marco)
        book(marco, 100, "capture:2")
        second = settle(marco, DAY + timedelta(days=1))

        assert second.after_entry == first.last_entry
        assert [[line.amount.minor for line in lines(one)] for one in (first, second)] == [
            [2208],
            [100],
        ]

    def test_nothing_to_pay(self, marco):
        assert settle(marco) is None
        book(marco, 100, "capture:1")
        book(marco, -100, "refund:1", "refund")
        assert settle(marco) is None

    def test_what_a_provider_owes_is_taken_from_what_they_earn_next(self, marco):
        book(marco, -700, "refund:1", "refund")
        assert settle(marco) is None

        book(marco, 2208, "capture:1")
        payout = settle(marco, DAY + timedelta(days=1))

        assert payout.amount == Money(1508, "CLP")
        assert [line.amount.minor for line in lines(payout)] == [-700, 2208]

    def test_each_currency_is_paid_apart(self, marco):
        book(marco, 2208, "capture:1")
        book(marco, 990, "capture:2", currency="EUR")

        assert settle(marco).amount == Money(2208, "CLP")
        assert settle(marco, currency="EUR").amount == Money(990, "EUR")


def lines(payout):
    return queries.lines(list(queries.entries_of(payout)))


class TestAtOnce:
    def test_settled_from_eight_sides_is_paid_once(self, marco):
        book(marco, 2208, "capture:1")

        payouts = at_once(*[lambda: settle(marco)] * 8)

        assert {payout.pk for payout in payouts} == {Payout.objects.get().pk}
        assert balances() == {"clearing:cards": 2208, "payouts:in-transit": -2208}

    def test_without_the_lock_the_same_money_is_paid_twice(self, marco):
        """The naive control: sum first, pay afterwards, nothing held in between."""
        book(marco, 2208, "capture:1")

        def naive(day):
            due = -queries.books.balance(queries.payable(marco.pk), "CLP")
            both_have_looked.wait()
            with transaction.atomic():
                booking.book_payout(
                    f"naive:{day}", queries.payable(marco.pk), due, UUID(int=day), CITY, NIGHT
                )

        both_have_looked = Barrier(2, timeout=30)
        at_once(lambda: naive(1), lambda: naive(2))

        assert balances()["payouts:in-transit"] == -4416

    def test_two_different_days_at_once_do_not_pay_twice(self, marco):
        book(marco, 2208, "capture:1")

        payouts = at_once(*[lambda n=n: settle(marco, DAY + timedelta(days=n)) for n in range(4)])

        assert [payout.amount_minor for payout in payouts if payout] == [2208]
        assert balances()["payouts:in-transit"] == -2208

    def test_a_ride_booked_while_settling_is_on_this_statement_or_the_next(self, marco):
        book(marco, 1, "capture:0")

        results = at_once(
            *[lambda n=n: book(marco, 10**n, f"capture:{n}") for n in range(1, 7)],
            lambda: settle(marco),
        )
        assert not [result for result in results if isinstance(result, Exception)]
        settle(marco, DAY + timedelta(days=1))

        payouts = Payout.objects.order_by("pk")
        assert sum(payout.amount_minor for payout in payouts) == 1_111_111
        for payout in payouts:
            assert sum(line.amount.minor for line in lines(payout)) == payout.amount_minor

    def test_an_early_entry_that_commits_late_is_not_passed_over(self, marco):
        """Its transaction took its entry's id before others that are committed already."""
        book(marco, 5, "capture:0")
        has_id, may_commit = Signal(), Signal()

        def late():
            with transaction.atomic():
                book(marco, 100, "capture:late")
                has_id.set()
                assert may_commit.wait(30)

        def settled():
            assert has_id.wait(30)
            book(marco, 1000, "capture:early")
            with ThreadPoolExecutor(1) as pool:
                running = pool.submit(closing, lambda: settle(marco))
                while not somebody_waits() and not running.done():
                    pass
                may_commit.set()
                return running.result(timeout=30)

        _, payout = at_once(late, settled)

        assert payout.amount_minor == 1105
        assert sorted(line.amount.minor for line in lines(payout)) == [5, 100, 1000]


def closing(call):
    try:
        return call()
    finally:
        connection.close()


def somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()"
        )
        return cursor.fetchone()[0]


class TestTheWayToTheBank:
    def test_a_ride_is_in_the_drivers_bank_in_the_morning(self, town):
        town.captured()

        (payout,) = operations.settle_all(at=clock.now())
        relay()

        payout.refresh_from_db()
        assert (payout.state, payout.amount_minor) == (Payout.State.PAID, 2208)
        assert payout.paid_at is not None
        transfer = Transfer.objects.get(holder=payout.ref)
        account = PayoutAccount.objects.get(provider=town.provider)
        sent = town.bank.client().v1.transfers.retrieve(transfer.reference)
        assert (sent.amount, sent.currency) == (2208, "clp")
        assert (sent.destination, sent.transfer_group) == (account.reference, str(payout.ref))
        assert balances() == {
            "clearing:cards": 2450,
            "bank:payouts": -2208,
            "platform:fees": -77,
            "tax:la-serena:vat": -15,
            "city:la-serena:fees": -150,
        }

    def test_money_that_has_not_arrived_yet_is_asked_for_again_under_a_new_key(self, bank, marco):
        book(marco, 10**9, "capture:1")
        payout = settle(marco)
        relay()

        attempt = Transfer.objects.get(holder=payout.ref).attempts.get()
        assert (attempt.answered_at, attempt.tries) == (None, 1)
        assert "not arrived" in attempt.error
        first = attempt.key
        tasks.ask(attempt_id=attempt.pk)
        attempt.refresh_from_db()
        assert attempt.key != first
        assert Payout.objects.get().state == Payout.State.SENT

    def test_what_the_bank_returns_is_owed_again(self, town):
        payout = self.returned(town)

        assert (payout.state, payout.failure) == (Payout.State.FAILED, "account_closed")
        assert balances()[f"provider:{town.provider.pk}:payable"] == -2208
        assert "payouts:in-transit" not in balances()

    def returned(self, town):
        town.captured()
        PayoutAccount.objects.create(provider=town.provider, reference="acct_gone")
        (payout,) = operations.settle_all(at=clock.now())
        relay()
        payout.refresh_from_db()
        return payout

    def test_an_officer_pays_a_returned_payout_once_more(self, town):
        payout = self.returned(town)
        PayoutAccount.objects.all().delete()

        operations.retry_payout(
            payout_id=payout.pk, reason="bank details put right", by=OFFICER, at=clock.now()
        )
        relay()

        payout.refresh_from_db()
        assert (payout.state, payout.reason) == (Payout.State.PAID, "bank details put right")
        assert balances()["bank:payouts"] == -2208
        assert f"provider:{town.provider.pk}:payable" not in balances()
        assert settle(town.provider, clock.now().date() + timedelta(days=1)) is None

    def test_what_came_back_is_part_of_the_next_payout_and_not_paid_twice(self, town):
        payout = self.returned(town)
        PayoutAccount.objects.all().delete()

        later = settle(town.provider, clock.now().date() + timedelta(days=2), at=clock.now())
        relay()

        assert later.amount_minor == 2208
        assert [line.kind for line in lines(later)] == ["payout_returned"]
        with pytest.raises(operations.SettledSince):
            operations.retry_payout(payout_id=payout.pk, reason="again", by=OFFICER, at=clock.now())
        assert balances()["bank:payouts"] == -2208

    def test_old_news_of_a_failure_does_not_return_what_was_sent_again(self, town):
        payout = self.returned(town)
        PayoutAccount.objects.all().delete()
        operations.retry_payout(payout_id=payout.pk, reason="again", by=OFFICER, at=clock.now())
        operations.send(ref=payout.ref, by=CITY, at=clock.now())

        operations.note_transfer(ref=payout.ref, by=CITY, at=clock.now())

        payout.refresh_from_db()
        assert payout.state == Payout.State.SENT


class TestAnOfficer:
    @pytest.fixture
    def payout(self, town):
        town.captured()
        return operations.settle_all(at=clock.now())[0]

    def hold(self, payout, reason="papers missing"):
        operations.hold_payout(payout_id=payout.pk, reason=reason, by=OFFICER, at=clock.now())

    def test_holds_a_payout_that_has_not_left_and_lets_it_go(self, payout):
        self.hold(payout)
        relay()
        payout.refresh_from_db()
        assert (payout.state, payout.reason) == (Payout.State.HELD, "papers missing")
        assert not Transfer.objects.exists()

        operations.release_payout(
            payout_id=payout.pk, reason="papers came", by=OFFICER, at=clock.now()
        )
        relay()

        payout.refresh_from_db()
        assert payout.state == Payout.State.PAID
        held = Event.objects.get(topic="settlement.held")
        assert (held.by, held.body["reason"]) == (str(OFFICER), "papers missing")

    def test_cannot_hold_what_has_left(self, payout):
        relay()
        with pytest.raises(operations.NotPossible, match="PAID"):
            self.hold(payout)

    def test_says_why(self, payout):
        with pytest.raises(ValueError, match="why"):
            self.hold(payout, " ")

    def test_against_the_relay_either_holds_it_or_is_too_late(self, payout):
        held, sent = at_once(
            lambda: self.hold(payout),
            lambda: operations.send(ref=payout.ref, by=CITY, at=clock.now()),
        )

        payout.refresh_from_db()
        is_held = payout.state == Payout.State.HELD
        assert is_held or payout.state == Payout.State.SENT
        assert isinstance(held, operations.NotPossible) != is_held
        assert Transfer.objects.exists() != is_held
        assert sent is None


class TestNights:
    def test_each_city_is_settled_in_its_own_night_once(self, marco):
        book(marco, 2208, "capture:1")

        assert operations.settle_due(at=NIGHT - timedelta(hours=1)) == []
        (payout,) = operations.settle_due(at=NIGHT)
        book(marco, 100, "capture:2")

        assert payout.day == DAY
        assert operations.settle_due(at=NIGHT + timedelta(hours=5)) == []
        assert Night.objects.get().day == DAY

    def test_a_night_that_was_missed_is_made_up_for(self, marco):
        book(marco, 2208, "capture:1")

        (payout,) = operations.settle_due(at=NIGHT + timedelta(hours=9))

        assert payout.day == DAY

    def test_the_day_is_the_citys(self, marco):
        book(marco, 2208, "capture:1")

        (payout,) = operations.settle_all(at=datetime(2026, 11, 24, 1, tzinfo=UTC))

        assert payout.day == date(2026, 11, 23)

    def test_one_providers_trouble_is_nobody_elses(self, marco):
        other = ProviderFactory()
        book(marco, 2208, "capture:1")
        book(other, 100, "capture:2")
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE settlement_payout ADD CONSTRAINT not_marco"
                f" CHECK (provider_id <> {marco.pk})"
            )
        try:
            (payout,) = operations.settle_due(at=NIGHT)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE settlement_payout DROP CONSTRAINT not_marco")

        assert payout.provider == other
        assert not Night.objects.exists()
        assert [one.provider for one in operations.settle_due(at=NIGHT)] == [marco, other]

    def test_a_night_that_is_not_settled_by_five_is_late_and_then_it_is_not(self, marco):
        def is_late(hours):
            return [late for _, late in queries.nights(NIGHT + timedelta(hours=hours))]

        assert is_late(5) == [False]  # nobody is owed anything, and nobody ever was
        book(marco, 2208, "capture:1")
        assert is_late(1) == [True]
        operations.settle_due(at=NIGHT)
        assert [is_late(hours) for hours in (1, 5, 24, 25)] == [[False], [False], [False], [False]]
        # Two hours after the next night could have been settled.
        assert is_late(26) == [True]

    def test_by_hand(self, marco, capsys):
        book(marco, 2208, "capture:1")

        call_command("settle", "--day", "2026-11-22")

        assert capsys.readouterr().out == "2026-11-22 Marco Tapia 2,208 CLP DUE\n1 payouts\n"
