"""Accounts with limits, and sums of entries up to a horizon."""

import apps.audit.transactions
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0004_closed_days'),
    ]

    operations = [
        migrations.CreateModel(
            name='Horizon',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tx', apps.audit.transactions.TransactionField(verbose_name='transaction')),
            ],
            options={
                'verbose_name': 'horizon',
                'verbose_name_plural': 'horizons',
            },
        ),
        migrations.CreateModel(
            name='Rollup',
            fields=[
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, serialize=False, to='ledger.account')),
                ('balance_minor', models.BigIntegerField(verbose_name='balance')),
            ],
            options={
                'verbose_name': 'rollup',
                'verbose_name_plural': 'rollups',
            },
        ),
        migrations.AddField(
            model_name='account',
            name='balance_minor',
            field=models.BigIntegerField(editable=False, null=True, verbose_name='balance, where limited'),
        ),
        migrations.AddField(
            model_name='account',
            name='least_minor',
            field=models.BigIntegerField(blank=True, null=True, verbose_name='never below'),
        ),
        migrations.AddField(
            model_name='account',
            name='most_minor',
            field=models.BigIntegerField(blank=True, null=True, verbose_name='never above'),
        ),
        # 0002 made the column; here the model comes to know it.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField(
                    model_name='entry',
                    name='tx',
                    field=apps.audit.transactions.TransactionField(verbose_name='transaction'),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(fields=['tx'], include=('account', 'amount_minor'), name='ledger_entry_tx'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('least_minor', None), ('balance_minor__gte', models.F('least_minor')), _connector='OR'), models.Q(('most_minor', None), ('balance_minor__lte', models.F('most_minor')), _connector='OR')), name='ledger_account_within_limits'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('balance_minor', None), ('least_minor', None), ('most_minor', None)), models.Q(('balance_minor__isnull', False), models.Q(('least_minor', None), ('most_minor', None), _negated=True)), _connector='OR'), name='ledger_account_balance_kept'),
        ),
    ]
