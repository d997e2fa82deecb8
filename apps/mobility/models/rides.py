from datetime import datetime, timedelta
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.orders.models import Order
from apps.parties.models import Consumer, Worker
from apps.places.geometry import Point
from apps.places.models import City

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
    stops = models.JSONField(_("stops on the way"), default=list, blank=True)
    stops_passed = models.PositiveSmallIntegerField(_("stops passed"), default=0)
    metres = models.PositiveIntegerField(_("metres"))
    seconds = models.PositiveIntegerField(_("seconds"))
    is_estimate = models.BooleanField(_("measured in a straight line"), default=False)
    line = models.JSONField(_("way, as [lon, lat] pairs"), default=list)
    needs = ArrayField(
        models.CharField(max_length=20, choices=Consumer.Need),
        verbose_name=_("needs"),
        default=list,
        blank=True,
    )
    code = models.CharField(_("start code"), max_length=4)
    code_tries = models.PositiveSmallIntegerField(_("wrong codes"), default=0)
    pickup_at = models.DateTimeField(_("ordered for"), null=True, blank=True)
    search_at = models.DateTimeField(_("search to begin at"), null=True, blank=True)
    pickup_eta_at = models.DateTimeField(_("driver expected at"), null=True, blank=True)
    stop_eta_at = models.DateTimeField(_("expected at the next stop at"), null=True, blank=True)
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
        return {
            "on_the_way": self.pickup_eta_at,
            "on_board": self.dropoff_eta_at,
            "at_stop": self.dropoff_eta_at,
        }.get(stage)

    @property
    def stops_ahead(self) -> list[dict[str, Any]]:
        """The stops that the car has not left yet, in their order."""
        return list(self.stops[self.stops_passed :])


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


class SafetyRules(models.Model):
    """What a city takes for unusual on a ride, when it asks, and how long it keeps the way.

    A city without a row of its own has the figures that stand here.
    """

    city = models.OneToOneField(City, models.PROTECT, related_name="safety_rules")
    off_way_metres = models.PositiveIntegerField(
        _("metres off the planned way"), default=500, validators=[MinValueValidator(50)]
    )
    off_way_seconds = models.PositiveIntegerField(
        _("for so many seconds"), default=120, validators=[MinValueValidator(15)]
    )
    still_metres = models.PositiveIntegerField(
        _("standing still: within metres"), default=50, validators=[MinValueValidator(10)]
    )
    still_seconds = models.PositiveIntegerField(
        _("standing still: for so many seconds"), default=300, validators=[MinValueValidator(60)]
    )
    late_percent = models.PositiveIntegerField(_("longer than promised: by percent"), default=50)
    late_seconds = models.PositiveIntegerField(
        _("longer than promised: and by seconds"), default=600, validators=[MinValueValidator(60)]
    )
    silent_seconds = models.PositiveIntegerField(
        _("no word from the car for seconds"), default=180, validators=[MinValueValidator(60)]
    )
    answer_seconds = models.PositiveIntegerField(
        _("seconds to answer before an officer is told"),
        default=180,
        validators=[MinValueValidator(30)],
    )
    trail_days = models.PositiveSmallIntegerField(
        _("days for which the way of a ride is kept"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
    )

    class Meta:
        verbose_name = _("safety rules")
        verbose_name_plural = _("safety rules")

    def __str__(self) -> str:
        return str(self.city)


class SafetyCheckQuerySet(LockableQuerySet["SafetyCheck"]):
    def unanswered_by(self, part: str) -> Self:
        """Those to which the rider or the driver has not said anything yet."""
        return self.filter(closed_at=None, **{f"{part.lower()}_said": ""})


class SafetyCheck(models.Model):
    """Something about a ride was unusual: both are asked whether everything is all right.

    The rider's word settles it.  Without it an officer is told, whatever the driver said: who is
    in trouble may not be able to answer, and who causes it answers gladly.
    """

    class Kind(models.TextChoices):
        OFF_WAY = "OFF_WAY", _("far from the planned way")
        STILL = "STILL", _("standing still")
        LATE = "LATE", _("much longer than promised")
        SILENT = "SILENT", _("no word from the car")

    class Said(models.TextChoices):
        WELL = "WELL", _("all is well")
        HELP = "HELP", _("help is needed")

    order = models.ForeignKey(Order, models.PROTECT, related_name="safety_checks")
    kind = models.CharField(_("what was noticed"), max_length=8, choices=Kind)
    facts = models.JSONField(_("what was measured"), default=dict)
    lat = models.FloatField(null=True, blank=True)
    lon = models.FloatField(null=True, blank=True)
    asked_at = models.DateTimeField(_("asked"))
    rider_said = models.CharField(_("the rider said"), max_length=4, choices=Said, blank=True)
    rider_said_at = models.DateTimeField(_("said at"), null=True, blank=True)
    driver_said = models.CharField(_("the driver said"), max_length=4, choices=Said, blank=True)
    driver_said_at = models.DateTimeField(_("said at"), null=True, blank=True)
    escalated_at = models.DateTimeField(_("officers told"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    reason = models.TextField(_("what the officer found"), blank=True)

    objects = SafetyCheckQuerySet.as_manager()

    class Meta:
        verbose_name = _("safety check")
        verbose_name_plural = _("safety checks")
        permissions = [("close_safetycheck", _("Can close safety checks"))]
        constraints = [
            models.UniqueConstraint(
                name="mobility_one_safety_check_of_a_kind", fields=["order", "kind"]
            )
        ]
        indexes = [
            models.Index(
                name="mobility_check_unanswered",
                fields=["asked_at"],
                condition=Q(rider_said="", escalated_at=None, closed_at=None),
            ),
            models.Index(
                name="mobility_check_escalated",
                fields=["escalated_at"],
                condition=Q(escalated_at__isnull=False, closed_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order}, {self.get_kind_display()}"
