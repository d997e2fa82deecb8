"""What the gateway tells us of its own accord, as it came."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class GatewayEventQuerySet(models.QuerySet["GatewayEvent"]):
    def due(self, at: datetime) -> Self:
        """Stored, and not dealt with yet."""
        return self.filter(done_at__isnull=True, dead_at__isnull=True, due_at__lte=at)


class GatewayEvent(models.Model):
    """One event of the gateway's: kept raw before anything follows from it, and once.

    `body` is emptied a month after it was dealt with, because it may speak of people; the row
    stays, so that the same event is still known.
    """

    class Way(models.TextChoices):
        TOLD = "TOLD", _("the gateway sent it")
        FOUND = "FOUND", _("found in the gateway's list")

    event = models.CharField(_("the gateway's own reference"), max_length=100, unique=True)
    type = models.CharField(_("type"), max_length=100)
    account = models.CharField(_("payout account"), max_length=100, blank=True)
    about = models.CharField(_("what it is about"), max_length=100, blank=True)
    body = models.TextField(_("as it came"))
    way = models.CharField(_("how it came"), max_length=5, choices=Way, default=Way.TOLD)
    happened_at = models.DateTimeField(_("happened"))
    arrived_at = models.DateTimeField(_("arrived"))
    due_at = models.DateTimeField(_("due"))
    concerns_us = models.BooleanField(_("concerns us"))
    failures = models.PositiveIntegerField(_("failures"), default=0)
    error = models.CharField(_("last error"), max_length=500, blank=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    dead_at = models.DateTimeField(_("given up"), null=True, blank=True)

    objects = GatewayEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event of the gateway")
        verbose_name_plural = _("events of the gateway")
        permissions = [("process_event", _("Can have an event of the gateway dealt with again"))]
        indexes = [
            models.Index(
                name="payments_event_due",
                fields=["due_at"],
                condition=Q(done_at__isnull=True, dead_at__isnull=True),
            ),
            models.Index(
                name="payments_event_to_empty",
                fields=["done_at"],
                condition=~Q(body=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event}"


class Listening(models.Model):
    """Up to when the gateway's own list was compared with what had arrived."""

    account = models.CharField(_("payout account"), max_length=100, unique=True, blank=True)
    upto = models.DateTimeField(_("compared up to"))

    class Meta:
        verbose_name = _("comparison with the gateway's list")
        verbose_name_plural = _("comparisons with the gateway's list")

    def __str__(self) -> str:
        return f"{self.account or 'platform'} up to {self.upto}"
