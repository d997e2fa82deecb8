from django.db import migrations

# Once, an inspection is ended; nothing else of it changes, and none is taken out.
REFUSE = """
CREATE FUNCTION inspection_only_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL
        OR to_jsonb(NEW) - 'ended_at' - 'ending' <> to_jsonb(OLD) - 'ended_at' - 'ending' THEN
        RAISE EXCEPTION 'an inspection only ends' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER inspection_only_ends BEFORE UPDATE ON inspection_inspection
    FOR EACH ROW EXECUTE FUNCTION inspection_only_ends();
CREATE TRIGGER inspection_stays BEFORE DELETE ON inspection_inspection
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
"""
ALLOW = """
DROP TRIGGER inspection_stays ON inspection_inspection;
DROP TRIGGER inspection_only_ends ON inspection_inspection;
DROP FUNCTION inspection_only_ends();
"""


class Migration(migrations.Migration):
    dependencies = [("inspection", "0001_initial"), ("audit", "0005_looks_of_an_inspection")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
