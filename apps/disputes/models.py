import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.kernel.money import Money
from apps.orders.models import Order
from apps.parties.models import Provider
from apps.payments.models import Payment


class Dispute(models.Model):
    """A payer's bank wants a payment back, and mostly has it already.

    `taken_minor` is what stands on `disputes:open` for it: what the bank took and neither gave
    back nor was lost yet.  `moved` names the gateway's own movements that are booked.
    """

    class State(models.TextChoices):
        NEEDS_RESPONSE = "NEEDS_RESPONSE", _("waits for evidence")
        UNDER_REVIEW = "UNDER_REVIEW", _("the bank decides")
        WON = "WON", _("won")
        LOST = "LOST", _("lost")

    class Wish(models.TextChoices):
        ANSWER = "ANSWER", _("send to the bank")
        ACCEPT = "ACCEPT", _("accept the loss")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    reference = models.CharField(_("the gateway's own reference"), max_length=100, unique=True)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="disputes")
    order = models.ForeignKey(Order, models.PROTECT, null=True, blank=True, related_name="disputes")
    provider = models.ForeignKey(
        Provider, models.PROTECT, null=True, blank=True, related_name="disputes"
    )
    amount_minor = models.PositiveBigIntegerField(_("amount"))
    taken_minor = models.PositiveBigIntegerField(_("taken by the bank for now"), default=0)
    lost_minor = models.PositiveBigIntegerField(_("lost"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    reason = models.CharField(_("what the payer's bank says"), max_length=50)
    state = models.CharField(_("state"), max_length=14, choices=State, default=State.NEEDS_RESPONSE)
    moved = models.JSONField(_("booked movements"), default=list, blank=True)
    due_by = models.DateTimeField(_("answer until"), null=True, blank=True)
    opened_at = models.DateTimeField(_("opened"))
    submitted_at = models.DateTimeField(_("sent to the bank"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    reminded_on = models.DateField(_("last reminded"), null=True, blank=True)
    wish = models.CharField(_("what an officer wants"), max_length=6, choices=Wish, blank=True)
    wish_key = models.UUIDField(null=True, blank=True, editable=False)
    wished_at = models.DateTimeField(_("wanted since"), null=True, blank=True)
    sent = models.JSONField(_("what the bank is told"), default=dict, blank=True)
    why = models.CharField(_("why"), max_length=500, blank=True)
    error = models.CharField(_("error"), max_length=200, blank=True)

    objects = LockableQuerySet["Dispute"].as_manager()

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        permissions = [("answer_dispute", _("Can answer a bank, or accept a loss"))]
        constraints = [
            models.CheckConstraint(
                name="disputes_lost_is_not_open", condition=Q(lost_minor=0) | Q(taken_minor=0)
            )
        ]
        indexes = [
            models.Index(name="disputes_of_provider", fields=["provider", "-opened_at"]),
            models.Index(name="disputes_to_put", fields=["wished_at"], condition=~Q(wish="")),
        ]

    def __str__(self) -> str:
        return f"{self.amount}, {self.reference}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def is_over(self) -> bool:
        return self.state in (self.State.WON, self.State.LOST)


class Evidence(models.Model):
    """Something that speaks for whoever was paid.  Written once; nobody is the system itself."""

    class Kind(models.TextChoices):
        SERVICE = "product_description", _("what was sold")
        DAY = "service_date", _("when it was done")
        LOG = "access_activity_log", _("how it went, step by step")
        TERMS = "cancellation_policy_disclosure", _("what was agreed on calling off")
        STORY = "uncategorized_text", _("what happened")

    dispute = models.ForeignKey(Dispute, models.CASCADE, related_name="evidence")
    kind = models.CharField(_("kind"), max_length=40, choices=Kind)
    text = models.TextField(_("evidence"), max_length=5000)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    added_at = models.DateTimeField(_("added"))

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        constraints = [
            models.UniqueConstraint(
                name="disputes_proposed_once_of_a_kind",
                fields=["dispute", "kind"],
                condition=Q(added_by__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return self.text[:60]
