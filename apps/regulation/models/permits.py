from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
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
    revoked_by = models.CharField(_("revoked by"), max_length=60, blank=True)

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
