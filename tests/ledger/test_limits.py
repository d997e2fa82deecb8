"""Limits that the database holds, sums up to a horizon, many journals at once, and the auditor."""

from datetime import timedelta
from functools import partial
from threading import Barrier, Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.bus.models import Event
from apps.kernel.money import Money
from apps.ledger import operations, queries
from apps.ledger.auditing import audit
from apps.ledger.models import Account, Entry, Journal, Rollup
from apps.ledger.operations import Posting
from tests.ledger.test_books import BOOKS, NOON, RIDE, post
from tests.races import at_once

SECOND = timedelta(seconds=1)


def limit(code, least=None, most=None):
    operations.limit(
        code=code, currency="CLP", least_minor=least, most_minor=most, by=BOOKS, at=NOON
    )


def spend(key, minor):
    return post(key, [("city:budget", minor), ("clearing:cards", -minor)], kind="spend")


def balance(code):
    return queries.balance(code, "CLP").minor


def summed(code):
    return sum(entry.amount_minor for entry in queries.entries(code, "CLP"))


@pytest.mark.django_db
class TestLimits:
    def test_a_budget_is_spent_to_its_last_peso_and_not_beyond(self):
        limit("city:budget", most=1000)
        spend("a", 999)

        with pytest.raises(operations.BeyondLimit), transaction.atomic():
            spend("b", 2)
        spend("c", 1)

        assert Account.objects.get(code="city:budget").balance_minor == balance("city:budget")
        assert balance("city:budget") == 1000
        assert not Journal.objects.filter(key="b").exists()

    def test_a_floor_holds_from_the_other_side(self):
        limit("wallet:1", least=0)
        post("in", [("wallet:1", 500), ("clearing:cards", -500)])

        with pytest.raises(operations.BeyondLimit), transaction.atomic():
            post("out", [("wallet:1", -501), ("clearing:cards", 501)])

    def test_a_limit_counts_what_was_booked_before_it(self):
        spend("a", 300)
        limit("city:budget", most=400)

        with pytest.raises(operations.BeyondLimit), transaction.atomic():
            spend("b", 101)

    def test_a_limit_that_is_passed_already_is_refused(self):
        spend("a", 300)

        with pytest.raises(operations.BeyondLimit), transaction.atomic():
            limit("city:budget", most=299)

        assert Account.objects.get(code="city:budget").most_minor is None

    def test_a_limit_is_lifted(self):
        limit("city:budget", most=100)
        limit("city:budget")
        spend("a", 5000)

        assert Account.objects.get(code="city:budget").balance_minor is None
        assert [event.topic for event in Event.objects.order_by("pk")][:2] == ["ledger.limited"] * 2

    def test_a_kept_balance_is_not_changed_by_hand(self):
        limit("city:budget", most=100)

        with pytest.raises(IntegrityError, match="book a journal"):
            Account.objects.filter(code="city:budget").update(balance_minor=-5)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_eight_who_spend_the_last_of_a_budget(self):
        limit("city:budget", most=1000)

        answers = at_once(*(partial(spend, f"spend:{n}", 300) for n in range(8)))

        assert sorted(type(answer).__name__ for answer in answers) == (
            ["BeyondLimit"] * 5 + ["Journal"] * 3
        )
        assert balance("city:budget") == 900
        assert audit() == []

    def test_naive_code_that_looks_first_overspends(self):
        both_have_looked = Barrier(2, timeout=10)

        def naive(key):
            left = 1000 - balance("city:budget")
            both_have_looked.wait()
            if left >= 600:
                spend(key, 600)

        at_once(partial(naive, "a"), partial(naive, "b"))

        assert balance("city:budget") == 1200

    def test_opposite_ways_over_the_same_two_accounts_do_not_lock_each_other_out(self):
        limit("left", least=-(10**9))
        limit("right", least=-(10**9))

        def to_and_fro(name, sign):
            for n in range(25):
                post(f"{name}:{n}", [("left", sign), ("right", -sign)])

        answers = at_once(*(partial(to_and_fro, f"{n}", 1 if n % 2 else -1) for n in range(6)))

        assert answers == [None] * 6
        assert (balance("left"), balance("right")) == (0, 0)
        assert Journal.objects.count() == 150

    def test_a_journal_with_an_early_number_that_commits_late_is_in_every_balance(self):
        post("before", RIDE)
        has_number, may_commit = Barrier(2, timeout=10), Barrier(2, timeout=10)

        def slow():
            with transaction.atomic():
                post("slow", [("a", 7), ("platform:fees", -7)])
                has_number.wait()
                may_commit.wait()
            connection.close()

        thread = Thread(target=slow)
        thread.start()
        has_number.wait()
        post("fast", [("b", 5), ("platform:fees", -5)])
        naive = Entry.objects.latest("pk").pk
        operations.roll_up()
        may_commit.wait()
        thread.join()
        operations.roll_up()

        # Who remembers the highest number that they saw never comes back to the slow one.
        rest = queries.balance("platform:fees", "CLP", after=naive).minor
        assert (rest, balance("platform:fees")) == (0, -89)
        assert Rollup.objects.get(account__code="platform:fees").balance_minor == -89
        assert audit() == []


@pytest.mark.django_db(transaction=True)
class TestRollup:
    def test_a_balance_is_the_same_before_and_after(self):
        post("1", RIDE)
        operations.roll_up()
        post("2", RIDE)

        assert Rollup.objects.get(account__code="platform:fees").balance_minor == -77
        assert balance("platform:fees") == -154
        assert operations.roll_up() == 5
        assert operations.roll_up() == 0
        assert balance("platform:fees") == -154
        found = queries.with_balances(Account.objects.all()).values_list("code", "total")
        assert dict(found) == {code: 2 * minor for code, minor in RIDE}

    def test_what_stood_there_at_a_moment(self):
        post("1", RIDE)

        assert queries.balance_at("platform:fees", "CLP", NOON) == Money(-77, "CLP")
        assert queries.balance_at("platform:fees", "CLP", NOON - SECOND) == Money(0, "CLP")

    def test_an_account_that_nobody_opened_holds_nothing(self):
        assert balance("nobody") == 0

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        moves=st.lists(
            st.one_of(
                st.just("roll up"),
                st.tuples(st.sampled_from("abc"), st.sampled_from("bcd"), st.integers(-50, 50)),
            ),
            max_size=25,
        )
    )
    def test_every_balance_is_the_sum_of_its_entries_whatever_is_booked_when(self, moves):
        for n, move in enumerate(moves):
            if move == "roll up":
                operations.roll_up()
                continue
            giver, taker, minor = move
            if minor:
                key = f"{Journal.objects.count()}:{n}"
                post(key, [(giver, minor), (taker, -minor)])
            for code in "abcd":
                assert balance(code) == summed(code)
        assert audit() == []


@pytest.mark.django_db
class TestMany:
    def lots(self, count=3, start=0):
        return [
            Posting(f"k{n}", "settle", None, [("a", n + 1), ("b", -n - 1)], "CLP")
            for n in range(start, start + count)
        ]

    def test_many_journals_are_one_round_trip(self, django_assert_num_queries):
        with transaction.atomic(), django_assert_num_queries(1):
            assert operations.post_many(self.lots(), by=BOOKS, at=NOON) == 3

        assert list(
            Entry.objects.order_by("journal__key", "seq").values_list(
                "journal__key", "seq", "account__code", "amount_minor"
            )
        ) == [
            (f"k{n}", s, c, m * (n + 1))
            for n in range(3)
            for s, c, m in ((1, "a", 1), (2, "b", -1))
        ]
        assert audit() == []

    def test_one_by_one_or_together_is_the_same_journal(self):
        together = self.lots(1)
        one = post("k0", [("a", 1), ("b", -1)], kind="settle")

        assert operations.post_many(together, by=BOOKS, at=NOON) == 0
        assert Journal.objects.get() == one

    def test_a_batch_that_comes_again_books_what_is_missing(self):
        operations.post_many(self.lots(2), by=BOOKS, at=NOON)

        assert operations.post_many(self.lots(5), by=BOOKS, at=NOON) == 3
        assert Entry.objects.count() == 10
        assert operations.post_many([], by=BOOKS, at=NOON) == 0

    def test_one_key_with_another_body_refuses_all(self):
        post("k1", [("a", 9), ("b", -9)], kind="settle")

        with pytest.raises(operations.KeyReused, match="k1"), transaction.atomic():
            operations.post_many(self.lots(), by=BOOKS, at=NOON)

        assert Journal.objects.count() == 1

    def test_a_key_twice_in_one_batch_is_refused(self):
        with pytest.raises(ValueError, match="twice"):
            operations.post_many([*self.lots(1), *self.lots(1)], by=BOOKS, at=NOON)

    def test_currencies_stand_side_by_side(self):
        lines = [("a", 5), ("b", -5)]
        lots = [Posting(c, "settle", None, lines, c) for c in ("CLP", "EUR", "KWD")]

        operations.post_many(lots, by=BOOKS, at=NOON)

        assert {c: queries.balance("a", c).minor for c in ("CLP", "EUR", "KWD")} == {
            "CLP": 5,
            "EUR": 5,
            "KWD": 5,
        }

    def test_every_journal_is_told(self):
        post("k", RIDE)
        operations.post_many(self.lots(), by=BOOKS, at=NOON)

        one, many = Event.objects.filter(topic__startswith="ledger.").order_by("pk")
        assert (one.topic, one.body["key"]) == ("ledger.booked", "k")
        assert (many.topic, many.body) == (
            "ledger.batch_booked",
            {"journals": 3, "first": "k0", "last": "k2"},
        )
        assert one.deliveries.exists()


def bend(statement):
    """Change the books behind the database's back, as a thief with the owner's keys could."""
    tables = ("ledger_entry", "ledger_journal", "ledger_account")
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement)
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("statement", "kinds"),
    [
        (
            "UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE seq = 1",
            {
                "a currency does not sum to zero",
                "a journal does not sum to zero",
                "a rollup is not what its entries sum to",
                "a journal is not the one that was asked for",
            },
        ),
        (
            "UPDATE ledger_entry SET amount_minor = amount_minor * 2",
            {
                "a rollup is not what its entries sum to",
                "a balance is not what its entries sum to",
                "a journal is not the one that was asked for",
            },
        ),
        ("DELETE FROM ledger_entry", {"a journal has no entries"}),
        ("DELETE FROM ledger_entry WHERE seq = 2", {"an entry is missing"}),
        (
            "UPDATE ledger_entry SET currency = 'EUR'",
            {"an entry is not in the currency of its account"},
        ),
        (
            "UPDATE ledger_account SET balance_minor = 3 WHERE balance_minor IS NOT NULL",
            {"a balance is not what its entries sum to"},
        ),
        (
            "UPDATE ledger_rollup SET balance_minor = 3",
            {"a rollup is not what its entries sum to"},
        ),
        ("DELETE FROM ledger_rollup", {"a rollup is not what its entries sum to"}),
        (
            "UPDATE ledger_journal SET kind = 'gift'",
            {"a journal is not the one that was asked for"},
        ),
    ],
)
def test_the_auditor_names_whatever_was_bent(statement, kinds):
    limit("city:fees", least=-300)
    post("1", [("clearing:cards", 1200), ("platform:fees", -1000), ("city:fees", -200)])
    operations.roll_up()
    assert audit() == []

    bend(statement)

    assert kinds <= {finding.kind for finding in audit()}
    with pytest.raises(CommandError, match="do not agree"):
        call_command("audit_ledger")
