from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.mobility.lost import LostItem as LostItem
from apps.mobility.lost import LostStep as LostStep
from apps.orders.models import Order
from apps.parties.models import Worker
from apps.places.geometry import Point

SHARED_AFTER_RIDE = timedelta(minutes=30)


class Vehicle(models.Model):
    """The car a worker drives, as a rider looks for it at the kerb."""

    worker = models.OneToOneField(Worker, models.PROTECT, related_name="vehicle")
    make = models.CharField(_("make and model"), max_length=60)
    colour = models.CharField(_("colour"), max_length=30)
    plate = models.CharField(_("plate"), max_length=12, unique=True)

    class Meta:
        verbose_name = _("vehicle")
        verbose_name_plural = _("vehicles")

    def __str__(self) -> str:
        return f"{self.colour} {self.make}, {self.plate}"


class Ride(models.Model):
    """What an order for a ride has of its own: the way, the code, the promise.

    The code is said by the rider before the ride begins, so that nobody steps into the wrong car.
    `search_at` stands only as long as the search for the driver of a later ride has yet to begin.
    """

    order = models.OneToOneField(Order, models.PROTECT, related_name="ride")
    pickup_lat = models.FloatField()
    pickup_lon = models.FloatField()
    pickup_name = models.CharField(_("pick-up"), max_length=200)
    dropoff_lat = models.FloatField()
    dropoff_lon = models.FloatField()
    dropoff_name = models.CharField(_("drop-off"), max_length=200)
    metres = models.PositiveIntegerField(_("metres"))
    seconds = models.PositiveIntegerField(_("seconds"))
    is_estimate = models.BooleanField(_("measured in a straight line"), default=False)
    line = models.JSONField(_("way, as [lon, lat] pairs"), default=list)
    code = models.CharField(_("start code"), max_length=4)
    code_tries = models.PositiveSmallIntegerField(_("wrong codes"), default=0)
    pickup_at = models.DateTimeField(_("ordered for"), null=True, blank=True)
    search_at = models.DateTimeField(_("search to begin at"), null=True, blank=True)
    pickup_eta_at = models.DateTimeField(_("driver expected at"), null=True, blank=True)
    dropoff_eta_at = models.DateTimeField(_("arrival expected at"), null=True, blank=True)

    class Meta:
        verbose_name = _("ride")
        verbose_name_plural = _("rides")
        indexes = [
            models.Index(
                name="mobility_ride_to_search_for",
                fields=["search_at"],
                condition=Q(search_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.pickup_name} to {self.dropoff_name}"

    @property
    def pickup(self) -> Point:
        return Point(self.pickup_lat, self.pickup_lon)

    @property
    def dropoff(self) -> Point:
        return Point(self.dropoff_lat, self.dropoff_lon)

    def eta_at(self, stage: str) -> datetime | None:
        """When the rider may expect what comes next: the car, then the drop-off."""
        return {"on_the_way": self.pickup_eta_at, "on_board": self.dropoff_eta_at}.get(stage)


class VehicleEvent(models.Model):
    """One event in a vehicle's life, in the words of MDS 2.0 passenger services.  Written once."""

    worker = models.ForeignKey(Worker, models.PROTECT, related_name="vehicle_events")
    order = models.ForeignKey(
        Order, models.PROTECT, null=True, blank=True, related_name="vehicle_events"
    )
    event = models.SlugField(_("event"))
    state = models.SlugField(_("vehicle state after it"))
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    happened_at = models.DateTimeField(_("happened"))

    class Meta:
        verbose_name = _("vehicle event")
        verbose_name_plural = _("vehicle events")
        indexes = [models.Index(name="mobility_event_of_worker", fields=["worker", "-id"])]

    def __str__(self) -> str:
        return f"{self.event} of worker {self.worker_id}"


class ShareLinkQuerySet(models.QuerySet["ShareLink"]):
    def kept(self) -> Self:
        """Those that nobody has taken back; they may have run out all the same."""
        return self.filter(revoked_at=None)


class ShareLink(models.Model):
    """An address under which somebody without an account may watch a ride.

    The token in it is known to whoever was given it; the city keeps only its digest.
    """

    order = models.ForeignKey(Order, models.PROTECT, related_name="share_links")
    digest = models.CharField(_("digest of the token"), max_length=64, unique=True)
    made_at = models.DateTimeField(_("made"))
    expires_at = models.DateTimeField(_("ends at the latest"))
    revoked_at = models.DateTimeField(_("taken back"), null=True, blank=True)

    objects = ShareLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("share link")
        verbose_name_plural = _("share links")
        constraints = [
            models.UniqueConstraint(
                name="mobility_one_share_link_of_order",
                fields=["order"],
                condition=Q(revoked_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"share link of {self.order}"

    @property
    def ends_at(self) -> datetime:
        """Half an hour after the ride, and never later than it was made for."""
        if self.order.ended_at is None:
            return self.expires_at
        return min(self.expires_at, self.order.ended_at + SHARED_AFTER_RIDE)

    def is_open(self, at: datetime) -> bool:
        return self.revoked_at is None and at < self.ends_at


class AlertQuerySet(LockableQuerySet["Alert"]):
    def open(self) -> Self:
        return self.filter(closed_at=None)


class Alert(models.Model):
    """Somebody on a ride calls the city for help.  It stays open until an officer closes it."""

    class Part(models.TextChoices):
        RIDER = "RIDER", _("rider")
        DRIVER = "DRIVER", _("driver")

    order = models.ForeignKey(Order, models.PROTECT, related_name="alerts")
    part = models.CharField(_("raised by the"), max_length=6, choices=Part)
    by = models.CharField(_("by"), max_length=100)
    lat = models.FloatField(null=True, blank=True)
    lon = models.FloatField(null=True, blank=True)
    raised_at = models.DateTimeField(_("raised"))
    acknowledged_at = models.DateTimeField(_("taken up"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    answer = models.TextField(_("what the officer said last"), blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("call for help")
        verbose_name_plural = _("calls for help")
        permissions = [("answer_alert", _("Can take up and close calls for help"))]
        constraints = [
            models.UniqueConstraint(
                name="mobility_one_open_alert",
                fields=["order", "part"],
                condition=Q(closed_at__isnull=True),
            )
        ]
        indexes = [
            models.Index(
                name="mobility_alert_open", fields=["raised_at"], condition=Q(closed_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.order}, {self.get_part_display()}"
