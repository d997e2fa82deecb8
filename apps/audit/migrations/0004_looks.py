import apps.audit.transactions
from django.db import migrations, models

REFUSE = """
CREATE TRIGGER audit_look_append_only BEFORE UPDATE OR DELETE ON audit_look
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
"""
ALLOW = "DROP TRIGGER audit_look_append_only ON audit_look;"


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0003_seals_say_where_they_begin'),
    ]

    operations = [
        migrations.CreateModel(
            name='Look',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('person', models.BigIntegerField(verbose_name='whose data')),
                ('by', models.CharField(max_length=100, verbose_name='by')),
                ('what', models.CharField(max_length=100, verbose_name='what was looked at')),
                ('row', models.CharField(max_length=100, verbose_name='which one')),
                ('why', models.CharField(blank=True, max_length=200, verbose_name='why')),
                ('looked_at', models.DateTimeField(verbose_name='looked')),
                ('source', models.TextField(verbose_name='source')),
                ('tx', apps.audit.transactions.TransactionField(verbose_name='transaction')),
            ],
            options={
                'verbose_name': 'look at personal data',
                'verbose_name_plural': 'looks at personal data',
                'indexes': [models.Index(fields=['person', '-id'], name='audit_look_person'), models.Index(fields=['tx', 'id'], name='audit_look_tx')],
            },
        ),
        migrations.RunSQL(REFUSE, ALLOW),
    ]
