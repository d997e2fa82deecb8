import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


KEEP_WHAT_WAS_GIVEN_BACK = """
INSERT INTO regulation_givenback (decision_id, at)
SELECT id, given_back_at FROM regulation_decision WHERE given_back_at IS NOT NULL
"""
PUT_IT_BACK = """
UPDATE regulation_decision SET given_back_at = at FROM regulation_givenback WHERE decision_id = id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('parties', '0002_joinings'),
        ('places', '0003_emergency_phone'),
        ('regulation', '0002_papers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Edition',
            fields=[
                ('id', models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('stamp', models.UUIDField(default=uuid.uuid4)),
            ],
            options={
                'verbose_name': 'edition of the policies',
                'verbose_name_plural': 'edition of the policies',
            },
        ),
        migrations.CreateModel(
            name='GivenBack',
            fields=[
                ('decision', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='given_back', serialize=False, to='regulation.decision')),
                ('at', models.DateTimeField(verbose_name='given back')),
            ],
            options={
                'verbose_name': 'given back',
                'verbose_name_plural': 'given back',
            },
        ),
        migrations.CreateModel(
            name='Policy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ref', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('number', models.CharField(max_length=20, verbose_name='number')),
            ],
            options={
                'verbose_name': 'policy',
                'verbose_name_plural': 'policies',
            },
        ),
        migrations.CreateModel(
            name='PolicyVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ref', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('version', models.PositiveSmallIntegerField(verbose_name='version')),
                ('title', models.CharField(max_length=160, verbose_name='what it says, in a sentence')),
                ('why', models.TextField(max_length=2000, verbose_name='why')),
                ('kind', models.CharField(choices=[('closed', 'closed zone or street'), ('price', 'bounds of prices'), ('commission', 'most commission'), ('pay', 'least pay'), ('fee', 'fee'), ('subsidy', 'subsidy'), ('cap', 'cap'), ('limit', 'limit'), ('hours', 'opening hours'), ('permit', 'permit needed'), ('speed', 'speed'), ('crisis', 'emergency')], max_length=12, verbose_name='kind')),
                ('scope', models.JSONField(default=dict, verbose_name='where, when and whom it concerns')),
                ('terms', models.JSONField(default=dict, verbose_name='terms')),
                ('state', models.CharField(choices=[('DRAFT', 'draft'), ('PROPOSED', 'proposed'), ('APPROVED', 'approved'), ('REJECTED', 'rejected')], default='DRAFT', max_length=10, verbose_name='state')),
                ('valid', django.contrib.postgres.fields.ranges.DateTimeRangeField(null=True, verbose_name='in force from, up to')),
                ('drafted_at', models.DateTimeField(verbose_name='drafted')),
                ('proposed_at', models.DateTimeField(null=True, verbose_name='proposed')),
                ('decided_at', models.DateTimeField(null=True, verbose_name='decided')),
                ('stopped_at', models.DateTimeField(null=True, verbose_name='stopped')),
                ('reason', models.TextField(blank=True, verbose_name='why it was rejected or stopped')),
            ],
            options={
                'verbose_name': 'version of a policy',
                'verbose_name_plural': 'versions of policies',
                'permissions': [('propose_policy', 'Can draft and propose a policy'), ('approve_policy', "Can approve and reject somebody else's policy"), ('stop_policy', 'Can stop a policy at once')],
            },
        ),
        migrations.RunSQL(KEEP_WHAT_WAS_GIVEN_BACK, PUT_IT_BACK),
        migrations.RemoveField(
            model_name='decision',
            name='given_back_at',
        ),
        migrations.AddField(
            model_name='decision',
            name='act',
            field=models.CharField(choices=[('quote', 'to name a price'), ('book', 'to book'), ('go_on_line', 'to go on line'), ('publish', 'to offer')], default='book', max_length=10, verbose_name='what for'),
        ),
        migrations.AddField(
            model_name='decision',
            name='asked',
            field=models.JSONField(default=list, verbose_name='policies asked, and their words'),
        ),
        migrations.AddField(
            model_name='decision',
            name='by',
            field=models.CharField(blank=True, max_length=60, verbose_name='asked by'),
        ),
        migrations.AddField(
            model_name='decision',
            name='city',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='places.city'),
        ),
        migrations.AddField(
            model_name='decision',
            name='ref',
            field=models.UUIDField(null=True, editable=False),
        ),
        migrations.RunSQL(
            "UPDATE regulation_decision SET ref = gen_random_uuid()", migrations.RunSQL.noop
        ),
        migrations.AlterField(
            model_name='decision',
            name='ref',
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True),
        ),
        migrations.AddField(
            model_name='decision',
            name='taken',
            field=models.JSONField(default=list, verbose_name='what was counted'),
        ),
        migrations.AddIndex(
            model_name='decision',
            index=models.Index(condition=models.Q(('refusal', ''), _negated=True), fields=['-decided_at'], name='regulation_refusals'),
        ),
        migrations.AddConstraint(
            model_name='edition',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='regulation_one_edition'),
        ),
        migrations.AddField(
            model_name='policy',
            name='city',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='policies', to='places.city'),
        ),
        migrations.AddField(
            model_name='policyversion',
            name='decided_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddField(
            model_name='policyversion',
            name='drafted_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='drafted by'),
        ),
        migrations.AddField(
            model_name='policyversion',
            name='policy',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='regulation.policy'),
        ),
        migrations.AddField(
            model_name='policyversion',
            name='proposed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='proposed by'),
        ),
        migrations.AddField(
            model_name='policyversion',
            name='stopped_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='stopped by'),
        ),
        migrations.AddConstraint(
            model_name='policy',
            constraint=models.UniqueConstraint(fields=('city', 'number'), name='regulation_one_policy_of_a_number'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.UniqueConstraint(fields=('policy', 'version'), name='regulation_one_version_of_a_number'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['DRAFT', 'PROPOSED'])), fields=('policy',), name='regulation_one_version_in_the_making'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('state', 'APPROVED')), expressions=[('policy', '='), ('valid', '&&')], name='regulation_one_version_in_force'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'APPROVED'), _negated=True), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False), ('valid__isnull', False)), _connector='OR'), name='regulation_approved_by_somebody_from_a_moment_on'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.CheckConstraint(condition=models.Q(('decided_by__isnull', True), models.Q(models.Q(('decided_by', models.F('drafted_by')), _negated=True), models.Q(('decided_by', models.F('proposed_by')), _negated=True)), _connector='OR'), name='regulation_four_eyes'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'crisis'), ('state', 'APPROVED'), _negated=True), ('valid__upper_inf', False), _connector='OR'), name='regulation_an_emergency_ends'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('stopped_at__isnull', True), models.Q(('state', 'REJECTED'), _negated=True)), models.Q(('reason', ''), _negated=True), _connector='OR'), name='regulation_no_end_without_a_reason'),
        ),
    ]
