from django.db import migrations, models

import apps.audit.transactions


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_balanced_and_append_only")]

    operations = [
        migrations.SeparateDatabaseAndState(
            # 0002 made the column; here the model comes to know it.
            state_operations=[
                migrations.AddField(
                    model_name="journal",
                    name="tx",
                    field=apps.audit.transactions.TransactionField(verbose_name="transaction"),
                )
            ]
        ),
        migrations.AddIndex(
            model_name="journal",
            index=models.Index(fields=["tx", "id"], name="ledger_journal_tx"),
        ),
    ]
