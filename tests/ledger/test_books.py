from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import transaction
from django.db.utils import IntegrityError
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.kernel.actors import Actor
from apps.kernel.money import Money
from apps.ledger import operations, queries
from apps.ledger.models import Account, Entry, Journal
from tests.races import at_once

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BOOKS = Actor.system("payments")
RIDE = [
    ("clearing:cards", 2450),
    ("provider:1:payable", -2208),
    ("platform:fees", -77),
    ("tax:la-serena:vat", -15),
    ("city:la-serena:fees", -150),
]


def post(key="capture:1", lines=RIDE, currency="CLP", kind="capture", about=None):
    return operations.post(
        key=key, kind=kind, about=about, lines=lines, currency=currency, by=BOOKS, at=NOON
    )


@pytest.mark.django_db
class TestPost:
    def test_a_ride_is_one_journal_of_five_entries(self):
        about = uuid4()

        journal = post(about=about)

        assert list(
            Entry.objects.filter(journal=journal)
            .order_by("seq")
            .values_list("seq", "account__code", "amount_minor", "currency")
        ) == [(n, code, minor, "CLP") for n, (code, minor) in enumerate(RIDE, 1)]
        kept = Journal.objects.get()
        assert (kept.key, kept.kind, kept.about, kept.by, kept.booked_at) == (
            "capture:1",
            "capture",
            about,
            "system:payments",
            NOON,
        )
        assert queries.balance("provider:1:payable", "CLP") == Money(-2208, "CLP")
        assert queries.trial_balance() == {"CLP": dict(RIDE)}

    def test_one_journal_is_one_round_trip(self, django_assert_num_queries):
        with transaction.atomic(), django_assert_num_queries(1):
            post()

    def test_the_same_key_and_body_are_booked_once(self):
        assert post().pk == post().pk
        assert Entry.objects.count() == 5

    @pytest.mark.parametrize(
        "other",
        [
            {"lines": [("clearing:cards", 1), ("platform:fees", -1)]},
            {"currency": "EUR"},
            {"kind": "refund"},
            {"about": UUID(int=1)},
        ],
        ids=["lines", "currency", "kind", "about"],
    )
    def test_the_same_key_with_another_body_is_refused(self, other):
        post()

        with pytest.raises(operations.KeyReused, match="capture:1"), transaction.atomic():
            post(**other)

        assert Journal.objects.count() == 1

    @pytest.mark.parametrize(
        "lines",
        [[], [("platform:fees", 0)], [("clearing:cards", 1)], [("a", 3), ("b", -2)]],
    )
    def test_what_does_not_sum_to_zero_is_no_journal(self, lines):
        with pytest.raises(operations.Unbalanced):
            post(lines=lines)

    def test_a_currency_nobody_knows_is_refused(self):
        with pytest.raises(ValueError, match="XXX"):
            post(currency="XXX")

    def test_lines_of_nothing_are_left_out(self):
        journal = post(lines=[*RIDE, ("tip:1", 0)])

        assert journal.entries.count() == 5
        assert not Account.objects.filter(code="tip:1").exists()

    def test_one_account_may_stand_on_two_lines(self):
        post(lines=[("a", 5), ("b", -2), ("b", -3)])

        assert queries.balance("b", "CLP") == Money(-5, "CLP")

    def test_the_books_as_they_were(self):
        post("capture:1", [("a", 5), ("b", -5)])
        then = Entry.objects.latest("pk").pk
        post("capture:2", [("a", 7), ("c", -7)])

        assert queries.balance("a", "CLP", upto=then) == Money(5, "CLP")
        assert queries.balance("a", "CLP", after=then) == Money(7, "CLP")
        assert queries.balance("a", "CLP") == Money(12, "CLP")
        assert queries.trial_balance(upto=then) == {"CLP": {"a": 5, "b": -5}}
        assert [e.amount_minor for e in queries.entries("a", "CLP", after=then)] == [7]


@pytest.mark.django_db
class TestTheDatabaseRefuses:
    """Also its owner, whom these tests are."""

    @pytest.fixture
    def journal(self):
        return post()

    def write(self, journal, *amounts, seq=10, currency="CLP"):
        account = Account.objects.get(code="platform:fees")
        Entry.objects.bulk_create(
            Entry(
                journal=journal,
                seq=seq + n,
                account=account,
                amount_minor=amount,
                currency=currency,
            )
            for n, amount in enumerate(amounts)
        )

    def fresh(self):
        return Journal.objects.create(
            key="by hand", kind="trick", fingerprint="", by="system:ledger", booked_at=NOON
        )

    def test_a_journal_that_does_not_sum_to_zero(self, journal):
        with pytest.raises(IntegrityError, match="does not sum to zero"):
            self.write(self.fresh(), 5, -4)

    def test_a_leg_that_comes_late_even_if_it_balances(self, journal):
        with pytest.raises(IntegrityError, match="has its entries already"):
            self.write(journal, 5, -5)

    def test_an_entry_in_another_currency_than_its_account(self, journal):
        with pytest.raises(IntegrityError, match="currency of its account"):
            self.write(self.fresh(), 5, -5, currency="EUR")

    def test_an_entry_of_nothing(self, journal):
        with pytest.raises(IntegrityError, match="ledger_entry_not_zero"):
            self.write(self.fresh(), 0)

    @pytest.mark.parametrize("model", [Journal, Entry, Account])
    def test_deleting(self, journal, model):
        with pytest.raises(IntegrityError, match="append-only"):
            model.objects.all()._raw_delete("default")

    @pytest.mark.parametrize(
        ("model", "change"),
        [
            (Journal, {"kind": "refund"}),
            (Entry, {"amount_minor": 1}),
            (Account, {"currency": "EUR"}),
            (Account, {"code": "mine"}),
        ],
    )
    def test_changing(self, journal, model, change):
        with pytest.raises(IntegrityError, match="append-only"):
            model.objects.update(**change)


@pytest.mark.parametrize(
    "order",
    [
        "TRUNCATE ledger_entry",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "DROP TRIGGER ledger_entry_checked ON ledger_entry",
        "DROP FUNCTION ledger_check_written() CASCADE",
        "SET session_replication_role = replica",
        "DELETE FROM ledger_entry",
        "UPDATE ledger_entry SET amount_minor = 1",
    ],
)
@pytest.mark.django_db(transaction=True)
def test_the_application_itself_cannot_bend_the_books(as_the_application, order):
    post()

    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.RestrictViolation)):
        as_the_application.execute(order)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_one_key_from_eight_sides_is_one_journal(self):
        journals = at_once(*[post] * 8)

        assert len({journal.pk for journal in journals}) == 1
        assert Entry.objects.count() == 5

    def test_one_key_with_two_bodies_is_the_first_one(self):
        other = [("clearing:cards", 1), ("platform:fees", -1)]

        results = at_once(post, lambda: post(lines=other))

        assert sorted(type(result).__name__ for result in results) == ["Journal", "KeyReused"]
        assert Journal.objects.count() == 1

    def test_first_use_of_the_same_accounts_in_opposite_order_does_not_lock_up(self):
        def there_and_back(n):
            lines = [("x", 1), ("y", 2), ("z", -3)]
            return lambda: post(f"n:{n}", lines if n % 2 else lines[::-1])

        results = at_once(*[there_and_back(n) for n in range(8)])

        assert all(isinstance(result, Journal) for result in results)
        assert Account.objects.count() == 3
        assert queries.trial_balance() == {"CLP": {"x": 8, "y": 16, "z": -24}}


codes = st.sampled_from(["a", "b", "c", "d"])
amounts = st.integers(-(10**12), 10**12)


class TestWhateverIsBooked(TestCase):
    @given(journals=st.lists(st.lists(st.tuples(codes, amounts), min_size=1), max_size=5))
    def test_the_whole_ledger_sums_to_zero(self, journals):
        for lines in journals:
            rest = -sum(minor for _, minor in lines)
            balanced = [*lines, ("rest", rest)]
            if any(minor for _, minor in balanced):
                post(str(uuid4()), balanced)

        totals = queries.trial_balance()
        assert sum(sum(accounts.values()) for accounts in totals.values()) == 0
