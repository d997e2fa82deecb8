"""Cars that are driven for other apps, as their providers tell the city (MDS 2.0, agency).

Only what supervision needs is kept: no driver, no address, no fare.  Where a car was is forgotten
with the ways of our own rides.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.parties.models import Provider
from apps.places.models import City


class ForeignVehicle(models.Model):
    """A car of somebody else's fleet, and the state that its last event left it in."""

    city = models.ForeignKey(City, models.PROTECT, related_name="foreign_vehicles")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="foreign_vehicles")
    device = models.UUIDField(_("device"))
    plate = models.CharField(_("as is written on the car"), max_length=255)
    vehicle_type = models.SlugField(_("type"))
    propulsion = ArrayField(models.SlugField(), verbose_name=_("propulsion"))
    is_accessible = models.BooleanField(_("takes a wheelchair"), default=False)
    state = models.SlugField(_("state"))
    state_at = models.DateTimeField(_("since"), null=True)
    registered_at = models.DateTimeField(_("registered"))

    objects = LockableQuerySet["ForeignVehicle"].as_manager()

    class Meta:
        verbose_name = _("car of another app")
        verbose_name_plural = _("cars of other apps")
        constraints = [
            models.UniqueConstraint(
                name="mobility_one_foreign_vehicle_of_a_device", fields=["provider", "device"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.plate} of {self.provider}"


class ForeignEvent(models.Model):
    """What changed the state of a car of another app."""

    vehicle = models.ForeignKey(ForeignVehicle, models.PROTECT, related_name="events")
    ref = models.UUIDField(_("number with its provider"))
    events = ArrayField(models.SlugField(), verbose_name=_("events"))
    state = models.SlugField(_("state after them"))
    trips = ArrayField(models.UUIDField(), verbose_name=_("trips"), default=list)
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    happened_at = models.DateTimeField(_("happened"))

    class Meta:
        verbose_name = _("event of another app's car")
        verbose_name_plural = _("events of other apps' cars")
        constraints = [
            models.UniqueConstraint(
                name="mobility_one_foreign_event_of_a_number", fields=["vehicle", "ref"]
            )
        ]
        indexes = [
            models.Index(
                name="mobility_foreign_event_places",
                fields=["happened_at"],
                condition=models.Q(lat__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{', '.join(self.events)} of {self.vehicle_id}"


class ForeignTrip(models.Model):
    """A trip that somebody made in a car of another app."""

    vehicle = models.ForeignKey(ForeignVehicle, models.PROTECT, related_name="trips")
    ref = models.UUIDField(_("number with its provider"))
    kind = models.SlugField(_("type"), blank=True)
    hailed = models.SlugField(_("hailed by"), blank=True)
    asked_at = models.DateTimeField(_("asked for"), null=True)
    began_at = models.DateTimeField(_("began"))
    ended_at = models.DateTimeField(_("ended"))
    pickup_lat = models.FloatField(null=True)
    pickup_lon = models.FloatField(null=True)
    dropoff_lat = models.FloatField(null=True)
    dropoff_lon = models.FloatField(null=True)
    metres = models.PositiveIntegerField(_("metres"))
    seconds = models.PositiveIntegerField(_("seconds"))
    took_wheelchair = models.BooleanField(_("took a wheelchair"), default=False)

    class Meta:
        verbose_name = _("trip of another app")
        verbose_name_plural = _("trips of other apps")
        constraints = [
            models.UniqueConstraint(
                name="mobility_one_foreign_trip_of_a_number", fields=["vehicle", "ref"]
            )
        ]
        indexes = [
            models.Index(
                name="mobility_foreign_trip_places",
                fields=["began_at"],
                condition=models.Q(pickup_lat__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"trip {self.ref}"


class ForeignPoint(models.Model):
    """Where a car of another app was at a moment."""

    vehicle = models.ForeignKey(ForeignVehicle, models.CASCADE, related_name="points")
    lat = models.FloatField()
    lon = models.FloatField()
    seen_at = models.DateTimeField(_("seen"))

    class Meta:
        verbose_name = _("position of another app's car")
        verbose_name_plural = _("positions of other apps' cars")
        constraints = [
            models.UniqueConstraint(
                name="mobility_one_foreign_point_at_a_moment", fields=["vehicle", "seen_at"]
            )
        ]
        indexes = [models.Index(name="mobility_foreign_point_seen", fields=["seen_at"])]

    def __str__(self) -> str:
        return f"{self.vehicle_id} at {self.seen_at}"
