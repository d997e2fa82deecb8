from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.parties.models import Provider


class Permit(models.Model):
    """The city's leave for a provider to offer one kind of service for a while."""

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="permits")
    vertical = models.SlugField(_("kind of service"))
    number = models.CharField(_("registration number"), max_length=50, unique=True)
    valid = DateTimeRangeField(_("valid from, up to"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    reason = models.TextField(_("why it was revoked"), blank=True)

    class Meta:
        verbose_name = _("permit")
        verbose_name_plural = _("permits")
        permissions = [("revoke_permit", _("Can revoke and restore a permit"))]
        constraints = [
            ExclusionConstraint(
                name="regulation_one_permit_at_a_time",
                expressions=[
                    ("provider", RangeOperators.EQUAL),
                    ("vertical", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                condition=Q(revoked_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return self.number


class Allowance(models.Model):
    """How much the city allows one subject in one period, and how much of it is gone.

    Ninety nights a year for a flat, say.  The subject is a name that the caller chose:
    regulation stands below listings and does not know what a flat is.
    """

    subject = models.CharField(_("subject"), max_length=100)
    period = models.CharField(_("period"), max_length=10)
    fact = models.SlugField(_("the fact that it counts, such as nights"))
    cap = models.PositiveIntegerField(_("cap"))
    used = models.PositiveIntegerField(_("used"), default=0)

    class Meta:
        verbose_name = _("allowance")
        verbose_name_plural = _("allowances")
        constraints = [
            models.UniqueConstraint(
                name="regulation_allowance_unique", fields=["subject", "period", "fact"]
            ),
            models.CheckConstraint(
                name="regulation_allowance_within_cap", condition=Q(used__lte=F("cap"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.used} of {self.cap} {self.fact} for {self.subject} in {self.period}"


class Decision(models.Model):
    """What the city was asked in one case, and what it said: kept when it said no, too."""

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="decisions")
    vertical = models.SlugField(_("kind of service"))
    facts = models.JSONField(_("what the city was told"))
    refusal = models.CharField(_("why not; empty if granted"), max_length=100, blank=True)
    rule = models.CharField(_("rule"), max_length=30, blank=True)
    decided_at = models.DateTimeField(_("decided"))
    given_back_at = models.DateTimeField(_("given back"), null=True, blank=True)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")

    def __str__(self) -> str:
        return self.refusal or "granted"

    @property
    def is_granted(self) -> bool:
        return not self.refusal
