"""Codes with which somebody else pays a part: the city, or the platform."""

from django.conf import settings
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.kernel.money import Money, share_of
from apps.places.models import City


class Voucher(models.Model):
    """A code that pays a sum, or a share up to a sum, of what somebody orders.

    Whoever does it gets the same as ever; what the voucher pays comes out of its issuer's account.
    How often and how much of it was used stands here, and the database lets neither pass its most.
    """

    class Issuer(models.TextChoices):
        CITY = "CITY", _("the city")
        PLATFORM = "PLATFORM", _("the platform")

    city = models.ForeignKey(City, models.PROTECT, related_name="vouchers")
    code = models.CharField(_("code"), max_length=30)
    issuer = models.CharField(_("paid by"), max_length=10, choices=Issuer, default=Issuer.CITY)
    vertical = models.SlugField(_("kind of service; any if empty"), blank=True)
    flat_minor = models.PositiveBigIntegerField(_("sum, in minor units"), default=0)
    share_bp = models.PositiveIntegerField(_("share, hundredths of a percent"), default=0)
    most_minor = models.PositiveBigIntegerField(_("of one order at most"), null=True, blank=True)
    budget_minor = models.PositiveBigIntegerField(_("budget, in minor units"))
    uses_most = models.PositiveIntegerField(_("times in all"))
    uses_each = models.PositiveIntegerField(_("times for one person"), default=1)
    valid = DateTimeRangeField(_("valid from, up to"))
    reason = models.CharField(_("why it is issued"), max_length=200)
    spent_minor = models.PositiveBigIntegerField(_("spent or promised"), default=0, editable=False)
    used = models.PositiveIntegerField(_("times used"), default=0, editable=False)
    issued_at = models.DateTimeField(_("issued"), editable=False)
    ended_at = models.DateTimeField(_("ended by an officer"), null=True, editable=False)

    objects = LockableQuerySet["Voucher"].as_manager()

    class Meta:
        verbose_name = _("voucher")
        verbose_name_plural = _("vouchers")
        permissions = [("issue_voucher", _("Can issue and end vouchers"))]
        constraints = [
            models.UniqueConstraint(name="pricing_one_voucher_a_code", fields=["city", "code"]),
            models.CheckConstraint(
                name="pricing_voucher_is_something",
                condition=Q(flat_minor__gt=0, share_bp=0)
                | Q(flat_minor=0, share_bp__gt=0, share_bp__lte=10_000),
            ),
            models.CheckConstraint(
                name="pricing_voucher_within_budget",
                condition=Q(spent_minor__lte=F("budget_minor")),
            ),
            models.CheckConstraint(
                name="pricing_voucher_within_uses", condition=Q(used__lte=F("uses_most"))
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def worth(self, total_minor: int) -> int:
        """What it pays of a total, in minor units."""
        amount = self.flat_minor + share_of(total_minor, self.share_bp)
        if self.most_minor is not None:
            amount = min(amount, self.most_minor)
        return min(amount, total_minor)

    @property
    def account(self) -> str:
        """The code of the account out of which it pays."""
        if self.issuer == self.Issuer.PLATFORM:
            return "platform:vouchers"
        return f"city:{self.city.slug}:vouchers"


class VoucherUse(models.Model):
    """A part of one order that a voucher pays.  `holder` is opaque: the order's reference.

    Promised when the order is placed, and taken, as far as it was needed, when the order ends.
    `number` counts the uses of one person, which are so many and no more.
    """

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="uses")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="voucher_uses"
    )
    holder = models.UUIDField(_("what it is for, usually an order"), unique=True)
    number = models.PositiveIntegerField(_("the person's use, counted"), null=True)
    promised_minor = models.PositiveBigIntegerField(_("promised"))
    taken_minor = models.PositiveBigIntegerField(_("taken"), null=True)
    currency = models.CharField(_("currency"), max_length=3)
    promised_at = models.DateTimeField(_("promised at"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = LockableQuerySet["VoucherUse"].as_manager()

    class Meta:
        verbose_name = _("use of a voucher")
        verbose_name_plural = _("uses of vouchers")
        constraints = [
            # A use that came to nothing gives its number back.
            models.UniqueConstraint(
                name="pricing_uses_of_a_person", fields=["voucher", "person", "number"]
            ),
            models.CheckConstraint(
                name="pricing_taken_as_promised",
                condition=Q(taken_minor__isnull=True) | Q(taken_minor__lte=F("promised_minor")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.promised} by {self.voucher_id}"

    @property
    def promised(self) -> Money:
        return Money(self.promised_minor, self.currency)
