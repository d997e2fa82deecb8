import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.audit.transactions import TransactionField
from apps.parties.models import Provider
from apps.places.models import City
from apps.regulation.rules import UNBOUND, Act


class Allowance(models.Model):
    """How much the city allows one subject in one period, and how much of it is gone.

    Ninety nights a year for a flat, say.  The policy that caps it makes the row when something
    is first counted: the subject names the policy and whose the cap is.
    """

    subject = models.CharField(_("subject"), max_length=100)
    period = models.CharField(_("period"), max_length=10)
    fact = models.SlugField(_("the fact that it counts, such as nights"))
    cap = models.PositiveIntegerField(_("cap"))
    used = models.PositiveIntegerField(_("used"), default=0)

    class Meta:
        verbose_name = _("allowance")
        verbose_name_plural = _("allowances")
        constraints = [
            models.UniqueConstraint(
                name="regulation_allowance_unique", fields=["subject", "period", "fact"]
            ),
            models.CheckConstraint(
                name="regulation_allowance_within_cap", condition=Q(used__lte=F("cap"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.used} of {self.cap} {self.fact} for {self.subject} in {self.period}"


class Decision(models.Model):
    """What the city was asked in one case, and what it said: kept when it said no, too.

    Written once, and sealed (see `seals`).  `asked` lists every policy that concerned the case,
    with its version and its word, and `facts` what they were told: enough to ask them again.
    Where people were to be fetched is kept as zones only.
    """

    class Asked(models.TextChoices):
        QUOTE = Act.QUOTE, _("to name a price")
        BOOK = Act.BOOK, _("to book")
        GO_ON_LINE = Act.GO_ON_LINE, _("to go on line")
        PUBLISH = Act.PUBLISH, _("to offer")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    act = models.CharField(_("what for"), max_length=10, choices=Asked, default=Asked.BOOK)
    city = models.ForeignKey(City, models.PROTECT, null=True, related_name="decisions")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="decisions")
    vertical = models.SlugField(_("kind of service"))
    by = models.CharField(_("asked by"), max_length=60, blank=True)
    facts = models.JSONField(_("what the city was told"))
    asked = models.JSONField(_("policies asked, and their words"), default=list)
    taken = models.JSONField(_("what was counted"), default=list)
    refusal = models.CharField(_("why not; empty if granted"), max_length=100, blank=True)
    rule = models.CharField(_("rule"), max_length=30, blank=True)
    decided_at = models.DateTimeField(_("decided"))
    tx = TransactionField(_("transaction"))

    # What the policies say of the price: for whoever asked, who freezes it in a quote.
    bounds = UNBOUND

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        indexes = [
            models.Index(name="regulation_decision_tx", fields=["tx", "id"]),
            models.Index(
                name="regulation_refusals", fields=["-decided_at"], condition=~Q(refusal="")
            ),
            models.Index(
                name="regulation_refusals_by",
                fields=["by", "-decided_at"],
                condition=~Q(refusal=""),
            ),
        ]

    def __str__(self) -> str:
        return self.refusal or "granted"

    @property
    def is_granted(self) -> bool:
        return not self.refusal

    @property
    def is_policy(self) -> bool:
        """Whether a policy said no, and not a permit or a paper that is missing."""
        return self.refusal.startswith("policy_")


class GivenBack(models.Model):
    """That what a decision had counted was given back, and when: once at most."""

    decision = models.OneToOneField(
        Decision, models.PROTECT, primary_key=True, related_name="given_back"
    )
    at = models.DateTimeField(_("given back"))

    class Meta:
        verbose_name = _("given back")
        verbose_name_plural = _("given back")

    def __str__(self) -> str:
        return f"{self.decision_id} at {self.at}"
