from datetime import datetime
from typing import Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.kernel.money import Money
from apps.parties.models import Provider
from apps.payments.inbox_models import GatewayEvent, Listening

__all__ = [
    "Attempt",
    "Card",
    "Customer",
    "GatewayEvent",
    "Listening",
    "Payment",
    "PayoutAccount",
    "Transfer",
]


class Customer(models.Model):
    """A person as the gateway knows them."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="gateway_customer"
    )
    reference = models.CharField(_("the gateway's own reference"), max_length=100, unique=True)

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")

    def __str__(self) -> str:
        return self.reference


class Card(models.Model):
    """A card that a person keeps with the gateway.  We know its last four digits, no more."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="cards")
    reference = models.CharField(_("the gateway's own reference"), max_length=100, unique=True)
    brand = models.CharField(_("brand"), max_length=30)
    last4 = models.CharField(_("last four digits"), max_length=4)
    expires_month = models.PositiveSmallIntegerField(_("expires, month"))
    expires_year = models.PositiveSmallIntegerField(_("expires, year"))
    is_default = models.BooleanField(_("used unless another is chosen"), default=False)
    added_at = models.DateTimeField(_("added"))
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)
    forgotten_at = models.DateTimeField(_("forgotten by the gateway"), null=True, blank=True)

    class Meta:
        verbose_name = _("card")
        verbose_name_plural = _("cards")
        constraints = [
            models.UniqueConstraint(
                name="payments_one_default_card",
                fields=["user"],
                condition=Q(is_default=True, removed_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.brand.title()} ·· {self.last4}"


class Payment(models.Model):
    """What somebody pays for one thing, from the promise to the last refund.

    `holder` is opaque: usually a basket's reference.  Amounts in minor units.  Cash asks no bank:
    its promise is the payer's, and `collected_by` is the provider in whose hand it came to lie.

    `back` is our page to which the payer comes back from their bank's; empty where nobody waits to
    be led there.  `confirm_page` is the bank's page, while the bank wants to hear from the payer.
    """

    class Method(models.TextChoices):
        CARD = "CARD", _("card")
        CASH = "CASH", _("cash")

    class State(models.TextChoices):
        OPENED = "OPENED", _("opened")
        CONFIRM = "CONFIRM", _("the bank wants to hear from the payer")
        AUTHORISED = "AUTHORISED", _("authorised")
        REFUSED = "REFUSED", _("refused")
        CAPTURED = "CAPTURED", _("captured")
        CANCELLED = "CANCELLED", _("given back")
        UNPAID = "UNPAID", _("not paid in cash")

    holder = models.UUIDField(_("what it is for, usually a basket"), unique=True)
    label = models.CharField(_("what it is for, in words"), max_length=50, blank=True)
    payer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="payments")
    method = models.CharField(_("method"), max_length=4, choices=Method, default=Method.CARD)
    card = models.ForeignKey(Card, models.PROTECT, null=True, blank=True, related_name="payments")
    collected_by = models.ForeignKey(
        Provider,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="cash_payments",
        verbose_name=_("cash collected by"),
    )
    booked_as = models.SlugField(_("what the books call it"), default="capture")
    amount_minor = models.PositiveBigIntegerField(_("amount"))
    captured_minor = models.PositiveBigIntegerField(_("captured"), default=0)
    refunded_minor = models.PositiveBigIntegerField(_("refunded"), default=0)
    disputed_minor = models.PositiveBigIntegerField(_("disputed by the payer's bank"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPENED)
    refusal = models.CharField(_("why the bank said no"), max_length=50, blank=True)
    reference = models.CharField(_("the gateway's own reference"), max_length=100, blank=True)
    back = models.CharField(_("where the payer comes back to"), max_length=200, blank=True)
    confirm_page = models.CharField(_("the bank's page"), max_length=2000, blank=True)
    confirm_by = models.DateTimeField(_("to be confirmed by"), null=True, blank=True)
    holds_until = models.DateTimeField(_("the bank holds it until"), null=True, blank=True)
    renewal_refused_at = models.DateTimeField(_("not promised anew"), null=True, blank=True)
    opened_at = models.DateTimeField(_("opened"))

    objects = LockableQuerySet["Payment"].as_manager()

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        permissions = [
            ("ask_again", _("Can ask the gateway again")),
            ("refund_payment", _("Can give money back")),
            ("settle_debt", _("Can note that unpaid cash was paid, or let it go")),
        ]
        constraints = [
            models.CheckConstraint(
                name="payments_amount_is_something", condition=Q(amount_minor__gt=0)
            ),
            models.CheckConstraint(
                name="payments_card_or_cash",
                condition=Q(method="CARD", card__isnull=False, collected_by__isnull=True)
                | Q(method="CASH", card__isnull=True),
            ),
            models.CheckConstraint(
                name="payments_captured_within_amount",
                condition=Q(captured_minor__lte=F("amount_minor")),
            ),
            models.CheckConstraint(
                name="payments_refunded_within_captured",
                condition=Q(refunded_minor__lte=F("captured_minor")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} for {self.holder}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def captured(self) -> Money:
        return Money(self.captured_minor, self.currency)

    @property
    def refunded(self) -> Money:
        return Money(self.refunded_minor, self.currency)


class Transfer(models.Model):
    """Money on its way out to a provider's bank.  `holder` is opaque: usually a payout."""

    class State(models.TextChoices):
        OPENED = "OPENED", _("opened")
        SENT = "SENT", _("sent")
        FAILED = "FAILED", _("failed")

    holder = models.UUIDField(_("what it is for, usually a payout"), unique=True)
    # A provider's account is opened when it is first needed; whoever else is paid names theirs.
    provider = models.ForeignKey(
        Provider, models.PROTECT, null=True, blank=True, related_name="transfers"
    )
    destination = models.CharField(_("account with the gateway"), max_length=100, blank=True)
    is_instant = models.BooleanField(_("at once"), default=False)
    amount_minor = models.PositiveBigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPENED)
    refusal = models.CharField(_("why it failed"), max_length=100, blank=True)
    reference = models.CharField(_("the gateway's own reference"), max_length=100, blank=True)
    opened_at = models.DateTimeField(_("opened"))

    objects = LockableQuerySet["Transfer"].as_manager()

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        constraints = [
            models.CheckConstraint(
                name="payments_transfer_is_something", condition=Q(amount_minor__gt=0)
            ),
            models.CheckConstraint(
                name="payments_transfer_goes_somewhere",
                condition=Q(provider__isnull=False) | ~Q(destination=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} to {self.provider_id or self.destination}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class PayoutAccount(models.Model):
    """Where a provider's money goes: their account with the gateway."""

    provider = models.OneToOneField(Provider, models.CASCADE, related_name="payout_account")
    reference = models.CharField(_("the gateway's own reference"), max_length=100, unique=True)
    pays_out = models.BooleanField(_("pays out"), null=True, blank=True)
    wanted = models.JSONField(_("what the gateway still wants to know"), default=list, blank=True)
    looked_at = models.DateTimeField(_("last looked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("payout account")
        verbose_name_plural = _("payout accounts")

    def __str__(self) -> str:
        return self.reference


class AttemptQuerySet(LockableQuerySet["Attempt"]):
    def waiting(self) -> Self:
        """Noted, and its turn has not come."""
        return self.filter(asked_at__isnull=True, answered_at__isnull=True)

    def open(self) -> Self:
        """Put to the gateway, and no answer yet."""
        return self.filter(asked_at__isnull=False, answered_at__isnull=True)

    def due(self, at: datetime) -> Self:
        """Open, and quiet for so long that it is put once more."""
        return self.open().filter(dead_at__isnull=True, due_at__lte=at)


class Attempt(models.Model):
    """One question to the gateway.  However often it is put, its key makes it one.

    It is noted when somebody wants it, asked when its turn has come (a payment has one open
    question at a time), and answered once.  Dead means that the gateway did not understand it:
    it stays open until an officer has it asked again.
    """

    class Kind(models.TextChoices):
        AUTHORISE = "AUTHORISE", _("authorise")
        CAPTURE = "CAPTURE", _("capture")
        CANCEL = "CANCEL", _("cancel")
        REFUND = "REFUND", _("refund")
        TRANSFER = "TRANSFER", _("transfer")
        RENEW = "RENEW", _("promise anew")
        GIVE_BACK = "GIVE_BACK", _("give the old promise back")
        # Never asked: the payer's bank took it back, and a dispute about it was lost.
        LOSS = "LOSS", _("lost in a dispute")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    payment = models.ForeignKey(
        Payment, models.PROTECT, null=True, blank=True, related_name="attempts"
    )
    transfer = models.ForeignKey(
        Transfer, models.PROTECT, null=True, blank=True, related_name="attempts"
    )
    key = models.UUIDField(default=uuid4, unique=True, editable=False)
    amount_minor = models.PositiveBigIntegerField(_("amount"))
    split = models.JSONField(_("who gets it, or gives it back"), default=list)
    about = models.UUIDField(_("what it is about, usually an order"), null=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    noted_at = models.DateTimeField(_("noted"))
    asked_at = models.DateTimeField(_("first asked"), null=True, blank=True)
    due_at = models.DateTimeField(_("asked again"), null=True, blank=True)
    tries = models.PositiveIntegerField(_("tries"), default=0)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    dead_at = models.DateTimeField(_("given up"), null=True, blank=True)
    succeeded = models.BooleanField(_("succeeded"), null=True)
    reference = models.CharField(_("the gateway's own reference"), max_length=100, blank=True)
    error = models.CharField(_("error"), max_length=200, blank=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = [
            models.UniqueConstraint(
                name="payments_one_open_attempt_per_payment",
                fields=["payment"],
                condition=Q(
                    asked_at__isnull=False, answered_at__isnull=True, payment__isnull=False
                ),
            ),
            models.UniqueConstraint(
                name="payments_one_open_attempt_per_transfer",
                fields=["transfer"],
                condition=Q(answered_at__isnull=True, transfer__isnull=False),
            ),
            models.UniqueConstraint(
                name="payments_ends_once",
                fields=["payment"],
                condition=Q(kind__in=["CAPTURE", "CANCEL"]),
            ),
            models.CheckConstraint(
                name="payments_attempt_is_about_one_thing",
                condition=Q(payment__isnull=False, transfer__isnull=True)
                | Q(payment__isnull=True, transfer__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                name="payments_attempt_due",
                fields=["due_at"],
                condition=Q(asked_at__isnull=False, answered_at__isnull=True, dead_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def amount(self) -> Money:
        about = self.payment or self.transfer
        assert about is not None  # the database says so
        return Money(self.amount_minor, about.currency)
