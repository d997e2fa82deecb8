import uuid
from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.kernel.money import Money
from apps.listings.models import Listing
from apps.places.models import City, Zone
from apps.pricing.lines import Line, Payee, Working
from apps.pricing.vouchers import Voucher, VoucherUse
from apps.regulation.models import Decision, InTheMaking, four_eyes

__all__ = [
    "Levy",
    "LevyExemption",
    "LevyShare",
    "Line",
    "Payee",
    "Quote",
    "Tariff",
    "Voucher",
    "VoucherUse",
    "Working",
]


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
    surge_most_bp = models.PositiveIntegerField(
        _("how far demand may lift the fare, hundredths of a percent; 10,000: not at all"),
        default=10_000,
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

    @property
    def may_surge(self) -> bool:
        return self.surge_most_bp > 10_000


class Levy(InTheMaking):
    """A tax or a fee of the city, one version of it, while it is valid.  Amounts in minor units.

    Written once, by one officer, and in force once another has approved it; a new version has a
    number of its own and ends the one before.  What the fields
    mean is said by `apps.pricing.levies.Rule`, which does the sums.
    """

    class Kind(models.TextChoices):
        PERCENT = "PERCENT", _("a share of the price")
        AMOUNT = "AMOUNT", _("an amount")

    class Per(models.TextChoices):
        """What it is counted on."""

        PERSON_NIGHT = "PERSON_NIGHT", _("person and night")
        NIGHT = "NIGHT", _("night")
        PERSON = "PERSON", _("person")
        HOUR = "HOUR", _("hour")
        KM = "KM", _("kilometre")
        RIDE = "RIDE", _("ride")
        PARCEL = "PARCEL", _("parcel")
        ORDER = "ORDER", _("order")

    class Point(models.TextChoices):
        """Where it is rounded to the minor unit."""

        UNIT = "UNIT", _("each unit")
        LINE = "LINE", _("each line")
        TOTAL = "TOTAL", _("the whole, over all its versions")

    class Direction(models.TextChoices):
        HALF_UP = "HALF_UP", _("to the nearest, a half up")
        HALF_EVEN = "HALF_EVEN", _("to the nearest, a half to the even one")
        UP = "UP", _("up")
        DOWN = "DOWN", _("down")

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"), related_name="levies")
    code = models.SlugField(
        _("code"), help_text=_("The same in every version, such as tourist_tax.")
    )
    number = models.CharField(_("number"), max_length=30)
    name = models.CharField(
        _("name"), max_length=80, help_text=_("As people read it on their receipt.")
    )
    vertical = models.SlugField(
        _("kind of service"), blank=True, help_text=_("Empty: for every kind.")
    )
    category = models.SlugField(
        _("category or class"), blank=True, help_text=_("Empty: for all that have no rule.")
    )
    zone = models.ForeignKey(
        Zone,
        models.PROTECT,
        verbose_name=_("zone"),
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Empty: everywhere that has no rule."),
    )
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(),
        verbose_name=_("weekdays"),
        default=list,
        blank=True,
        help_text=_("None: every day."),
    )
    hour_from = models.PositiveSmallIntegerField(_("from the hour"), null=True, blank=True)
    hour_until = models.PositiveSmallIntegerField(
        _("until the hour"),
        null=True,
        blank=True,
        help_text=_("On the city's clock; from 22 until 6 goes over midnight."),
    )
    kind = models.CharField(_("kind"), max_length=7, choices=Kind)
    rate = models.PositiveIntegerField(
        _("rate"), help_text=_("Minor units, or hundredths of a percent.")
    )
    per = models.CharField(_("for each"), max_length=12, choices=Per)
    base = ArrayField(
        models.SlugField(),
        verbose_name=_("counted on"),
        default=list,
        blank=True,
        help_text=_("Codes of lines of the price, or of other taxes, that a share is taken of."),
    )
    times_bp = models.PositiveIntegerField(
        _("times, in hundredths of a percent"),
        default=10_000,
        help_text=_("What each unit is multiplied by, after its cap."),
    )
    age_from = models.PositiveSmallIntegerField(_("from the age of"), null=True, blank=True)
    age_below = models.PositiveSmallIntegerField(_("below the age of"), null=True, blank=True)
    most_parts = models.PositiveSmallIntegerField(
        _("at most so many nights or hours"), null=True, blank=True
    )
    most_unit_minor = models.PositiveIntegerField(_("at most for a unit"), null=True, blank=True)
    most_person_minor = models.PositiveIntegerField(
        _("at most for a person"), null=True, blank=True
    )
    most_minor = models.PositiveIntegerField(_("at most in all"), null=True, blank=True)
    rounded = models.CharField(
        _("what is rounded"), max_length=5, choices=Point, default=Point.LINE
    )
    direction = models.CharField(
        _("rounded how"), max_length=9, choices=Direction, default=Direction.HALF_UP
    )
    valid = DateTimeRangeField(_("valid from, up to"))
    reason = models.TextField(_("why it was rejected"), blank=True)
    # Set by one officer before two were asked for.  Only the migration says so of a row: a trigger
    # of the database lets nobody else.
    was_set_by_one = models.BooleanField(
        _("set before two officers were asked"), default=False, editable=False
    )
    withdrawn_at = models.DateTimeField(_("called off before it began"), null=True, blank=True)
    follows = models.ForeignKey(
        "self",
        models.PROTECT,
        verbose_name=_("the version that it ended"),
        null=True,
        blank=True,
        related_name="+",
    )
    followed_until = models.DateTimeField(
        _("when that version would have ended"), null=True, blank=True
    )

    objects = LockableQuerySet.as_manager()

    class Meta:
        verbose_name = _("tax or fee")
        verbose_name_plural = _("taxes and fees")
        permissions = [
            ("approve_levy", _("Can approve and reject somebody else's tax or fee")),
            ("end_levy", _("Can end a tax or fee")),
        ]
        constraints = [
            # A zone that is not named must exclude another that is not: null equals nothing.
            ExclusionConstraint(
                name="pricing_one_levy_at_a_time",
                expressions=[
                    ("city", RangeOperators.EQUAL),
                    ("code", RangeOperators.EQUAL),
                    ("vertical", RangeOperators.EQUAL),
                    ("category", RangeOperators.EQUAL),
                    (Coalesce("zone", Value(0, models.BigIntegerField())), RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                condition=Q(withdrawn_at=None, state="APPROVED"),
            ),
            models.UniqueConstraint(
                name="pricing_levy_number",
                fields=["city", "number"],
                condition=~Q(state="REJECTED"),
            ),
            four_eyes("pricing_levy_four_eyes", "proposed_by"),
            models.CheckConstraint(
                name="pricing_levy_approved_by_a_second_officer",
                condition=~Q(state="APPROVED")
                | Q(proposed_by__isnull=False, decided_by__isnull=False, decided_at__isnull=False)
                | Q(was_set_by_one=True),
            ),
            models.CheckConstraint(
                name="pricing_levy_no_rejection_without_a_reason",
                condition=~Q(state="REJECTED") | ~Q(reason=""),
            ),
            models.CheckConstraint(
                name="pricing_levy_begins",
                condition=Q(valid__isempty=False, valid__lower_inf=False),
            ),
            models.CheckConstraint(
                name="pricing_levy_base_is_of_a_share",
                violation_error_message=_(
                    "A share says of which lines it is taken; an amount does not."
                ),
                condition=Q(kind="PERCENT", base__len__gt=0) | Q(kind="AMOUNT", base__len=0),
            ),
            models.CheckConstraint(
                name="pricing_levy_share_of_what",
                violation_error_message=_(
                    "A share of the price is not counted for each person or kilometre."
                ),
                condition=~Q(kind="PERCENT", per__in=["PERSON", "KM"]) & Q(times_bp__gt=0),
            ),
            models.CheckConstraint(
                name="pricing_levy_people",
                violation_error_message=_(
                    "Ages and a cap for a person need something that is counted by people."
                ),
                condition=Q(per__in=["PERSON_NIGHT", "PERSON"])
                | Q(age_from=None, age_below=None, most_person_minor=None),
            ),
            models.CheckConstraint(
                name="pricing_levy_ages",
                violation_error_message=_("The ages leave nobody."),
                condition=Q(age_from=None) | Q(age_below=None) | Q(age_from__lt=F("age_below")),
            ),
            models.CheckConstraint(
                name="pricing_levy_hours",
                violation_error_message=_(
                    "Hours have a beginning from 0 to 23 and an end from 1 to 24; a night has none."
                ),
                condition=Q(hour_from=None, hour_until=None)
                | (
                    Q(hour_from__isnull=False, hour_until__isnull=False)
                    & Q(hour_from__lte=23, hour_until__gte=1, hour_until__lte=24)
                    & ~Q(hour_from=F("hour_until"))
                    & ~Q(per__in=["PERSON_NIGHT", "NIGHT"])
                ),
            ),
            models.CheckConstraint(
                name="pricing_levy_weekdays",
                violation_error_message=_("Weekdays are from Monday to Sunday."),
                condition=Q(weekdays__contained_by=[0, 1, 2, 3, 4, 5, 6]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class LevyShare(models.Model):
    """Who gets a tax or fee, and how much of it, by weight."""

    levy = models.ForeignKey(Levy, models.CASCADE, related_name="shares")
    to = models.CharField(_("goes to"), max_length=8, choices=Payee)
    beneficiary = models.SlugField(
        _("whose account"),
        blank=True,
        help_text=_("Such as region; empty: the city's fees, or the tax office's VAT."),
    )
    weight = models.PositiveIntegerField(_("weight"), default=1)

    class Meta:
        verbose_name = _("share")
        verbose_name_plural = _("shares")
        constraints = [
            models.UniqueConstraint(
                name="pricing_share_once", fields=["levy", "to", "beneficiary"]
            ),
            models.CheckConstraint(name="pricing_share_weighs", condition=Q(weight__gt=0)),
            models.CheckConstraint(
                name="pricing_share_is_public",
                condition=Q(to__in=["CITY", "TAX"]),
            ),
        ]

    def __str__(self) -> str:
        return self.beneficiary or self.to


class LevyExemption(models.Model):
    """Who need not pay a tax or fee, and what they show for it."""

    class Frees(models.TextChoices):
        GUEST = "GUEST", _("that person")
        COMPANION = "COMPANION", _("that person and one who comes along")
        PARTY = "PARTY", _("everybody")

    levy = models.ForeignKey(Levy, models.CASCADE, related_name="exemptions")
    code = models.SlugField(_("code"))
    name = models.CharField(_("who need not pay"), max_length=80)
    proof = models.CharField(
        _("what they show"), max_length=120, blank=True, help_text=_("Empty: nothing.")
    )
    frees = models.CharField(_("frees"), max_length=9, choices=Frees, default=Frees.GUEST)

    class Meta:
        verbose_name = _("exemption")
        verbose_name_plural = _("exemptions")
        constraints = [
            models.UniqueConstraint(name="pricing_exemption_once", fields=["levy", "code"])
        ]

    def __str__(self) -> str:
        return self.name


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
    decision = models.ForeignKey(
        Decision,
        models.PROTECT,
        null=True,
        verbose_name=_("what the city said"),
        related_name="quotes",
    )
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
        return [Line.thawed(line) for line in self.lines]

    def part_of(self, payee: Payee) -> int:
        """How much of it goes to one payee, in minor units."""
        return sum(line.amount for line in self.price if line.to == payee)

    @staticmethod
    def frozen(lines: list[Line]) -> list[dict[str, object]]:
        return [line.frozen() for line in lines]
