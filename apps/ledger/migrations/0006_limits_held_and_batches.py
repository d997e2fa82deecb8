"""Limits that the database holds, rollups, and one call for a journal, its news, or a thousand."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("apps.ledger.migrations.0002_balanced_and_append_only")
CLOSED_BEFORE = import_module("apps.ledger.migrations.0004_closed_days")

# One look at what a statement wrote, for everything that must hold: a journal sums to zero in each
# currency, has the currency of its accounts, is whole, and its day is open.  Then the balances of
# accounts with limits are kept, in ascending order of the accounts; nothing else changes them.
CHECKED = """
CREATE FUNCTION ledger_check_written() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    written bigint;
    foreign_currency boolean;
    limited boolean;
    older boolean;
BEGIN
    IF EXISTS (SELECT FROM fresh GROUP BY journal_id, currency HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'a journal does not sum to zero'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_journal_balances';
    END IF;
    -- A journal of this transaction found its day open, and the lock that it took holds it so.
    SELECT count(*), bool_or(account.currency <> fresh.currency),
        bool_or(account.balance_minor IS NOT NULL),
        bool_or(journal.tx <> pg_current_xact_id() OR (journal.booked_at AT TIME ZONE 'UTC')::date
            <= (SELECT max(day) FROM ledger_period))
    INTO written, foreign_currency, limited, older
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
    IF written <> (
        SELECT count(*) FROM ledger_entry WHERE journal_id IN (SELECT journal_id FROM fresh)
    ) THEN
        RAISE EXCEPTION 'a journal has its entries already'
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
DROP TRIGGER ledger_entry_balanced ON ledger_entry;
DROP FUNCTION ledger_check_entries();
DROP TRIGGER ledger_entry_on_open_day ON ledger_entry;
DROP FUNCTION ledger_refuse_closed_days();
CREATE TRIGGER ledger_entry_checked AFTER INSERT ON ledger_entry
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_written();
"""
CHECKED_BEFORE = f"""
DROP TRIGGER ledger_entry_checked ON ledger_entry;
DROP FUNCTION ledger_check_written();
{BEFORE.BALANCED}
{CLOSED_BEFORE.CLOSED}
"""

LIMITS = """
CREATE FUNCTION ledger_refuse_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Deeper than one: it is the trigger on entries that asks.
    IF pg_trigger_depth() < 2 AND NEW.balance_minor <> OLD.balance_minor THEN
        RAISE EXCEPTION 'a balance is what its entries sum to: book a journal'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_account_balance BEFORE UPDATE OF balance_minor ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_balances();

CREATE FUNCTION ledger_limit(
    its_code text, its_currency text, its_least bigint, its_most bigint, its_time timestamptz
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    its_id bigint;
BEGIN
    INSERT INTO ledger_account (code, currency, name, opened_at)
    VALUES (its_code, its_currency, '', its_time) ON CONFLICT (code, currency) DO NOTHING;
    -- `ledger_post` holds it KEY SHARE from before its entries are there until they can be seen.
    SELECT id INTO STRICT its_id FROM ledger_account
    WHERE code = its_code AND currency = its_currency FOR UPDATE;
    UPDATE ledger_account SET least_minor = its_least, most_minor = its_most, balance_minor =
        CASE WHEN its_least IS NOT NULL OR its_most IS NOT NULL THEN
            (SELECT coalesce(sum(amount_minor), 0) FROM ledger_entry WHERE account_id = its_id)
        END
    WHERE id = its_id;
    RETURN its_id;
END $$;
"""
NO_LIMITS = """
DROP FUNCTION ledger_limit;
DROP TRIGGER ledger_account_balance ON ledger_account;
DROP FUNCTION ledger_refuse_balances();
"""

# Each statement looks anew, and the horizon was drawn before: what it covers can all be seen.
ROLLUP = """
CREATE FUNCTION ledger_roll_up() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    since xid8;
    upto xid8;
    touched bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ledger roll up'));
    upto := pg_snapshot_xmin(pg_current_snapshot());
    since := coalesce((SELECT tx FROM ledger_horizon WHERE id = 1), '0');
    INSERT INTO ledger_rollup (account_id, balance_minor)
    SELECT account_id, sum(amount_minor) FROM ledger_entry
    WHERE tx >= since AND tx < upto GROUP BY account_id
    ON CONFLICT (account_id) DO UPDATE
    SET balance_minor = ledger_rollup.balance_minor + excluded.balance_minor;
    GET DIAGNOSTICS touched = ROW_COUNT;
    INSERT INTO ledger_horizon (id, tx) VALUES (1, upto)
    ON CONFLICT (id) DO UPDATE SET tx = excluded.tx;
    RETURN touched;
END $$;

-- The horizon is put into the statement's own text: so the planner knows how little lies behind it.
CREATE FUNCTION ledger_balance(its_code text, its_currency text) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    its_id bigint;
    its_sum bigint;
BEGIN
    SELECT id INTO its_id FROM ledger_account WHERE code = its_code AND currency = its_currency;
    EXECUTE format(
        'SELECT coalesce((SELECT balance_minor FROM ledger_rollup WHERE account_id = $1), 0)
        + coalesce((SELECT sum(amount_minor) FROM ledger_entry
            WHERE account_id = $1 AND tx >= %L::xid8), 0)',
        coalesce((SELECT tx FROM ledger_horizon WHERE id = 1), '0')
    ) INTO its_sum USING its_id;
    RETURN its_sum;
END $$;
"""
NO_ROLLUP = """
DROP FUNCTION ledger_balance;
DROP FUNCTION ledger_roll_up;
"""

# The accounts are locked KEY SHARE before their entries take an id: posts do not wait for one
# another, but whoever holds an account FOR UPDATE (a settlement) knows that all entries with
# lower ids are there to be seen.
POST = """
DROP FUNCTION ledger_post;
CREATE FUNCTION ledger_open(codes text[], its_currency text, its_time timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    known bigint;
BEGIN
    SELECT count(*) INTO known FROM (
        SELECT FROM ledger_account
        WHERE currency = its_currency AND code = ANY (codes) ORDER BY id FOR KEY SHARE
    ) AS locked;
    -- One is missing, or a code stands there twice.
    IF known = cardinality(codes) THEN
        RETURN;
    END IF;
    INSERT INTO ledger_account (code, currency, name, opened_at)
    SELECT DISTINCT line.code, its_currency, '', its_time FROM unnest(codes) AS line(code)
    ORDER BY line.code
    ON CONFLICT (code, currency) DO NOTHING;
    PERFORM FROM ledger_account
    WHERE currency = its_currency AND code = ANY (codes) ORDER BY id FOR KEY SHARE;
END $$;

CREATE FUNCTION ledger_post(
    its_key text, its_kind text, its_about uuid, its_fingerprint text, its_author text,
    its_time timestamptz, codes text[], amounts bigint[], its_currency text,
    its_source text, subscribers text[]
) RETURNS SETOF ledger_journal LANGUAGE plpgsql AS $$
DECLARE
    booked ledger_journal;
BEGIN
    INSERT INTO ledger_journal (key, kind, about, fingerprint, by, booked_at)
    VALUES (its_key, its_kind, its_about, its_fingerprint, its_author, its_time)
    ON CONFLICT (key) DO NOTHING
    RETURNING * INTO booked;
    IF NOT FOUND THEN
        SELECT * INTO STRICT booked FROM ledger_journal WHERE key = its_key;
        IF booked.fingerprint <> its_fingerprint THEN
            RAISE EXCEPTION 'journal % is booked with another body', its_key
                USING ERRCODE = 'LG409';
        END IF;
        RETURN NEXT booked;
        RETURN;
    END IF;

    PERFORM ledger_open(codes, its_currency, its_time);
    INSERT INTO ledger_entry (journal_id, seq, account_id, amount_minor, currency)
    SELECT booked.id, line.seq, account.id, line.amount, its_currency
    FROM unnest(codes, amounts) WITH ORDINALITY AS line(code, amount, seq)
    JOIN ledger_account account ON account.code = line.code AND account.currency = its_currency
    ORDER BY line.seq;
    PERFORM bus_publish(
        'ledger.booked',
        jsonb_build_object('journal', booked.id, 'key', its_key, 'kind', its_kind,
            'ref', its_about),
        its_author, its_time, its_source, subscribers
    );
    RETURN NEXT booked;
END $$;

CREATE FUNCTION ledger_post_many(
    keys text[], kinds text[], abouts uuid[], fingerprints text[], currencies text[],
    its_author text, its_time timestamptz,
    numbers integer[], seqs integer[], codes text[], amounts bigint[],
    its_source text, subscribers text[]
) RETURNS bigint LANGUAGE plpgsql AS $$
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

    SELECT journal.key INTO other
    FROM unnest(keys, fingerprints) AS told(key, fingerprint)
    JOIN ledger_journal journal USING (key)
    WHERE journal.fingerprint <> told.fingerprint LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'journal % is booked with another body', other USING ERRCODE = 'LG409';
    END IF;
    IF fresh_ids IS NULL THEN
        RETURN 0;
    END IF;

    PERFORM ledger_open(their_codes, currency, its_time) FROM (
        SELECT currencies[line.number] AS currency, array_agg(DISTINCT line.code) AS their_codes
        FROM unnest(numbers, codes) AS line(number, code)
        JOIN unnest(fresh_numbers) AS fresh(number) USING (number)
        GROUP BY 1 ORDER BY 1
    ) AS lines;
    INSERT INTO ledger_entry (journal_id, seq, account_id, amount_minor, currency)
    SELECT fresh.id, line.seq, account.id, line.amount, account.currency
    FROM unnest(fresh_ids, fresh_numbers) AS fresh(id, number)
    JOIN unnest(numbers, seqs, codes, amounts) AS line(number, seq, code, amount) USING (number)
    JOIN ledger_account account
        ON account.code = line.code AND account.currency = currencies[line.number]
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
POST_AS_BEFORE = f"""
DROP FUNCTION ledger_post_many;
DROP FUNCTION ledger_post;
DROP FUNCTION ledger_open;
{BEFORE.POST}
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_limits_and_rollups"), ("bus", "0002_publish_in_one_call")]

    operations = [
        migrations.RunSQL(CHECKED, CHECKED_BEFORE),
        migrations.RunSQL(LIMITS, NO_LIMITS),
        migrations.RunSQL(ROLLUP, NO_ROLLUP),
        migrations.RunSQL(POST, POST_AS_BEFORE),
    ]
