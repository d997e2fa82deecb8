from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.regulation.models.cases import CaseFile
from apps.regulation.models.permits import Permit


class Hearing(models.Model):
    """What the city means to do with a permit, once its holder has had the time to speak."""

    class Means(models.TextChoices):
        REVOKE = "REVOKE", _("to revoke it")
        SUSPEND = "SUSPEND", _("to suspend it")

    case = models.OneToOneField(CaseFile, models.PROTECT, primary_key=True, related_name="hearing")
    permit = models.ForeignKey(Permit, models.PROTECT, related_name="hearings")
    means = models.CharField(_("what the city means"), max_length=10, choices=Means)
    suspend_until = models.DateTimeField(_("suspended until"), null=True)
    statement_until = models.DateTimeField(_("time to speak until"))

    class Meta:
        verbose_name = _("hearing")
        verbose_name_plural = _("hearings")

    def __str__(self) -> str:
        return f"{self.permit}: {self.get_means_display()}"
