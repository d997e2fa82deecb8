import uuid
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.kernel.money import Money
from apps.parties.models import Provider
from apps.places.models import City

PREFIX, SUFFIX = "provider:", ":payable"


def payable(provider_id: int) -> str:
    """The code of the account on which stands what a provider is owed."""
    return f"{PREFIX}{provider_id}{SUFFIX}"


def reserve(provider_id: int) -> str:
    """The code of the account on which stands what is kept back of what a provider earned."""
    return f"{PREFIX}{provider_id}:reserve"


class Payout(models.Model):
    """What somebody is paid for a period: everything booked for them up to a moment.

    A provider's payouts empty their payable account; those of a payee (the city, a tax authority,
    the platform) one of the payee's accounts each.  The statement is the entries on `account`
    after `after_entry` up to and with `last_entry`: each begins where another ended, so that every
    entry stands on one statement and no other.  The last of them is the payout itself, which
    brings the account to nothing.

    The night makes one payout a day; those that a provider asks for come in between, one for each
    `key` of a request.
    """

    class Kind(models.TextChoices):
        NIGHTLY = "NIGHTLY", _("by the schedule")
        ASKED = "ASKED", _("asked for")
        INSTANT = "INSTANT", _("asked for, at once")

    class State(models.TextChoices):
        DUE = "DUE", _("due")
        HELD = "HELD", _("held by an officer")
        SENT = "SENT", _("on its way")
        PAID = "PAID", _("paid")
        FAILED = "FAILED", _("the bank returned it")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    provider = models.ForeignKey(
        Provider, models.PROTECT, null=True, blank=True, related_name="payouts"
    )
    payee = models.ForeignKey(
        "settlement.Payee", models.PROTECT, null=True, blank=True, related_name="payouts"
    )
    account = models.CharField(_("account"), max_length=100, default="", blank=True)
    kind = models.CharField(_("how it came about"), max_length=10, choices=Kind, default="NIGHTLY")
    key = models.UUIDField(_("key of who asked"), null=True, blank=True, unique=True)
    fee_minor = models.PositiveBigIntegerField(_("fee for paying at once"), default=0)
    amount_minor = models.PositiveBigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DUE)
    day = models.DateField(_("settled on"))
    after_entry = models.BigIntegerField(_("entries after"), default=0)
    last_entry = models.BigIntegerField(_("up to entry"))
    reason = models.CharField(_("why an officer stepped in"), max_length=200, blank=True)
    failure = models.CharField(_("what the bank said"), max_length=200, blank=True)
    settled_at = models.DateTimeField(_("settled"))
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)

    objects = LockableQuerySet["Payout"].as_manager()

    class Meta:
        verbose_name = _("payout")
        verbose_name_plural = _("payouts")
        permissions = [("hold_payout", _("Can hold, release and retry a payout"))]
        constraints = [
            models.UniqueConstraint(
                name="settlement_one_payout_a_day",
                fields=["account", "currency", "day"],
                condition=Q(kind="NIGHTLY"),
            ),
            # Two statements that began at the same entry would both pay what stands on it.
            models.UniqueConstraint(
                name="settlement_begins_where_one_ended",
                fields=["account", "currency", "after_entry"],
            ),
            models.CheckConstraint(
                name="settlement_payout_is_somebodys",
                condition=Q(provider__isnull=False, payee__isnull=True)
                | Q(provider__isnull=True, payee__isnull=False),
            ),
            models.CheckConstraint(
                name="settlement_payout_is_something", condition=Q(amount_minor__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} to {self.whose} on {self.day}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.account and self.provider_id:
            self.account = payable(self.provider_id)
        super().save(*args, **kwargs)

    @property
    def whose(self) -> "Provider | Payee":
        """Who is paid."""
        whose = self.provider or self.payee
        assert whose is not None  # the database says so
        return whose

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class Night(models.Model):
    """A night's settlement of a city that came to its end.

    `day` is the day that began, on the city's clocks.
    """

    city = models.ForeignKey(City, models.CASCADE, related_name="nights")
    day = models.DateField(_("day"))
    settled_at = models.DateTimeField(_("settled"))

    class Meta:
        verbose_name = _("night's settlement")
        verbose_name_plural = _("nights' settlements")
        constraints = [
            models.UniqueConstraint(name="settlement_one_night_a_day", fields=["city", "day"])
        ]

    def __str__(self) -> str:
        return f"{self.city_id} {self.day}"


class Weekday(models.IntegerChoices):
    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class PayoutPlan(models.Model):
    """When a provider is paid, in one currency.  Whoever has none is paid every night.

    Schedule and least payout are the provider's to choose; reserve and fee an officer's.
    """

    class Schedule(models.TextChoices):
        DAILY = "DAILY", _("every night")
        WEEKLY = "WEEKLY", _("once a week")
        MANUAL = "MANUAL", _("only when I ask for it")

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="payout_plans")
    currency = models.CharField(_("currency"), max_length=3)
    schedule = models.CharField(_("schedule"), max_length=10, choices=Schedule, default="DAILY")
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday, default=0)
    minimum_minor = models.PositiveBigIntegerField(_("least payout"), default=0)
    reserve_bp = models.PositiveIntegerField(_("kept back, hundredths of a percent"), default=0)
    reserve_days = models.PositiveIntegerField(_("kept back for days"), default=0)
    instant_bp = models.PositiveIntegerField(
        _("fee for paying at once, hundredths of a percent"), default=100
    )
    settled_on = models.DateField(_("last looked at by the night of"), null=True, blank=True)
    changed_at = models.DateTimeField(_("changed"), null=True, blank=True)

    objects = LockableQuerySet["PayoutPlan"].as_manager()

    class Meta:
        verbose_name = _("payout plan")
        verbose_name_plural = _("payout plans")
        permissions = [("set_reserve", _("Can set what is kept back of a provider's earnings"))]
        constraints = [
            models.UniqueConstraint(name="settlement_one_plan", fields=["provider", "currency"]),
            models.CheckConstraint(name="settlement_a_weekday", condition=Q(weekday__lte=6)),
            # Never everything: a payout of nothing has no statement.
            models.CheckConstraint(
                name="settlement_reserve_is_a_part",
                condition=Q(reserve_bp__lte=5_000, reserve_days__lte=365),
            ),
            models.CheckConstraint(
                name="settlement_fee_is_a_part", condition=Q(instant_bp__lte=1_000)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.currency}"


class Reserve(models.Model):
    """A part of a payout that is kept back until a day, and then released by the night."""

    payout = models.OneToOneField(Payout, models.PROTECT, related_name="reserve")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="reserves")
    amount_minor = models.PositiveBigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    until = models.DateField(_("kept until"))
    released_at = models.DateTimeField(_("released"), null=True, blank=True)

    objects = LockableQuerySet["Reserve"].as_manager()

    class Meta:
        verbose_name = _("reserve")
        verbose_name_plural = _("reserves")
        constraints = [
            models.CheckConstraint(
                name="settlement_reserve_is_something", condition=Q(amount_minor__gt=0)
            )
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency} of {self.provider} until {self.until}"


class Payee(models.Model):
    """Whoever is owed money and is no provider: a city, a tax authority, the platform.

    Every account whose code begins with `prefix` is theirs.  Nothing is paid before one officer has
    said to which bank account, and another has agreed.
    """

    class Schedule(models.TextChoices):
        NIGHTLY = "NIGHTLY", _("every night")
        MONTHLY = "MONTHLY", _("on the first of the month")

    name = models.CharField(_("name"), max_length=200)
    city = models.ForeignKey(City, models.PROTECT, related_name="payees")
    prefix = models.CharField(_("accounts that begin with"), max_length=100)
    schedule = models.CharField(_("schedule"), max_length=10, choices=Schedule, default="MONTHLY")
    bank_account = models.CharField(_("bank account"), max_length=40, blank=True)
    proposed_account = models.CharField(_("proposed bank account"), max_length=40, blank=True)
    proposed_by = models.CharField(_("proposed by"), max_length=100, blank=True)
    approved_by = models.CharField(_("approved by"), max_length=100, blank=True)
    reference = models.CharField(_("the gateway's own reference"), max_length=100, blank=True)
    settled_on = models.DateField(_("last looked at by the night of"), null=True, blank=True)

    objects = LockableQuerySet["Payee"].as_manager()

    class Meta:
        verbose_name = _("payee")
        verbose_name_plural = _("payees")
        permissions = [("set_payee", _("Can say to which bank account a payee is paid"))]
        constraints = [
            models.UniqueConstraint(name="settlement_one_payee", fields=["prefix", "city"]),
            models.CheckConstraint(
                name="settlement_payee_by_two_officers",
                condition=Q(approved_by="") | ~Q(approved_by=F("proposed_by")),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Shortfall(models.Model):
    """A time in which a provider owed more than they had earned, as the nights saw it."""

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="shortfalls")
    currency = models.CharField(_("currency"), max_length=3)
    amount_minor = models.PositiveBigIntegerField(_("owed"))
    since = models.DateField(_("since"))
    ended_on = models.DateField(_("over on"), null=True, blank=True)

    class Meta:
        verbose_name = _("shortfall")
        verbose_name_plural = _("shortfalls")
        constraints = [
            models.UniqueConstraint(
                name="settlement_one_open_shortfall",
                fields=["provider", "currency"],
                condition=Q(ended_on__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} owes {self.amount_minor} {self.currency} since {self.since}"
