import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.kernel.money import Money
from apps.parties.models import Provider
from apps.places.models import City


class Payout(models.Model):
    """What a provider is paid for a period: everything booked for them up to a moment.

    Its statement is the entries on the provider's payable account after `after_entry` up to and
    with `last_entry`, so that every entry stands on one statement and no other.  The last of
    them is the payout itself, which brings the account to nothing.
    """

    class State(models.TextChoices):
        DUE = "DUE", _("due")
        HELD = "HELD", _("held by an officer")
        SENT = "SENT", _("on its way")
        PAID = "PAID", _("paid")
        FAILED = "FAILED", _("the bank returned it")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="payouts")
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
                name="settlement_one_payout_a_day", fields=["provider", "currency", "day"]
            ),
            models.CheckConstraint(
                name="settlement_payout_is_something", condition=Q(amount_minor__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} to {self.provider} on {self.day}"

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
