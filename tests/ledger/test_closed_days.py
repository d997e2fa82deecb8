"""Days of the books that are closed."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction

from apps.audit import merkle
from apps.audit import operations as audit
from apps.audit import queries as sealed
from apps.ledger import closing, queries, seals, tasks
from apps.ledger.models import Account, Entry, Journal, Period
from tests.ledger.test_books import NOON, RIDE, post
from tests.races import at_once

DAY = NOON.date()
MIDNIGHT = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(days=1)
AFTER = MIDNIGHT + timedelta(hours=1)


def close(day=DAY, at=AFTER):
    return closing.close_day(day=day, by=closing.LEDGER, at=at)


@pytest.mark.django_db
class TestClosing:
    def test_a_closed_day_says_what_was_booked_on_it(self):
        first = post("capture:1")
        second = post("capture:2", [("a", 5), ("b", -5)], currency="EUR")

        period = close()

        assert (period.day, period.journals, period.entries) == (DAY, 2, 7)
        assert period.moved == {"CLP": 2450, "EUR": 5}
        lines = [seals.journal_bytes(journal) for journal in (first, second)]
        assert period.merkle_root == merkle.root(map(merkle.leaf, lines)).hex()
        assert (period.by, period.closed_at) == ("system:ledger", AFTER)

    def test_closing_it_twice_is_closing_it_once(self):
        post()
        assert close().pk == close().pk
        assert Period.objects.count() == 1

    def test_a_day_stays_open_for_an_hour_after_its_end(self):
        post()
        with pytest.raises(closing.TooEarly):
            close(at=AFTER - timedelta(seconds=1))
        assert closing.close_due(at=AFTER - timedelta(seconds=1)) == []
        assert [period.day for period in closing.close_due(at=AFTER)] == [DAY]

    def test_days_are_closed_one_after_the_other_and_without_a_gap(self):
        post()
        with pytest.raises(closing.TooEarly):
            close(day=DAY + timedelta(days=1), at=AFTER + timedelta(days=9))

        made = closing.close_due(at=AFTER + timedelta(days=2))

        assert [period.day for period in made] == [DAY + timedelta(days=n) for n in range(3)]
        assert [period.journals for period in made] == [1, 0, 0]

    def test_where_nothing_was_ever_booked_nothing_is_closed(self):
        assert closing.close_due(at=AFTER) == []

    def test_the_hourly_task_closes_what_is_over(self):
        post()
        tasks.close_days()
        assert Period.objects.order_by("day").first().day == DAY

    def test_what_comes_late_is_booked_on_the_first_open_day(self):
        post("capture:1")
        close()

        late = post("capture:2")

        assert late.booked_at == MIDNIGHT
        assert Journal.objects.get(key="capture:2").booked_at == MIDNIGHT
        # The same again is still the same journal.
        assert post("capture:2").pk == late.pk
        assert close().journals == 1


@pytest.mark.django_db
class TestTheDatabaseRefuses:
    """Also its owner, whom these tests are."""

    def test_entries_on_a_closed_day(self):
        post()
        # A journal that somebody left empty, to fill it later.
        empty = Journal.objects.create(
            key="by hand", kind="trick", fingerprint="", by="system:ledger", booked_at=NOON
        )
        close()
        account = Account.objects.get(code="platform:fees")
        with pytest.raises(IntegrityError, match="closed"):
            Entry.objects.bulk_create(
                Entry(journal=empty, seq=n, account=account, amount_minor=amount, currency="CLP")
                for n, amount in enumerate((5, -5), 1)
            )

    @pytest.mark.parametrize("change", [{"journals": 9}, {"day": date(2020, 1, 1)}])
    def test_changing_a_closed_day(self, change):
        post()
        close()
        with pytest.raises(IntegrityError, match="append-only"):
            Period.objects.update(**change)

    def test_opening_a_closed_day(self):
        post()
        close()
        with pytest.raises(IntegrityError, match="append-only"):
            Period.objects.all().delete()

    def test_closing_days_out_of_order(self):
        post()
        period = close()
        period.pk, period.day = None, DAY + timedelta(days=2)
        with pytest.raises(IntegrityError, match="one after the other"):
            period.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_whoever_books_while_the_day_is_closed_is_counted_or_booked_on_the_next(self):
        post("capture:0")

        results = at_once(*[partial(post, f"capture:{n}") for n in range(1, 6)], close)

        period = Period.objects.get()
        assert all(isinstance(result, Journal) for result in results[:-1])
        on_day = Journal.objects.filter(booked_at__lt=MIDNIGHT).count()
        assert period.journals == on_day
        assert Journal.objects.filter(booked_at=MIDNIGHT).count() == 6 - on_day
        assert queries.balance("clearing:cards", "CLP").minor == 6 * dict(RIDE)["clearing:cards"]

    def test_of_many_who_close_a_day_at_once_one_does(self):
        post()

        periods = at_once(*[close] * 4)

        assert len({period.pk for period in periods}) == 1

    def test_without_the_lock_a_journal_slips_into_a_closed_day(self):
        """The control: the count is taken while somebody still books."""
        post("capture:0")
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_journal DISABLE TRIGGER ledger_journal_on_open_day")
        try:
            with transaction.atomic():
                post("capture:1")
                (period,) = at_once(close)
        finally:
            with connection.cursor() as cursor:
                cursor.execute(
                    "ALTER TABLE ledger_journal ENABLE TRIGGER ledger_journal_on_open_day"
                )

        assert period.journals == 1
        assert Journal.objects.filter(booked_at__lt=MIDNIGHT).count() == 2

    def test_a_closed_day_is_sealed(self, settings, tmp_path):
        settings.SEAL_KEY_FILE = str(tmp_path / "seal.pem")
        post()
        close()

        assert audit.seal(stream=seals.PERIODS, at=AFTER).rows == 1
        assert sealed.verify(seals.PERIODS).faults == ()
