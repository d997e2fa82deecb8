"""What the books refuse, whoever asks: the application, a script, the owner of the tables."""

from django.db import migrations

# Every journal sums to zero in each currency, in the very statement that writes its entries, so
# there is no moment in which it does not and no late leg that "fixes" an old journal.
BALANCED = """
CREATE FUNCTION ledger_check_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM fresh GROUP BY journal_id, currency HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'a journal does not sum to zero'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_journal_balances';
    END IF;
    IF EXISTS (
        SELECT FROM fresh JOIN ledger_account account ON account.id = fresh.account_id
        WHERE account.currency <> fresh.currency
    ) THEN
        RAISE EXCEPTION 'an entry is not in the currency of its account'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_currency';
    END IF;
    IF (SELECT count(*) FROM fresh) <> (
        SELECT count(*) FROM ledger_entry WHERE journal_id IN (SELECT journal_id FROM fresh)
    ) THEN
        RAISE EXCEPTION 'a journal has its entries already'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_journal_is_whole';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_entry_balanced AFTER INSERT ON ledger_entry
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_entries();
"""
UNBALANCED = """
DROP TRIGGER ledger_entry_balanced ON ledger_entry;
DROP FUNCTION ledger_check_entries();
"""

# TRUNCATE is left to the owner of the tables, which the application is not.
APPEND_ONLY = """
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: book another journal'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_journal_append_only BEFORE UPDATE OR DELETE ON ledger_journal
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_account_stays BEFORE UPDATE OF code, currency OR DELETE ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
"""
CHANGEABLE = """
DROP TRIGGER ledger_account_stays ON ledger_account;
DROP TRIGGER ledger_entry_append_only ON ledger_entry;
DROP TRIGGER ledger_journal_append_only ON ledger_journal;
DROP FUNCTION ledger_refuse();
"""

# Which transaction wrote it: whoever reads a stretch of the log up to the oldest transaction
# still open misses nobody who took an early id and commits late.
WRITTEN_BY = """
ALTER TABLE ledger_journal ADD COLUMN tx xid8 NOT NULL DEFAULT pg_current_xact_id();
ALTER TABLE ledger_entry ADD COLUMN tx xid8 NOT NULL DEFAULT pg_current_xact_id();
"""
WRITTEN_BY_NOBODY = """
ALTER TABLE ledger_entry DROP COLUMN tx;
ALTER TABLE ledger_journal DROP COLUMN tx;
"""

# One round trip for a whole journal.  The accounts are locked KEY SHARE before their entries take
# an id: posts do not wait for one another, but whoever holds an account FOR UPDATE (a settlement)
# knows that all entries with lower ids are there to be seen.
POST = """
CREATE FUNCTION ledger_post(
    its_key text, its_kind text, its_about uuid, its_fingerprint text, its_author text,
    its_time timestamptz, codes text[], amounts bigint[], its_currency text
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

    INSERT INTO ledger_account (code, currency, name, opened_at)
    SELECT DISTINCT line.code, its_currency, '', its_time FROM unnest(codes) AS line(code)
    WHERE NOT EXISTS (
        SELECT FROM ledger_account WHERE code = line.code AND currency = its_currency
    )
    ORDER BY line.code
    ON CONFLICT (code, currency) DO NOTHING;
    PERFORM FROM ledger_account
    WHERE currency = its_currency AND code = ANY (codes)
    ORDER BY id FOR KEY SHARE;

    INSERT INTO ledger_entry (journal_id, seq, account_id, amount_minor, currency)
    SELECT booked.id, line.seq, account.id, line.amount, its_currency
    FROM unnest(codes, amounts) WITH ORDINALITY AS line(code, amount, seq)
    JOIN ledger_account account ON account.code = line.code AND account.currency = its_currency
    ORDER BY line.seq;
    RETURN NEXT booked;
END $$;
"""
NO_POST = "DROP FUNCTION ledger_post;"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.RunSQL(WRITTEN_BY, WRITTEN_BY_NOBODY),
        migrations.RunSQL(BALANCED, UNBALANCED),
        migrations.RunSQL(APPEND_ONLY, CHANGEABLE),
        migrations.RunSQL(POST, NO_POST),
    ]
