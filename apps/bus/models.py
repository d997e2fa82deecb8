from datetime import datetime, timedelta
from typing import Any, Self

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.actors import Actor

LONGEST_WAIT = timedelta(hours=1)


class Event(models.Model):
    """Something that happened, written in the transaction in which it happened.

    The envelope says who did it, when and through which door; the body says what to.
    """

    topic = models.CharField(_("topic"), max_length=100)
    body = models.JSONField(_("body"))
    by = models.CharField(_("by"), max_length=100)
    happened_at = models.DateTimeField(_("happened"))
    source = models.TextField(_("source"))
    streamed_at = models.DateTimeField(_("told to the stream"), null=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [
            models.Index(
                name="bus_event_unstreamed",
                fields=["id"],
                condition=Q(streamed_at__isnull=True),
            ),
            # Rows come in the order of time, so a few pages of index find the old ones.
            BrinIndex(name="bus_event_happened", fields=["happened_at"], autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.topic} #{self.pk}"

    @property
    def envelope(self) -> dict[str, Any]:
        return {
            "event": self.pk,
            "topic": self.topic,
            "by": Actor.parse(self.by),
            "at": self.happened_at,
            "source": self.source,
        }


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def waiting(self) -> Self:
        return self.filter(done_at__isnull=True, dead_at__isnull=True)

    def due(self, at: datetime) -> Self:
        return self.waiting().filter(due_at__lte=at)

    def dead(self) -> Self:
        return self.filter(dead_at__isnull=False, done_at__isnull=True)


class Delivery(models.Model):
    """One subscriber's turn to hear of one event: waiting until it is done or given up."""

    event = models.ForeignKey(Event, models.CASCADE, related_name="deliveries")
    subscriber = models.CharField(_("subscriber"), max_length=200)
    due_at = models.DateTimeField(_("due"))
    done_at = models.DateTimeField(_("done"), null=True)
    failures = models.PositiveIntegerField(_("failures"), default=0)
    error = models.TextField(_("last error"), blank=True)
    dead_at = models.DateTimeField(_("given up"), null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        permissions = [("retry_delivery", _("Can send a delivery once more"))]
        indexes = [
            models.Index(
                name="bus_delivery_waiting",
                fields=["due_at", "id"],
                condition=Q(done_at__isnull=True, dead_at__isnull=True),
            ),
            models.Index(
                name="bus_delivery_given_up",
                fields=["id"],
                condition=Q(done_at__isnull=True, dead_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} for {self.subscriber}"

    def put_off(self, at: datetime, error: str) -> None:
        """Try again later: after a second, then two, four, and at most an hour."""
        # Twelve doublings pass the hour; a year of failures must not overflow the clock.
        wait = min(timedelta(seconds=2 ** min(self.failures, 12)), LONGEST_WAIT)
        self.failures += 1
        self.error = error
        self.due_at = at + wait
