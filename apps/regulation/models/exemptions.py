import uuid

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.parties.models import User
from apps.regulation.models.cases import CaseFile
from apps.regulation.models.policies import Policy
from apps.regulation.rules import Exemption as Exempt
from apps.regulation.rules import Of


class Exemption(models.Model):
    """That a policy does not refuse one provider, worker or offer for a while, and why."""

    class Subject(models.TextChoices):
        PROVIDER = Of.PROVIDER, _("provider")
        WORKER = Of.WORKER, _("worker")
        LISTING = Of.LISTING, _("offer")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    policy = models.ForeignKey(
        Policy, models.PROTECT, verbose_name=_("policy"), related_name="exemptions"
    )
    subject_kind = models.CharField(_("who is exempt"), max_length=10, choices=Subject)
    subject = models.PositiveBigIntegerField(_("their number"))
    valid = DateTimeRangeField(_("valid from, up to"))
    reason = models.TextField(_("why"))
    case = models.ForeignKey(
        CaseFile, models.PROTECT, null=True, verbose_name=_("case"), related_name="exemptions"
    )
    given_by = models.ForeignKey(User, models.PROTECT, verbose_name=_("given by"), related_name="+")
    given_at = models.DateTimeField(_("given"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    end_reason = models.TextField(_("why it was ended"), blank=True)

    objects = LockableQuerySet["Exemption"].as_manager()

    class Meta:
        verbose_name = _("exemption")
        verbose_name_plural = _("exemptions")
        permissions = [("end_exemption", _("Can end an exemption"))]
        constraints = [
            ExclusionConstraint(
                name="regulation_one_exemption_at_a_time",
                expressions=[
                    ("policy", RangeOperators.EQUAL),
                    ("subject_kind", RangeOperators.EQUAL),
                    ("subject", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                name="regulation_an_exemption_ends_and_says_why",
                condition=Q(valid__upper_inf=False)
                & ~Q(reason="")
                & (Q(ended_at__isnull=True) | ~Q(end_reason="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy}: {self.get_subject_kind_display()} {self.subject}"

    @property
    def exempt(self) -> Exempt:
        """As the rules are asked with it."""
        return Exempt(
            number=self.policy.number,
            of=Of(self.subject_kind),
            subject=self.subject,
            begins=self.valid.lower,
            ends=self.valid.upper,
        )
