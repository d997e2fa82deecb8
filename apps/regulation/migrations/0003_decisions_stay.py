import apps.audit.transactions
from django.db import migrations, models

# Of a decision nothing changes but that it is given back, once.
KEEP = """
CREATE FUNCTION regulation_keep_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.given_back_at IS NULL
            AND to_jsonb(NEW) - 'given_back_at' = to_jsonb(OLD) - 'given_back_at' THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'a decision stays what it was' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER regulation_decision_stays BEFORE UPDATE OR DELETE ON regulation_decision
    FOR EACH ROW EXECUTE FUNCTION regulation_keep_decision();
"""
LET_GO = """
DROP TRIGGER regulation_decision_stays ON regulation_decision;
DROP FUNCTION regulation_keep_decision();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('parties', '0002_joinings'),
        ('regulation', '0002_papers'),
    ]

    operations = [
        migrations.AddField(
            model_name='decision',
            name='tx',
            field=apps.audit.transactions.TransactionField(verbose_name='transaction'),
        ),
        migrations.AddIndex(
            model_name='decision',
            index=models.Index(fields=['tx', 'id'], name='regulation_decision_tx'),
        ),
        migrations.RunSQL(KEEP, LET_GO),
    ]
