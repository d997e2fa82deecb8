import uuid
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.parties.models import Provider
from apps.places.models import City


class ListingQuerySet(models.QuerySet["Listing"]):
    def on_offer(self, *, vertical: str, city: City) -> Self:
        return self.filter(vertical=vertical, city=city, state=Listing.State.LIVE)


class Listing(models.Model):
    """One thing on offer: a class of ride, a flat, a loaf of bread.

    `kind` is the vertical's own word for it, such as the service class of a ride.
    """

    class State(models.TextChoices):
        DRAFT = "DRAFT", _("draft")
        LIVE = "LIVE", _("on offer")
        PAUSED = "PAUSED", _("paused")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="listings")
    city = models.ForeignKey(City, models.PROTECT, related_name="listings")
    vertical = models.SlugField(_("kind of service"))
    kind = models.SlugField(_("kind"))
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    facets = models.JSONField(_("facets"), default=dict, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)

    objects = ListingQuerySet.as_manager()

    class Meta:
        verbose_name = _("listing")
        verbose_name_plural = _("listings")
        indexes = [models.Index(name="listings_on_offer", fields=["city", "vertical", "state"])]

    def __str__(self) -> str:
        return self.title
