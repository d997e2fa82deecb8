import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.kernel.money import Money
from apps.orders.models import Order
from apps.parties.models import Provider


class InvoiceSeries(models.Model):
    """The last number that an issuer gave in a year.

    The row is locked by whoever takes the next number until their invoice is written, so that a
    number that was taken and not used does not exist.
    """

    issuer = models.CharField(_("issuer"), max_length=40)
    letter = models.CharField(_("series"), max_length=1)
    year = models.PositiveSmallIntegerField(_("year"))
    last = models.PositiveIntegerField(_("last number"), default=0)

    objects = LockableQuerySet["InvoiceSeries"].as_manager()

    class Meta:
        verbose_name = _("series of invoices")
        verbose_name_plural = _("series of invoices")
        constraints = [
            models.UniqueConstraint(
                name="settlement_one_series", fields=["issuer", "letter", "year"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.issuer} {self.letter}-{self.year}"


class Invoice(models.Model):
    """An invoice or a credit note, as it was issued.  Written once: the database refuses changes.

    The issuer is a provider, or the platform where there is none.  `key` says what it is about,
    so that nothing is invoiced twice.  Names stand on it as they were that day.
    """

    class Kind(models.TextChoices):
        INVOICE = "INVOICE", _("invoice")
        CREDIT = "CREDIT", _("credit note")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    key = models.CharField(_("what it is about"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    issuer = models.CharField(_("issuer"), max_length=40)
    provider = models.ForeignKey(
        Provider, models.PROTECT, null=True, blank=True, related_name="invoices_issued"
    )
    issuer_name = models.CharField(_("issued by"), max_length=200)
    issuer_tax_id = models.CharField(_("issuer's tax number"), max_length=30, blank=True)
    letter = models.CharField(_("series"), max_length=1)
    year = models.PositiveSmallIntegerField(_("year"))
    number = models.PositiveIntegerField(_("number"))
    consumer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="invoices"
    )
    recipient = models.ForeignKey(
        Provider, models.PROTECT, null=True, blank=True, related_name="invoices_received"
    )
    recipient_name = models.CharField(_("issued to"), max_length=200)
    recipient_tax_id = models.CharField(_("recipient's tax number"), max_length=30, blank=True)
    order = models.ForeignKey(Order, models.PROTECT, null=True, blank=True, related_name="invoices")
    credits = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="credit_notes"
    )
    lines = models.JSONField(_("lines"))
    total_minor = models.PositiveBigIntegerField(_("total"))
    currency = models.CharField(_("currency"), max_length=3)
    day = models.DateField(_("issued on"))
    issued_at = models.DateTimeField(_("issued"))

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        constraints = [
            models.UniqueConstraint(
                name="settlement_number_of_invoice", fields=["issuer", "letter", "year", "number"]
            ),
            models.CheckConstraint(
                name="settlement_invoice_is_something", condition=Q(total_minor__gt=0, number__gt=0)
            ),
            models.CheckConstraint(
                name="settlement_credit_note_has_its_invoice",
                condition=Q(kind="INVOICE", credits__isnull=True)
                | Q(kind="CREDIT", credits__isnull=False),
            ),
            models.CheckConstraint(
                name="settlement_invoice_is_to_somebody",
                condition=Q(consumer__isnull=False, recipient__isnull=True)
                | Q(consumer__isnull=True, recipient__isnull=False),
            ),
        ]
        indexes = [models.Index(name="settlement_invoice_day", fields=["-day"])]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """Series, year and number, as people read them."""
        return f"{self.letter}-{self.year}-{self.number:06}"

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)
