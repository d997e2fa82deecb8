import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.kernel.money import Money
from apps.listings.models import Listing
from apps.places.models import City


class Payee(models.TextChoices):
    """Who a line of a price goes to."""

    PROVIDER = "PROVIDER", _("who does it")
    PLATFORM = "PLATFORM", _("the platform")
    CITY = "CITY", _("the city")
    TAX = "TAX", _("the tax office")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a price: what for, how much, and who gets it.

    `code` is a stable word (`start`, `distance`, `time`, `platform`, `city_fee`, `vat`);
    `quantity` is in the unit that the code implies (metres, seconds), `rate` in minor units per
    kilometre or minute, or basis points for a tax; both are None for a flat line.
    """

    code: str
    amount: int
    to: Payee
    quantity: int | None = None
    rate: int | None = None


class Tariff(models.Model):
    """What one kind of service costs in a city, while it is valid.  Amounts in minor units."""

    city = models.ForeignKey(City, models.PROTECT, related_name="tariffs")
    vertical = models.SlugField(_("kind of service"))
    kind = models.SlugField(_("kind"))
    number = models.CharField(_("number"), max_length=30)
    start_minor = models.PositiveIntegerField(_("start"))
    per_km_minor = models.PositiveIntegerField(_("per kilometre"))
    per_minute_minor = models.PositiveIntegerField(_("per minute"))
    minimum_minor = models.PositiveIntegerField(_("least fare"), default=0)
    platform_bp = models.PositiveIntegerField(_("platform, hundredths of a percent"), default=0)
    city_fee_minor = models.PositiveIntegerField(_("city fee"), default=0)
    vat_bp = models.PositiveIntegerField(_("VAT, hundredths of a percent"), default=0)
    cancel_fee_minor = models.PositiveIntegerField(_("fee for a late cancellation"), default=0)
    cancel_free_seconds = models.PositiveIntegerField(
        _("seconds after a driver accepted in which cancelling is free"), default=120
    )
    wait_seconds = models.PositiveIntegerField(
        _("seconds a driver waits before a rider counts as not come"), default=300
    )
    valid = DateTimeRangeField(_("valid from, up to"))

    class Meta:
        verbose_name = _("tariff")
        verbose_name_plural = _("tariffs")
        constraints = [
            ExclusionConstraint(
                name="pricing_one_tariff_at_a_time",
                expressions=[
                    ("city", RangeOperators.EQUAL),
                    ("vertical", RangeOperators.EQUAL),
                    ("kind", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            )
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"


class QuoteQuerySet(models.QuerySet["Quote"]):
    def live(self, at: datetime) -> Self:
        return self.filter(expires_at__gt=at)


class Quote(models.Model):
    """A priced request, frozen: what was asked, every line of the price, and the terms.

    Written once.  Quotes of one search share a `bundle`.
    """

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    bundle = models.UUIDField(_("asked together"))
    listing = models.ForeignKey(Listing, models.PROTECT, related_name="quotes")
    consumer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    replaces = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="replacements",
        verbose_name=_("offered in place of"),
    )
    request = models.JSONField(_("what was asked"))
    lines = models.JSONField(_("lines"))
    terms = models.JSONField(_("terms"), default=dict)
    tariff = models.CharField(_("tariff"), max_length=30)
    total_minor = models.PositiveBigIntegerField(_("total"))
    currency = models.CharField(_("currency"), max_length=3)
    quoted_at = models.DateTimeField(_("quoted"))
    expires_at = models.DateTimeField(_("valid until"))

    objects = QuoteQuerySet.as_manager()

    class Meta:
        verbose_name = _("quote")
        verbose_name_plural = _("quotes")
        indexes = [models.Index(name="pricing_quote_bundle", fields=["bundle"])]

    def __str__(self) -> str:
        return f"{self.total} for {self.listing_id}"

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)

    @property
    def price(self) -> list[Line]:
        return [Line(**{**line, "to": Payee(line["to"])}) for line in self.lines]

    def part_of(self, payee: Payee) -> int:
        """How much of it goes to one payee, in minor units."""
        return sum(line.amount for line in self.price if line.to == payee)

    @staticmethod
    def frozen(lines: list[Line]) -> list[dict[str, object]]:
        return [asdict(line) for line in lines]
