"""Days of the books that are closed, and what the database does about them."""

import apps.audit.transactions
import django.contrib.postgres.indexes
from django.db import migrations, models

# Whoever books on a day holds its lock, shared, until the journal is there to be seen; whoever
# closes the day holds it alone.  Days do not wait for one another.
LOCK = """
CREATE FUNCTION ledger_lock_day(its_day date, shared boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF shared THEN
        PERFORM pg_advisory_xact_lock_shared(hashtext('ledger day'), its_day - date '2000-01-01');
    ELSE
        PERFORM pg_advisory_xact_lock(hashtext('ledger day'), its_day - date '2000-01-01');
    END IF;
END $$;
"""
NO_LOCK = "DROP FUNCTION ledger_lock_day;"

# What comes late is booked on the first day that is open, as a clerk would.
LATE = """
CREATE FUNCTION ledger_book_on_open_day() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closed date;
BEGIN
    LOOP
        PERFORM ledger_lock_day((NEW.booked_at AT TIME ZONE 'UTC')::date, true);
        SELECT max(day) INTO closed FROM ledger_period;
        EXIT WHEN closed IS NULL OR (NEW.booked_at AT TIME ZONE 'UTC')::date > closed;
        NEW.booked_at := (closed + 1)::timestamp AT TIME ZONE 'UTC';
    END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_journal_on_open_day BEFORE INSERT ON ledger_journal
    FOR EACH ROW EXECUTE FUNCTION ledger_book_on_open_day();
"""
NOT_LATE = """
DROP TRIGGER ledger_journal_on_open_day ON ledger_journal;
DROP FUNCTION ledger_book_on_open_day();
"""

# A journal without entries gets none any more when its day is closed.
CLOSED = """
CREATE FUNCTION ledger_refuse_closed_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ledger_lock_day(day, true) FROM (
        SELECT DISTINCT (journal.booked_at AT TIME ZONE 'UTC')::date AS day
        FROM fresh JOIN ledger_journal journal ON journal.id = fresh.journal_id
    ) AS days;
    IF EXISTS (
        SELECT FROM fresh JOIN ledger_journal journal ON journal.id = fresh.journal_id
        WHERE (journal.booked_at AT TIME ZONE 'UTC')::date <= (SELECT max(day) FROM ledger_period)
    ) THEN
        RAISE EXCEPTION 'the day of this journal is closed'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_day_is_open';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_entry_on_open_day AFTER INSERT ON ledger_entry
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_closed_days();
"""
NOT_CLOSED = """
DROP TRIGGER ledger_entry_on_open_day ON ledger_entry;
DROP FUNCTION ledger_refuse_closed_days();
"""

# Days are closed one after the other, and stay closed.
IN_ORDER = """
CREATE FUNCTION ledger_close_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ledger_lock_day(NEW.day, false);
    IF NEW.day <> (SELECT max(day) + 1 FROM ledger_period) THEN
        RAISE EXCEPTION 'days are closed one after the other'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_days_in_order';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_period_in_order BEFORE INSERT ON ledger_period
    FOR EACH ROW EXECUTE FUNCTION ledger_close_in_order();
CREATE TRIGGER ledger_period_append_only BEFORE UPDATE OR DELETE ON ledger_period
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
"""
IN_ANY_ORDER = """
DROP TRIGGER ledger_period_append_only ON ledger_period;
DROP TRIGGER ledger_period_in_order ON ledger_period;
DROP FUNCTION ledger_close_in_order();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0003_journals_say_who_wrote_them'),
    ]

    operations = [
        migrations.CreateModel(
            name='Period',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(unique=True, verbose_name='day')),
                ('journals', models.PositiveBigIntegerField(verbose_name='journals')),
                ('entries', models.PositiveBigIntegerField(verbose_name='entries')),
                ('moved', models.JSONField(verbose_name='moved, by currency')),
                ('merkle_root', models.CharField(max_length=64, verbose_name='Merkle root of its journals')),
                ('by', models.CharField(max_length=100, verbose_name='by')),
                ('closed_at', models.DateTimeField(verbose_name='closed')),
                ('tx', apps.audit.transactions.TransactionField(verbose_name='transaction')),
            ],
            options={
                'verbose_name': 'closed day',
                'verbose_name_plural': 'closed days',
            },
        ),
        migrations.AddIndex(
            model_name='journal',
            index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['booked_at'], name='ledger_journal_booked'),
        ),
        migrations.AddIndex(
            model_name='period',
            index=models.Index(fields=['tx', 'id'], name='ledger_period_tx'),
        ),
        migrations.RunSQL(LOCK, NO_LOCK),
        migrations.RunSQL(LATE, NOT_LATE),
        migrations.RunSQL(CLOSED, NOT_CLOSED),
        migrations.RunSQL(IN_ORDER, IN_ANY_ORDER),
    ]
