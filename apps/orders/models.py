from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.kernel.money import Money
from apps.listings.models import Listing
from apps.parties.models import Provider, Worker
from apps.places.models import City, Zone
from apps.pricing.models import Quote
from apps.regulation.models import Decision

# Crockford's base 32: no I, L, O or U, so a reference read aloud is heard right.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Basket(models.Model):
    """What a consumer asked for in one go, and pays for with one payment."""

    ref = models.UUIDField(_("the key under which it was asked for"), unique=True)
    consumer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="baskets")
    fingerprint = models.CharField(max_length=64)
    placed_at = models.DateTimeField(_("placed"))

    class Meta:
        verbose_name = _("basket")
        verbose_name_plural = _("baskets")

    def __str__(self) -> str:
        return str(self.ref)


class OrderQuerySet(LockableQuerySet["Order"]):
    def live(self) -> Self:
        return self.exclude(state__in=[Order.State.COMPLETED, Order.State.CANCELLED])


class Order(models.Model):
    """A consumer's agreement with a provider, the same for a ride and for a stay.

    `state` is the same in every vertical: money, reviews and regulators read only that.  `stage`
    is the vertical's own word for how far it has come.  The provider of a ride is known
    when a worker has accepted, and from then on for good.
    """

    class State(models.TextChoices):
        PLACED = "PLACED", _("placed")
        AUTHORISED = "AUTHORISED", _("the bank has promised the money")
        CONFIRMED = "CONFIRMED", _("confirmed")
        STARTED = "STARTED", _("started")
        COMPLETED = "COMPLETED", _("completed")
        CANCELLED = "CANCELLED", _("cancelled")

    ref = models.UUIDField(_("reference"), unique=True)
    basket = models.ForeignKey(Basket, models.PROTECT, related_name="orders")
    consumer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="orders")
    city = models.ForeignKey(City, models.PROTECT, related_name="orders")
    # Where it began, as the city was divided then.
    district = models.ForeignKey(
        Zone,
        models.SET_NULL,
        null=True,
        blank=True,
        verbose_name=_("district"),
        related_name="orders",
    )
    vertical = models.SlugField(_("kind of service"))
    listing = models.ForeignKey(Listing, models.PROTECT, related_name="orders")
    quote = models.OneToOneField(Quote, models.PROTECT, related_name="order")
    decision = models.OneToOneField(Decision, models.PROTECT, related_name="order")
    provider = models.ForeignKey(
        Provider, models.PROTECT, null=True, blank=True, related_name="orders"
    )
    worker = models.ForeignKey(Worker, models.PROTECT, null=True, blank=True, related_name="orders")
    total_minor = models.PositiveBigIntegerField(_("total"))
    charged_minor = models.PositiveBigIntegerField(_("charged in the end"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PLACED)
    stage = models.SlugField(_("stage"))
    reason = models.CharField(_("why it ended early"), max_length=50, blank=True)
    placed_at = models.DateTimeField(_("placed"))
    changed_at = models.DateTimeField(_("changed"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        permissions = [("act_on_order", _("Can take a step of an order for the city"))]
        constraints = [
            models.CheckConstraint(
                name="orders_confirmed_has_provider",
                condition=~Q(state__in=["CONFIRMED", "STARTED", "COMPLETED"])
                | Q(provider__isnull=False),
            )
        ]
        indexes = [
            models.Index(name="orders_of_consumer", fields=["consumer", "-placed_at"]),
            models.Index(name="orders_of_provider", fields=["provider", "-placed_at"]),
            models.Index(
                name="orders_of_district",
                fields=["district", "provider"],
                condition=Q(district__isnull=False),
            ),
            models.Index(
                name="orders_live",
                fields=["city", "state"],
                condition=~Q(state__in=["COMPLETED", "CANCELLED"]),
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """The reference as people read it: seven signs, for the eye and the phone."""
        number = self.ref.int >> 93
        signs = "".join(ALPHABET[(number >> shift) & 31] for shift in range(30, -5, -5))
        return f"{signs[:3]}-{signs[3:]}"

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)

    @property
    def charged(self) -> Money | None:
        return None if self.charged_minor is None else Money(self.charged_minor, self.currency)

    @property
    def is_live(self) -> bool:
        return self.state not in (self.State.COMPLETED, self.State.CANCELLED)


class Step(models.Model):
    """One move in an order's life, as it happened.  Written once.

    `heard_at` stands where the city heard of it later than it was taken, from a phone that had no
    line; `key` is the phone's own, by which a move that is sent twice is known.
    """

    order = models.ForeignKey(Order, models.PROTECT, related_name="steps")
    name = models.SlugField(_("step"))
    state = models.CharField(_("state after it"), max_length=10, choices=Order.State)
    stage = models.SlugField(_("stage after it"))
    by = models.CharField(_("by"), max_length=100)
    reason = models.CharField(_("reason"), max_length=50, blank=True)
    taken_at = models.DateTimeField(_("taken"))
    heard_at = models.DateTimeField(_("heard of, if later"), null=True, blank=True)
    key = models.UUIDField(_("key of who sent it"), null=True, blank=True, unique=True)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        indexes = [models.Index(name="orders_step_of_order", fields=["order", "id"])]

    def __str__(self) -> str:
        return f"{self.name} of {self.order_id}"


class Change(models.Model):
    """A new quote in place of the one in force, as a consumer accepted it.

    `holder` is the payment of what it costs more than was promised before; none if it costs no
    more.  Whatever comes of it, the order keeps both quotes.
    """

    class State(models.TextChoices):
        ASKED = "ASKED", _("the bank is asked")
        AGREED = "AGREED", _("in force")
        REFUSED = "REFUSED", _("the bank refused")
        LAPSED = "LAPSED", _("too late")

    order = models.ForeignKey(Order, models.PROTECT, related_name="changes")
    number = models.PositiveSmallIntegerField(_("number"))
    before = models.ForeignKey(
        Quote, models.PROTECT, related_name="changes_from", verbose_name=_("quote before it")
    )
    after = models.OneToOneField(
        Quote, models.PROTECT, related_name="change", verbose_name=_("quote after it")
    )
    holder = models.UUIDField(_("payment of the difference"), null=True, blank=True, unique=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ASKED)
    reason = models.CharField(_("why not"), max_length=50, blank=True)
    asked_at = models.DateTimeField(_("asked"))
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        constraints = [
            models.UniqueConstraint(
                name="orders_change_number_of_order", fields=["order", "number"]
            ),
            models.UniqueConstraint(
                name="orders_one_change_waits",
                fields=["order"],
                condition=Q(state="ASKED"),
            ),
        ]

    def __str__(self) -> str:
        return f"change {self.number} of {self.order}"
