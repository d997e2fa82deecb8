from datetime import UTC, datetime
from typing import Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.kernel import clock
from apps.places import geometry
from apps.places.geometry import Point


class City(models.Model):
    """A city that runs its own marketplace: its edge, its clock, its money, its streets."""

    slug = models.SlugField(_("slug"), unique=True)
    name = models.CharField(_("name"), max_length=100)
    timezone = models.CharField(_("time zone"), max_length=50)
    currency = models.CharField(_("currency"), max_length=3)
    locale = models.CharField(_("language and country"), max_length=20)
    boundary = models.JSONField(_("edge, a GeoJSON MultiPolygon"))
    drawn_at = models.DateTimeField(_("edge drawn"), default=clock.now)
    centre_lat = models.FloatField(_("latitude of the centre"))
    centre_lon = models.FloatField(_("longitude of the centre"))
    streets_version = models.CharField(_("version of the streets"), max_length=64, blank=True)
    tiles_version = models.CharField(_("version of the map"), max_length=64, blank=True)
    loaded_from = models.CharField(
        _("digest of what it was loaded from"), max_length=64, blank=True
    )
    takes_cash = models.BooleanField(_("riders may pay in cash"), default=False)
    emergency_phone = models.CharField(_("emergency number"), max_length=20, default="112")
    is_demo = models.BooleanField(_("only for a demonstration"), default=False)

    class Meta:
        verbose_name = _("city")
        verbose_name_plural = _("cities")
        permissions = [("choose_cash", _("Can allow or end paying in cash"))]
        constraints = [
            models.CheckConstraint(
                name="places_city_centre_on_earth",
                condition=Q(
                    centre_lat__gte=-90,
                    centre_lat__lte=90,
                    centre_lon__gte=-180,
                    centre_lon__lte=180,
                ),
            ),
            models.CheckConstraint(
                name="places_city_currency_is_iso", condition=Q(currency__regex=r"^[A-Z]{3}$")
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def centre(self) -> Point:
        return Point(lat=self.centre_lat, lon=self.centre_lon)

    @property
    def zone_info(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def now(self, at: datetime) -> datetime:
        """Return the moment `at` as the clocks of the city show it."""
        return at.astimezone(self.zone_info)

    def moment(self, shown: datetime) -> datetime:
        """Return the moment at which the clocks of the city show this; the first, if they do twice.

        Raises `ValueError` for an hour that the clocks leap over.
        """
        moment = shown.replace(tzinfo=self.zone_info).astimezone(UTC)
        if self.now(moment).replace(tzinfo=None) != shown:
            raise ValueError(f"no clock in {self} shows {shown}")
        return moment

    def contains(self, point: Point) -> bool:
        """Say whether the point lies inside the city or on its edge."""
        return geometry.contains(self.boundary, point)


class ZoneQuerySet(models.QuerySet["Zone"]):
    def near(self, point: Point) -> Self:
        """Those that share the point's H3 cell: few, found by index, not yet certain."""
        return self.filter(cells__contains=[geometry.cell(point)])


class Zone(models.Model):
    """A named part of a city that means something: a district, or where a rule holds."""

    class Kind(models.TextChoices):
        DISTRICT = "DISTRICT", _("district")
        FEE = "FEE", _("fee area")
        NO_PICKUP = "NO_PICKUP", _("no pick-up")
        PICKUP_POINT = "PICKUP_POINT", _("pick-up point")
        RULE = "RULE", _("where a rule holds")

    city = models.ForeignKey(City, models.PROTECT, related_name="zones")
    slug = models.SlugField(_("slug"))
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.DISTRICT)
    boundary = models.JSONField(_("edge, a GeoJSON MultiPolygon"))
    drawn_at = models.DateTimeField(_("edge drawn"), default=clock.now)
    cells = ArrayField(models.BigIntegerField(), verbose_name=_("H3 cells of resolution 9"))

    objects = ZoneQuerySet.as_manager()

    class Meta:
        verbose_name = _("zone")
        verbose_name_plural = _("zones")
        # Granted for one district at a time, never for all.
        permissions = [("inspect_zone", _("Can look into what happens in this district"))]
        constraints = [
            models.UniqueConstraint(fields=["city", "slug"], name="places_zone_once_per_city")
        ]
        indexes = [GinIndex(fields=["cells"], name="places_zone_cells")]

    def __str__(self) -> str:
        return self.name

    def contains(self, point: Point) -> bool:
        """Say whether the point lies inside the zone or on its edge."""
        return geometry.contains(self.boundary, point)


class PastEdge(models.Model):
    """An edge that a zone, or with an empty slug the city itself, had until it was drawn anew."""

    city = models.ForeignKey(City, models.PROTECT, related_name="past_edges")
    slug = models.SlugField(_("slug of the zone"), blank=True)
    name = models.CharField(_("name"), max_length=100)
    boundary = models.JSONField(_("edge, a GeoJSON MultiPolygon"))
    drawn_at = models.DateTimeField(_("drawn"))
    retired_at = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("past edge")
        verbose_name_plural = _("past edges")
        constraints = [
            models.UniqueConstraint(
                name="places_one_past_edge_at_once", fields=["city", "slug", "drawn_at"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}, until {self.retired_at:%Y-%m-%d}"


class Place(models.Model):
    """Something people say when asked where to: a street, a crossing or a landmark.

    A copy for the search, made anew with every load of the streets: nothing may point here.
    """

    class Kind(models.TextChoices):
        STREET = "STREET", _("street")
        CROSSING = "CROSSING", _("crossing")
        LANDMARK = "LANDMARK", _("landmark")

    city = models.ForeignKey(City, models.CASCADE, related_name="places")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    name = models.CharField(_("name"), max_length=200)
    detail = models.CharField(_("which one, if there are several"), max_length=200, blank=True)
    search = models.CharField(_("the name as it is searched"), max_length=200)
    lat = models.FloatField(_("latitude"))
    lon = models.FloatField(_("longitude"))
    weight = models.FloatField(_("how much it counts, 0 to 1"), default=0)

    class Meta:
        verbose_name = _("place")
        verbose_name_plural = _("places")
        constraints = [
            models.CheckConstraint(
                name="places_place_on_earth",
                condition=Q(lat__gte=-90, lat__lte=90, lon__gte=-180, lon__lte=180),
            )
        ]
        indexes = [
            # Written by loads only, and all at once: a list of pending entries would be read by
            # every search until somebody vacuums.
            GinIndex(
                fields=["search"],
                opclasses=["gin_trgm_ops"],
                fastupdate=False,
                name="places_place_search",
            ),
            models.Index(fields=["city", "lat", "lon"], name="places_place_where"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def point(self) -> Point:
        return Point(lat=self.lat, lon=self.lon)


class Favourite(models.Model):
    """A place that a person has kept: home, work, or one with a name of their own.

    Only they see it, and it goes with their account: no officer's list has it, and what the bus
    and the record hear of it says neither where it is nor what it is called.
    """

    class Kind(models.TextChoices):
        HOME = "HOME", pgettext_lazy("where somebody lives", "Home")
        WORK = "WORK", _("Work")
        OTHER = "OTHER", _("Another place")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="favourites")
    city = models.ForeignKey(City, models.CASCADE, related_name="+")
    kind = models.CharField(_("kind"), max_length=5, choices=Kind)
    name = models.CharField(_("what you call it"), max_length=40, blank=True)
    address = models.CharField(_("where it is"), max_length=200)
    lat = models.FloatField(_("latitude"))
    lon = models.FloatField(_("longitude"))
    kept_at = models.DateTimeField(_("kept"))

    class Meta:
        verbose_name = _("kept place")
        verbose_name_plural = _("kept places")
        constraints = [
            models.UniqueConstraint(
                "user", "city", "kind", Lower("name"), name="places_one_favourite_of_a_name"
            ),
            models.CheckConstraint(
                name="places_favourite_has_a_name",
                condition=Q(kind="OTHER") & ~Q(name="") | ~Q(kind="OTHER") & Q(name=""),
            ),
            models.CheckConstraint(
                name="places_favourite_on_earth",
                condition=Q(lat__gte=-90, lat__lte=90, lon__gte=-180, lon__lte=180),
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.get_kind_display())

    @property
    def point(self) -> Point:
        return Point(lat=self.lat, lon=self.lon)

    @property
    def glyph(self) -> str:
        return {"HOME": "home", "WORK": "bag"}.get(self.kind, "star")
