"""A batch is planned for its own size, and what a statement wrote is checked without a look back."""

from importlib import import_module

from django.db import migrations

DAYS_BEFORE = import_module("apps.ledger.migrations.0004_closed_days")
BEFORE = import_module("apps.ledger.migrations.0006_limits_held_and_batches")

# As before, but that a journal is whole is seen from the entries themselves: they are numbered from
# one without a gap, and no number is there twice, so that a second statement has none left.
CHECKED = """
CREATE OR REPLACE FUNCTION ledger_check_written() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    foreign_currency boolean;
    limited boolean;
    older boolean;
BEGIN
    IF EXISTS (SELECT FROM fresh GROUP BY journal_id, currency HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'a journal does not sum to zero'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_journal_balances';
    END IF;
    -- A journal of this transaction found its day open, and the lock that it took holds it so.
    SELECT bool_or(account.currency <> fresh.currency),
        bool_or(account.balance_minor IS NOT NULL),
        bool_or(journal.tx <> pg_current_xact_id() OR (journal.booked_at AT TIME ZONE 'UTC')::date
            <= (SELECT max(day) FROM ledger_period))
    INTO foreign_currency, limited, older
    FROM fresh JOIN ledger_account account ON account.id = fresh.account_id
    JOIN ledger_journal journal ON journal.id = fresh.journal_id;
    IF foreign_currency THEN
        RAISE EXCEPTION 'an entry is not in the currency of its account'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_currency';
    END IF;
    IF older THEN
        PERFORM ledger_lock_day(day, true) FROM (
            SELECT DISTINCT (journal.booked_at AT TIME ZONE 'UTC')::date AS day
            FROM fresh JOIN ledger_journal journal ON journal.id = fresh.journal_id
        ) AS days;
        IF EXISTS (
            SELECT FROM fresh JOIN ledger_journal journal ON journal.id = fresh.journal_id
            WHERE (journal.booked_at AT TIME ZONE 'UTC')::date
                <= (SELECT max(day) FROM ledger_period)
        ) THEN
            RAISE EXCEPTION 'the day of this journal is closed'
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_day_is_open';
        END IF;
    END IF;
    IF EXISTS (
        SELECT FROM fresh GROUP BY journal_id HAVING min(seq) <> 1 OR max(seq) <> count(*)
    ) THEN
        RAISE EXCEPTION 'a journal has its entries already, or some are missing'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_journal_is_whole';
    END IF;
    IF limited THEN
        PERFORM FROM ledger_account
        WHERE balance_minor IS NOT NULL AND id IN (SELECT account_id FROM fresh)
        ORDER BY id FOR NO KEY UPDATE;
        UPDATE ledger_account account SET balance_minor = account.balance_minor + moved.minor
        FROM (SELECT account_id, sum(amount_minor) AS minor FROM fresh GROUP BY account_id) moved
        WHERE account.id = moved.account_id AND account.balance_minor IS NOT NULL;
    END IF;
    RETURN NULL;
END $$;
"""
CHECKED_BEFORE = BEFORE.CHECKED.partition("DROP TRIGGER")[0].replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)

# As before, said without a function in a function: it runs once for each of a thousand journals.
LATE = """
CREATE OR REPLACE FUNCTION ledger_book_on_open_day() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    its_day date := (NEW.booked_at AT TIME ZONE 'UTC')::date;
    closed date;
BEGIN
    LOOP
        -- The lock of `ledger_lock_day`, shared.
        PERFORM pg_advisory_xact_lock_shared(hashtext('ledger day'), its_day - date '2000-01-01');
        SELECT max(day) INTO closed FROM ledger_period;
        EXIT WHEN closed IS NULL OR its_day > closed;
        its_day := closed + 1;
        NEW.booked_at := its_day::timestamp AT TIME ZONE 'UTC';
    END LOOP;
    RETURN NEW;
END $$;
"""
LATE_BEFORE = DAYS_BEFORE.LATE.partition("CREATE TRIGGER")[0].replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)

# Each line brings its currency, and every batch is planned for what it has: a plan for batches of
# any size reads whole tables for a few lines or looks up thousands of lines one by one.
MANY = """
DROP FUNCTION ledger_post_many;
CREATE FUNCTION ledger_post_many(
    keys text[], kinds text[], abouts uuid[], fingerprints text[],
    its_author text, its_time timestamptz,
    numbers integer[], seqs integer[], codes text[], amounts bigint[], currencies text[],
    its_source text, subscribers text[]
) RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    fresh_ids bigint[];
    fresh_numbers bigint[];
    other text;
BEGIN
    WITH told AS (
        SELECT * FROM unnest(keys, kinds, abouts, fingerprints) WITH ORDINALITY
            AS journal(key, kind, about, fingerprint, number)
    ), fresh AS (
        INSERT INTO ledger_journal (key, kind, about, fingerprint, by, booked_at)
        SELECT key, kind, about, fingerprint, its_author, its_time FROM told ORDER BY key
        ON CONFLICT (key) DO NOTHING
        RETURNING id, key
    )
    SELECT array_agg(fresh.id), array_agg(told.number) INTO fresh_ids, fresh_numbers
    FROM fresh JOIN told USING (key);

    -- Those that were there already have to be the same.
    IF coalesce(cardinality(fresh_ids), 0) < cardinality(keys) THEN
        SELECT journal.key INTO other
        FROM unnest(keys, fingerprints) AS told(key, fingerprint)
        JOIN ledger_journal journal USING (key)
        WHERE journal.fingerprint <> told.fingerprint LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'journal % is booked with another body', other USING ERRCODE = 'LG409';
        END IF;
    END IF;
    IF fresh_ids IS NULL THEN
        RETURN 0;
    END IF;

    PERFORM ledger_open(their_codes, currency, its_time) FROM (
        SELECT line.currency, array_agg(DISTINCT line.code) AS their_codes
        FROM unnest(numbers, codes, currencies) AS line(number, code, currency)
        JOIN unnest(fresh_numbers) AS fresh(number) USING (number)
        GROUP BY 1 ORDER BY 1
    ) AS lines;
    INSERT INTO ledger_entry (journal_id, seq, account_id, amount_minor, currency)
    SELECT fresh.id, line.seq, account.id, line.amount, line.currency
    FROM unnest(fresh_ids, fresh_numbers) AS fresh(id, number)
    JOIN unnest(numbers, seqs, codes, amounts, currencies)
        AS line(number, seq, code, amount, currency) USING (number)
    JOIN ledger_account account ON account.code = line.code AND account.currency = line.currency
    ORDER BY fresh.id, line.seq;
    PERFORM bus_publish(
        'ledger.batch_booked',
        jsonb_build_object('journals', cardinality(fresh_ids),
            'first', keys[1], 'last', keys[cardinality(keys)]),
        its_author, its_time, its_source, subscribers
    );
    RETURN cardinality(fresh_ids);
END $$;
"""
MANY_BEFORE = (
    "DROP FUNCTION ledger_post_many;\nCREATE FUNCTION ledger_post_many"
    + BEFORE.POST.partition("CREATE FUNCTION ledger_post_many")[2]
)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_limits_held_and_batches")]

    operations = [
        migrations.RunSQL(CHECKED, CHECKED_BEFORE),
        migrations.RunSQL(LATE, LATE_BEFORE),
        migrations.RunSQL(MANY, MANY_BEFORE),
    ]
