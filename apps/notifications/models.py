import hashlib
import uuid
from datetime import datetime
from typing import Any, Self
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.parties.models import User


class Channel(models.TextChoices):
    SCREEN = "SCREEN", _("on the screen")
    PUSH = "PUSH", _("on your phone")
    MAIL = "MAIL", _("by e-mail")


class NoticeQuerySet(models.QuerySet["Notice"]):
    def kept(self) -> Self:
        """Those that a list shows; a ring at the phone is over when it is over."""
        return self.filter(is_kept=True)

    def unread(self) -> Self:
        return self.kept().filter(read_at=None)


class Notice(models.Model):
    """One piece of news for one person, written once: what it says follows from kind and context.

    `about` names what it is about, so that the same news is told once however often it is heard.
    """

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="notices")
    kind = models.SlugField(_("kind"))
    about = models.CharField(_("about"), max_length=150)
    context = models.JSONField(_("what it is filled with"), default=dict)
    link = models.CharField(_("where it leads"), max_length=200)
    created_at = models.DateTimeField(_("told"))
    expires_at = models.DateTimeField(_("worth telling until"))
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    is_kept = models.BooleanField(_("stands in the list"), default=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [
            models.UniqueConstraint(
                name="notifications_told_once", fields=["user", "kind", "about"]
            ),
            # A link leads within the city, never to another site.
            models.CheckConstraint(
                name="notifications_link_within", condition=Q(link__regex=r"^/([^/\\]|$)")
            ),
        ]
        indexes = [
            models.Index(
                name="notifications_unread",
                fields=["user"],
                condition=Q(read_at=None, is_kept=True),
            ),
            models.Index(name="notifications_of_person", fields=["user", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} about {self.about}"


class DeviceQuerySet(models.QuerySet["Device"]):
    def kept(self) -> Self:
        return self.filter(removed_at=None)


class Device(models.Model):
    """A browser that a person lets us ring: a phone, mostly.

    The endpoint is a secret address at the push server of the browser's maker; the keys are the
    browser's own, so that only it reads what we send.  All three are wiped when it is removed.
    """

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="devices")
    endpoint = models.TextField()
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=40)
    name = models.CharField(_("device"), max_length=100)
    added_at = models.DateTimeField(_("added"))
    reached_at = models.DateTimeField(_("last reached"), null=True, blank=True)
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        constraints = [
            models.UniqueConstraint(
                name="notifications_one_device_per_endpoint",
                fields=["endpoint"],
                condition=Q(removed_at=None),
            ),
            models.CheckConstraint(
                name="notifications_removed_is_wiped",
                condition=Q(removed_at=None) | Q(endpoint="", p256dh="", auth=""),
            ),
        ]
        indexes = [
            models.Index(
                name="notifications_device_of_person",
                fields=["user"],
                condition=Q(removed_at=None),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def mark(self) -> str:
        """What a page may know of its address: enough to say which device it is itself."""
        return hashlib.sha256(self.endpoint.encode()).hexdigest()[:16]


class Choice(models.Model):
    """What a person chose for one kind of news and one channel, where it is not as given."""

    user = models.ForeignKey(User, models.CASCADE, related_name="notice_choices")
    kind = models.SlugField(_("kind"))
    channel = models.CharField(_("channel"), max_length=6, choices=Channel)
    is_on = models.BooleanField(_("wanted"))

    class Meta:
        verbose_name = _("choice of news")
        verbose_name_plural = _("choices of news")
        constraints = [
            models.UniqueConstraint(
                name="notifications_one_choice", fields=["user", "kind", "channel"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel}"


def validate_zone(zone: str) -> None:
    if zone not in available_timezones():
        raise ValidationError(_("There is no such time zone."))


class QuietHours(models.Model):
    """When a person is not to be rung, by the clocks of a place: from 22:00 to 07:00, say."""

    user = models.OneToOneField(User, models.CASCADE, related_name="quiet_hours")
    starts = models.TimeField(_("from"))
    ends = models.TimeField(_("until"))
    zone = models.CharField(max_length=50, validators=[validate_zone])

    class Meta:
        verbose_name = _("quiet hours")
        verbose_name_plural = _("quiet hours")
        constraints = [
            models.CheckConstraint(
                name="notifications_quiet_ends", condition=~Q(starts=models.F("ends"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.starts:%H:%M} to {self.ends:%H:%M}"


class SendingQuerySet(models.QuerySet["Sending"]):
    def due(self, at: datetime) -> Self:
        return self.filter(state=Sending.State.DUE, due_at__lte=at)


class Sending(models.Model):
    """One notice on its way to one device or mailbox, with every try counted."""

    class State(models.TextChoices):
        DUE = "DUE", _("due")
        SENT = "SENT", _("sent")
        SEEN = "SEEN", _("read on the screen before")
        LATE = "LATE", _("ran out before it was sent")
        GONE = "GONE", _("the device is gone")
        FAILED = "FAILED", _("refused")

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="sendings")
    channel = models.CharField(_("channel"), max_length=6, choices=Channel)
    device = models.ForeignKey(
        Device, models.CASCADE, null=True, blank=True, related_name="sendings"
    )
    state = models.CharField(_("state"), max_length=6, choices=State, default=State.DUE)
    due_at = models.DateTimeField(_("due"))
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    error = models.CharField(_("last error"), max_length=300, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = SendingQuerySet.as_manager()

    class Meta:
        verbose_name = _("sending")
        verbose_name_plural = _("sendings")
        permissions = [("retry_sending", _("Can send news once more"))]
        constraints = [
            models.UniqueConstraint(
                name="notifications_sent_once_each",
                fields=["notice", "channel", "device"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="notifications_push_has_device",
                condition=Q(channel="PUSH", device__isnull=False)
                | Q(channel="MAIL", device__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                name="notifications_sending_due", fields=["due_at"], condition=Q(state="DUE")
            ),
            models.Index(
                name="notifications_sending_failed", fields=["id"], condition=Q(state="FAILED")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notice} {self.get_channel_display()}"

    def as_told(self) -> dict[str, Any]:
        """How an event names it."""
        return {"sending": self.pk, "notice": self.notice_id, "channel": self.channel}
