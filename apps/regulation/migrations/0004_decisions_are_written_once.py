import apps.audit.transactions
from django.db import migrations, models

REFUSE = """
CREATE TRIGGER regulation_decision_append_only BEFORE UPDATE OR DELETE ON regulation_decision
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER regulation_givenback_append_only BEFORE UPDATE OR DELETE ON regulation_givenback
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
"""
ALLOW = """
DROP TRIGGER regulation_givenback_append_only ON regulation_givenback;
DROP TRIGGER regulation_decision_append_only ON regulation_decision;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only"), ("regulation", "0003_policies")]

    operations = [
        migrations.AddField(
            model_name="decision",
            name="tx",
            field=apps.audit.transactions.TransactionField(verbose_name="transaction"),
        ),
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(fields=["tx", "id"], name="regulation_decision_tx"),
        ),
        migrations.RunSQL(REFUSE, ALLOW),
    ]
