from datetime import datetime, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.parties.models import Provider

# From so long before its end on, the next one is to be applied for.
SOON = timedelta(days=60)


class Permit(models.Model):
    """The city's leave for a provider to offer one kind of service for a while."""

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="permits")
    vertical = models.SlugField(_("kind of service"))
    number = models.CharField(_("registration number"), max_length=50, unique=True)
    valid = DateTimeRangeField(_("valid from, up to"))
    conditions = models.TextField(_("conditions"), blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    reason = models.TextField(_("why it was revoked"), blank=True)
    revoked_by = models.CharField(_("revoked by"), max_length=60, blank=True)
    suspended_at = models.DateTimeField(_("suspended"), null=True, blank=True)
    suspended_until = models.DateTimeField(_("suspended until"), null=True, blank=True)
    suspended_by = models.CharField(_("suspended by"), max_length=60, blank=True)
    suspended_for = models.TextField(_("why it is suspended, and what lifts it"), blank=True)
    # The last reminder: 60, 30 or 7 days before.
    reminded_days = models.PositiveSmallIntegerField(null=True, blank=True)

    objects = LockableQuerySet["Permit"].as_manager()

    class Meta:
        verbose_name = _("permit")
        verbose_name_plural = _("permits")
        permissions = [("revoke_permit", _("Can suspend, revoke and restore a permit"))]
        constraints = [
            ExclusionConstraint(
                name="regulation_one_permit_at_a_time",
                expressions=[
                    ("provider", RangeOperators.EQUAL),
                    ("vertical", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                condition=Q(revoked_at__isnull=True),
            ),
            models.CheckConstraint(
                name="regulation_no_suspension_without_a_reason",
                condition=Q(suspended_at__isnull=True, suspended_until__isnull=True)
                | Q(suspended_at__isnull=False)
                & ~Q(suspended_for="")
                & (Q(suspended_until__isnull=True) | Q(suspended_until__gt=F("suspended_at"))),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def is_suspended(self, at: datetime) -> bool:
        """Say whether the city has taken it out of force for a while that covers the moment."""
        until = self.suspended_until
        return self.suspended_at is not None and (until is None or at < until)

    def state_at(self, at: datetime) -> str:
        """holds, ends_soon (within 60 days), begins, over, suspended or revoked."""
        if self.revoked_at:
            return "revoked"
        if self.is_suspended(at):
            return "suspended"
        begins, ends = self.valid.lower, self.valid.upper
        if begins is not None and at < begins:
            return "begins"
        if ends is not None and ends <= at:
            return "over"
        return "ends_soon" if ends is not None and ends <= at + SOON else "holds"
