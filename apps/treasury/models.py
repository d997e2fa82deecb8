import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.kernel.money import Money
from apps.ledger.models import Journal


class GatewayLine(models.Model):
    """One movement of the money at the gateway, as the gateway's own books have it.

    `source` is the charge, refund, transfer or payout that moved it, `parent` the payment behind
    that, where there is one.  Amounts in minor units, what comes in is positive; `net` is what
    the gateway says is left of it after its fee.  It is written once; `journal` is what it was
    matched with, `booked_at` when what only the gateway could know of it was booked.
    """

    reference = models.CharField(_("balance transaction"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=50)
    amount_minor = models.BigIntegerField(_("amount"))
    fee_minor = models.BigIntegerField(_("fee"), default=0)
    net_minor = models.BigIntegerField(_("net"))
    currency = models.CharField(_("currency"), max_length=3)
    source = models.CharField(_("what moved it"), max_length=100, blank=True)
    parent = models.CharField(_("payment behind it"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("moved"))
    available_on = models.DateTimeField(_("available"))
    payload = models.JSONField(_("as the gateway said it"), default=dict)
    read_at = models.DateTimeField(_("read"))
    journal = models.OneToOneField(
        Journal, models.PROTECT, null=True, related_name="gateway_line", verbose_name=_("journal")
    )
    booked_at = models.DateTimeField(_("booked"), null=True)

    class Meta:
        verbose_name = _("gateway line")
        verbose_name_plural = _("gateway lines")
        permissions = [("read_lines", _("Can hand in the gateway's and the bank's lines"))]
        indexes = [
            models.Index(name="treasury_line_created", fields=["created_at"]),
            models.Index(
                name="treasury_line_alone", fields=["id"], condition=Q(journal__isnull=True)
            ),
            models.Index(
                name="treasury_line_unbooked", fields=["id"], condition=Q(booked_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def fee(self) -> Money:
        return Money(self.fee_minor, self.currency)


class Mark(models.Model):
    """How far the gateway's lines have been read.  A single row."""

    read_to = models.DateTimeField(_("read up to"))
    read_at = models.DateTimeField(_("read"))
    # By currency, in minor units: what the gateway said that it holds, all of it.
    held = models.JSONField(_("held by the gateway"), default=dict)

    class Meta:
        verbose_name = _("mark")
        verbose_name_plural = _("marks")

    def __str__(self) -> str:
        return self.read_to.isoformat()


class BankFile(models.Model):
    """A statement of the city's bank as an officer handed it in; the same file is taken once."""

    class Format(models.TextChoices):
        CAMT = "CAMT", _("CAMT.053")
        CSV = "CSV", _("CSV")

    digest = models.CharField(_("SHA-256"), max_length=64, unique=True)
    name = models.CharField(_("file"), max_length=200)
    format = models.CharField(_("format"), max_length=4, choices=Format)
    lines_count = models.PositiveIntegerField(_("lines"))
    known_count = models.PositiveIntegerField(_("lines that were known"))
    by = models.CharField(_("by"), max_length=100)
    at = models.DateTimeField(_("handed in"))

    class Meta:
        verbose_name = _("bank file")
        verbose_name_plural = _("bank files")

    def __str__(self) -> str:
        return self.name


class BankLine(models.Model):
    """One line of the city's bank statement.  `mark` makes it one, in however many files it is."""

    file = models.ForeignKey(BankFile, models.PROTECT, related_name="lines", verbose_name=_("file"))
    number = models.PositiveIntegerField(_("line"))
    mark = models.CharField(max_length=64, unique=True)
    iban = models.CharField(_("account"), max_length=50, blank=True)
    reference = models.CharField(_("reference"), max_length=100, blank=True)
    text = models.CharField(_("text"), max_length=500, blank=True)
    amount_minor = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    booked_on = models.DateField(_("booked"))
    line = models.OneToOneField(
        GatewayLine,
        models.PROTECT,
        null=True,
        related_name="bank_line",
        verbose_name=_("gateway line"),
    )
    entered_at = models.DateTimeField(_("entered in the books"), null=True)

    class Meta:
        verbose_name = _("bank line")
        verbose_name_plural = _("bank lines")
        constraints = [
            models.CheckConstraint(
                name="treasury_bank_line_is_something", condition=~Q(amount_minor=0)
            )
        ]

    def __str__(self) -> str:
        return f"{self.booked_on} {self.amount} {self.reference}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class Run(models.Model):
    """One comparison of the gateway's and the bank's lines with the books."""

    since = models.DateTimeField(_("lines since"))
    began_at = models.DateTimeField(_("began"))
    took_ms = models.PositiveIntegerField(_("took, ms"), default=0)
    lines = models.PositiveIntegerField(_("gateway lines"), default=0)
    matched = models.PositiveIntegerField(_("matched"), default=0)
    differences = models.JSONField(_("differences, by kind"), default=dict)
    # By currency: what the books say, what the lines sum to, what the gateway says that it holds.
    held = models.JSONField(_("money at the gateway"), default=dict)
    # What stands open on the clearing accounts, each with its currency and sums by age.
    ageing = models.JSONField(_("open, by age"), default=list)
    by = models.CharField(_("by"), max_length=100)

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M}"

    @property
    def share(self) -> float:
        """How many of a hundred lines are matched."""
        return 100 * self.matched / self.lines if self.lines else 100.0


class Difference(models.Model):
    """Where the books and the world do not agree: somebody's work until they do, or it is said why.

    Not a case of the regulation's: nobody outside the office is a side of it, and it ends by the
    sums themselves.  `expected_minor` is what the books say, `found_minor` what the other side.
    """

    class Kind(models.TextChoices):
        NOT_BOOKED = "NOT_BOOKED", _("missing in our books")
        NOT_AT_GATEWAY = "NOT_AT_GATEWAY", _("missing at the gateway")
        AMOUNT = "AMOUNT", _("another amount")
        FEE = "FEE", _("another fee")
        CURRENCY = "CURRENCY", _("another currency")
        DUPLICATE = "DUPLICATE", _("twice at the gateway")
        LATE = "LATE", _("days apart")
        NOT_AT_BANK = "NOT_AT_BANK", _("missing at the bank")
        BANK_ONLY = "BANK_ONLY", _("only at the bank")
        BANK_AMOUNT = "BANK_AMOUNT", _("another amount at the bank")

    class State(models.TextChoices):
        OPEN = "OPEN", _("open")
        PROPOSED = "PROPOSED", _("a correction waits for a second officer")
        EXPLAINED = "EXPLAINED", _("explained")
        CORRECTED = "CORRECTED", _("corrected")
        GONE = "GONE", _("gone by itself")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=14, choices=Kind)
    # `line:<balance transaction>`, `journal:<key>` or `bank:<number>`.
    subject = models.CharField(_("about"), max_length=250)
    line = models.ForeignKey(
        GatewayLine, models.PROTECT, null=True, related_name="differences",
        verbose_name=_("gateway line"),
    )  # fmt: skip
    bank_line = models.ForeignKey(
        BankLine, models.PROTECT, null=True, related_name="differences",
        verbose_name=_("bank line"),
    )  # fmt: skip
    journal = models.ForeignKey(
        Journal, models.PROTECT, null=True, related_name="differences", verbose_name=_("journal")
    )
    expected_minor = models.BigIntegerField(_("in our books"), null=True)
    expected_currency = models.CharField(_("currency of our books"), max_length=3, blank=True)
    found_minor = models.BigIntegerField(_("found"), null=True)
    found_currency = models.CharField(_("currency found"), max_length=3, blank=True)
    happened_at = models.DateTimeField(_("when the money moved"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, verbose_name=_("officer"),
        related_name="differences",
    )  # fmt: skip
    opened_at = models.DateTimeField(_("opened"))
    due_on = models.DateField(_("due"))
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    counter = models.CharField(_("account on the other side"), max_length=100, blank=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, verbose_name=_("proposed by"),
        related_name="+",
    )  # fmt: skip
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, verbose_name=_("approved by"),
        related_name="+",
    )  # fmt: skip
    correction = models.ForeignKey(
        Journal, models.PROTECT, null=True, related_name="corrects", verbose_name=_("correction")
    )

    objects = LockableQuerySet["Difference"].as_manager()

    class Meta:
        verbose_name = _("difference")
        verbose_name_plural = _("differences")
        permissions = [
            ("work_difference", _("Can take and explain differences and propose corrections")),
            ("approve_correction", _("Can approve another officer's correction")),
        ]
        constraints = [
            models.UniqueConstraint(
                name="treasury_one_difference_each", fields=["kind", "subject"]
            ),
            models.CheckConstraint(
                name="treasury_four_eyes",
                condition=Q(approved_by__isnull=True)
                | (Q(proposed_by__isnull=False) & ~Q(approved_by=F("proposed_by"))),
            ),
            models.CheckConstraint(
                name="treasury_corrected_by_a_journal_of_two",
                condition=~Q(state="CORRECTED")
                | Q(correction__isnull=False, approved_by__isnull=False),
            ),
            models.CheckConstraint(
                name="treasury_explained_with_a_reason",
                condition=~Q(state="EXPLAINED") | ~Q(reason=""),
            ),
        ]
        indexes = [
            models.Index(
                name="treasury_differences_to_do",
                fields=["due_on"],
                condition=Q(state__in=["OPEN", "PROPOSED"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"


class DifferenceEvent(models.Model):
    """What was done about a difference, and by whom.  Written once."""

    class What(models.TextChoices):
        OPENED = "opened", _("Found")
        REOPENED = "reopened", _("Found again")
        TAKEN = "taken", _("Taken by an officer")
        EXPLAINED = "explained", _("Explained")
        PROPOSED = "proposed", _("Correction proposed")
        REFUSED = "refused", _("Correction refused")
        CORRECTED = "corrected", _("Corrected")
        GONE = "gone", _("Gone by itself")

    difference = models.ForeignKey(Difference, models.PROTECT, related_name="events")
    what = models.CharField(_("what"), max_length=10, choices=What)
    words = models.CharField(_("words"), max_length=500, blank=True)
    by = models.CharField(_("by"), max_length=100)
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("what was done about a difference")
        verbose_name_plural = _("what was done about differences")
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.get_what_display()
