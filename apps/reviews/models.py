from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.orders.models import Order


class Review(models.Model):
    """What one side of an order says of the other.

    Both are blind: neither is shown before both are in or the time for them is over.
    """

    class Side(models.TextChoices):
        CONSUMER = "CONSUMER", _("by who asked")
        PROVIDER = "PROVIDER", _("by who did it")

    order = models.ForeignKey(Order, models.PROTECT, related_name="reviews")
    side = models.CharField(_("side"), max_length=10, choices=Side)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    about = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="reviews_about"
    )
    stars = models.PositiveSmallIntegerField(_("stars"))
    text = models.TextField(_("in words"), blank=True, max_length=1000)
    written_at = models.DateTimeField(_("written"))
    shown_at = models.DateTimeField(_("shown from"), null=True, blank=True)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        constraints = [
            models.UniqueConstraint(name="reviews_one_each", fields=["order", "side"]),
            models.CheckConstraint(
                name="reviews_one_to_five_stars", condition=Q(stars__gte=1, stars__lte=5)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stars} for {self.order_id}"
