import secrets
import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.places.models import City
from apps.regulation.models.cases import CaseFile
from apps.regulation.models.papers import Paper, Requirement
from apps.regulation.models.permits import Permit


class PermitTerms(models.Model):
    """On what terms a city gives permits for one kind of service, and how it numbers them."""

    city = models.ForeignKey(City, models.PROTECT, related_name="permit_terms")
    vertical = models.SlugField(_("kind of service"))
    title = models.CharField(_("what the permit is called"), max_length=100)
    fee_minor = models.PositiveIntegerField(_("fee, in minor units"), default=0)
    fee_is_refundable = models.BooleanField(
        _("fee given back when the permit is refused"), default=False
    )
    months = models.PositiveSmallIntegerField(_("months that a permit holds"), default=12)
    needs_inspection = models.BooleanField(_("inspected before it is given"), default=False)
    series = models.CharField(_("beginning of every number"), max_length=20)
    given = models.PositiveIntegerField(_("numbers given"), default=0)

    objects = LockableQuerySet["PermitTerms"].as_manager()

    class Meta:
        verbose_name = _("terms of permits")
        verbose_name_plural = _("terms of permits")
        constraints = [
            models.UniqueConstraint(name="regulation_terms_once", fields=["city", "vertical"]),
            models.CheckConstraint(
                name="regulation_a_permit_holds_some_months", condition=Q(months__range=(1, 240))
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Application(models.Model):
    """A provider's wish for a permit.  Its case holds the state, the officer and the history.

    The fee is frozen when it comes in, and whether it is given back after a refusal, too.  That
    it was paid or given back is told by whoever takes money.
    """

    case = models.OneToOneField(
        CaseFile, models.PROTECT, primary_key=True, related_name="application"
    )
    terms = models.ForeignKey(PermitTerms, models.PROTECT, related_name="applications")
    fee_minor = models.PositiveIntegerField(_("fee, in minor units"))
    fee_is_refundable = models.BooleanField(
        _("fee given back when the permit is refused"), default=False
    )
    paid_at = models.DateTimeField(_("fee paid"), null=True)
    payment = models.CharField(_("receipt of the payment"), max_length=100, blank=True)
    fee_returned_at = models.DateTimeField(_("fee given back"), null=True)
    inspection_at = models.DateTimeField(_("to be inspected"), null=True)
    inspected_at = models.DateTimeField(_("inspected"), null=True)
    is_passed = models.BooleanField(_("passed the inspection"), null=True)
    permit = models.OneToOneField(Permit, models.PROTECT, null=True, related_name="application")

    objects = LockableQuerySet["Application"].as_manager()

    class Meta:
        verbose_name = _("application for a permit")
        verbose_name_plural = _("applications for permits")
        constraints = [
            models.CheckConstraint(
                name="regulation_no_payment_without_a_receipt",
                condition=Q(paid_at__isnull=True) | ~Q(payment=""),
            ),
            models.CheckConstraint(
                name="regulation_no_fee_given_back_that_was_not_paid",
                condition=Q(fee_returned_at__isnull=True) | Q(paid_at__isnull=False),
            ),
            models.CheckConstraint(
                name="regulation_an_inspection_has_a_result",
                condition=Q(inspected_at__isnull=True, is_passed__isnull=True)
                | Q(inspected_at__isnull=False, is_passed__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.terms}: {self.case.provider}"


def place_of_document(document: "Document", name: str) -> str:
    """A name that nobody guesses and that says nothing about whose it is."""
    return f"documents/{secrets.token_urlsafe(24)}.{document.ending}"


class Document(models.Model):
    """A paper that belongs to an application, and what an officer said of it."""

    class State(models.TextChoices):
        SENT = "SENT", _("sent")
        ACCEPTED = "ACCEPTED", _("accepted")
        REFUSED = "REFUSED", _("refused")
        REPLACED = "REPLACED", _("replaced by another")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    application = models.ForeignKey(Application, models.PROTECT, related_name="documents")
    requirement = models.ForeignKey(Requirement, models.PROTECT, related_name="documents")
    scan = models.FileField(_("picture"), upload_to=place_of_document, max_length=100)
    format = models.CharField(_("kind of file"), max_length=20, choices=Paper.Format)
    digest = models.CharField(max_length=64)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.SENT)
    reason = models.TextField(_("why not"), blank=True)
    sent_at = models.DateTimeField(_("sent"))

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        constraints = [
            models.UniqueConstraint(
                name="regulation_one_document_of_a_kind",
                fields=["application", "requirement"],
                condition=Q(state__in=["SENT", "ACCEPTED"]),
            ),
            models.CheckConstraint(
                name="regulation_no_document_refused_without_a_reason",
                condition=~Q(state="REFUSED") | ~Q(reason=""),
            ),
        ]

    def __str__(self) -> str:
        return str(self.requirement)

    @property
    def ending(self) -> str:
        return "pdf" if self.format == Paper.Format.PDF else "jpg"
