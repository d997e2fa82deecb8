from django.db import migrations

# What was issued stays as it is; a series only goes on, one by one.
REFUSE = """
CREATE FUNCTION settlement_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER settlement_invoice_append_only BEFORE UPDATE OR DELETE ON settlement_invoice
    FOR EACH ROW EXECUTE FUNCTION settlement_refuse();
CREATE FUNCTION settlement_next_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.last <> OLD.last + 1 THEN
        RAISE EXCEPTION 'a series goes on by one' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER settlement_series_goes_on BEFORE UPDATE ON settlement_invoiceseries
    FOR EACH ROW EXECUTE FUNCTION settlement_next_number();
CREATE TRIGGER settlement_series_stays BEFORE DELETE ON settlement_invoiceseries
    FOR EACH ROW EXECUTE FUNCTION settlement_refuse();
"""
ALLOW = """
DROP TRIGGER settlement_series_stays ON settlement_invoiceseries;
DROP TRIGGER settlement_series_goes_on ON settlement_invoiceseries;
DROP FUNCTION settlement_next_number();
DROP TRIGGER settlement_invoice_append_only ON settlement_invoice;
DROP FUNCTION settlement_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("settlement", "0004_invoices")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
