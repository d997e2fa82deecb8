from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.audit.transactions import TransactionField
from apps.kernel.money import Money


class Account(models.Model):
    """A place where money is owed, in one currency.

    `code` says whose it is and what for: `clearing:cards`, `provider:12:payable`,
    `platform:fees`, `city:fees`, `tax:vat`, `payouts:in-transit`.  Entries are signed: a debit
    is positive, a credit negative, so what the platform owes a provider is a negative balance.
    """

    code = models.CharField(_("code"), max_length=100)
    currency = models.CharField(_("currency"), max_length=3)
    name = models.CharField(_("name"), max_length=200, blank=True)
    # Between these the database holds the balance, which it then keeps beside the entries.  Most
    # accounts have no limits: nobody waits for anybody to book on them.
    least_minor = models.BigIntegerField(_("never below"), null=True, blank=True)
    most_minor = models.BigIntegerField(_("never above"), null=True, blank=True)
    balance_minor = models.BigIntegerField(_("balance, where limited"), null=True, editable=False)
    opened_at = models.DateTimeField(_("opened"), auto_now_add=True)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.UniqueConstraint(name="ledger_account_unique", fields=["code", "currency"]),
            models.CheckConstraint(
                name="ledger_account_within_limits",
                condition=(Q(least_minor=None) | Q(balance_minor__gte=F("least_minor")))
                & (Q(most_minor=None) | Q(balance_minor__lte=F("most_minor"))),
            ),
            models.CheckConstraint(
                name="ledger_account_balance_kept",
                condition=Q(balance_minor=None, least_minor=None, most_minor=None)
                | (Q(balance_minor__isnull=False) & ~Q(least_minor=None, most_minor=None)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} ({self.currency})"


class Journal(models.Model):
    """One business fact in the books.  Its entries sum to zero; it is never changed."""

    key = models.CharField(_("business key"), max_length=200, unique=True)
    kind = models.CharField(_("kind"), max_length=50)
    about = models.UUIDField(_("what it is about"), null=True)
    fingerprint = models.CharField(max_length=64)
    by = models.CharField(_("by"), max_length=100)
    booked_at = models.DateTimeField(_("booked"))
    tx = TransactionField(_("transaction"))

    class Meta:
        verbose_name = _("journal")
        verbose_name_plural = _("journals")
        indexes = [
            models.Index(name="ledger_journal_about", fields=["about"]),
            models.Index(name="ledger_journal_tx", fields=["tx", "id"]),
            # Journals lie in the table about as they were booked: a few kilobytes for millions.
            BrinIndex(name="ledger_journal_booked", fields=["booked_at"], autosummarize=True),
        ]

    def __str__(self) -> str:
        return self.key


class Entry(models.Model):
    """One line of a journal: an account and a signed amount in minor units."""

    journal = models.ForeignKey(Journal, models.PROTECT, related_name="entries")
    seq = models.PositiveSmallIntegerField()
    account = models.ForeignKey(Account, models.PROTECT, related_name="entries")
    amount_minor = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    tx = TransactionField(_("transaction"))

    class Meta:
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        constraints = [
            models.UniqueConstraint(name="ledger_entry_seq", fields=["journal", "seq"]),
            models.CheckConstraint(name="ledger_entry_not_zero", condition=~Q(amount_minor=0)),
        ]
        indexes = [
            models.Index(name="ledger_entry_account", fields=["account", "id"]),
            # What came since the last rollup, without a look at the table.
            models.Index(
                name="ledger_entry_tx", fields=["tx"], include=["account", "amount_minor"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} on {self.account_id}"

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class Rollup(models.Model):
    """What the entries of an account sum to, as far as the horizon."""

    account = models.OneToOneField(Account, models.PROTECT, primary_key=True)
    balance_minor = models.BigIntegerField(_("balance"))

    class Meta:
        verbose_name = _("rollup")
        verbose_name_plural = _("rollups")

    def __str__(self) -> str:
        return f"{self.balance_minor} on {self.account_id}"


class Horizon(models.Model):
    """How far the rollups reach: over every transaction before this one.  A single row.

    All of those were over when it was drawn.  A number of a journal would not do: who takes a low
    one and commits late would be left out for good.
    """

    tx = TransactionField(_("transaction"))

    class Meta:
        verbose_name = _("horizon")
        verbose_name_plural = _("horizons")

    def __str__(self) -> str:
        return str(self.tx)


class Period(models.Model):
    """A day of the books that is closed: its journals are counted, and none is added any more.

    The database books what comes late on the first day that is open.  Days are those of UTC,
    because the books are of all cities at once.
    """

    day = models.DateField(_("day"), unique=True)
    journals = models.PositiveBigIntegerField(_("journals"))
    entries = models.PositiveBigIntegerField(_("entries"))
    # By currency: the sum of all debits in minor units, as much as the sum of all credits.
    moved = models.JSONField(_("moved, by currency"))
    # Over the day's journals as they are sealed, ordered by their numbers.
    merkle_root = models.CharField(_("Merkle root of its journals"), max_length=64)
    by = models.CharField(_("by"), max_length=100)
    closed_at = models.DateTimeField(_("closed"))
    tx = TransactionField(_("transaction"))

    class Meta:
        verbose_name = _("closed day")
        verbose_name_plural = _("closed days")
        indexes = [models.Index(name="ledger_period_tx", fields=["tx", "id"])]

    def __str__(self) -> str:
        return self.day.isoformat()
