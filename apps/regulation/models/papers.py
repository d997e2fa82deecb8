import secrets
import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.parties.models import User
from apps.places.models import City


class Requirement(models.Model):
    """A paper that a city asks of everybody who works in one kind of service, or of providers who
    apply for its permit."""

    class Of(models.TextChoices):
        WORKER = "worker", _("whoever works")
        PROVIDER = "provider", _("a provider who applies")

    city = models.ForeignKey(City, models.PROTECT, related_name="requirements")
    vertical = models.SlugField(_("kind of service"))
    kind = models.SlugField(_("short name, such as licence"), max_length=30)
    title = models.CharField(_("what the paper is called"), max_length=60)
    hint = models.CharField(_("what to send"), max_length=200, blank=True)
    asked_of = models.CharField(_("asked of"), max_length=10, choices=Of, default=Of.WORKER)
    position = models.PositiveSmallIntegerField(_("place in the list"), default=0)
    dropped_at = models.DateTimeField(_("no longer asked for since"), null=True, blank=True)

    class Meta:
        verbose_name = _("required paper")
        verbose_name_plural = _("required papers")
        constraints = [
            models.UniqueConstraint(
                name="regulation_one_requirement_of_a_kind", fields=["city", "vertical", "kind"]
            )
        ]

    def __str__(self) -> str:
        return self.title


def place_of_scan(paper: "Paper", name: str) -> str:
    """A name that nobody guesses and that says nothing about whose paper it is."""
    return f"papers/{secrets.token_urlsafe(24)}.{paper.ending}"


class Paper(models.Model):
    """A paper that somebody sent: what it says, its picture, and what an officer said of it."""

    class State(models.TextChoices):
        SENT = "SENT", _("sent")
        ACCEPTED = "ACCEPTED", _("accepted")
        REFUSED = "REFUSED", _("refused")
        REVOKED = "REVOKED", _("no longer accepted")
        REPLACED = "REPLACED", _("replaced by another")

    class Format(models.TextChoices):
        JPEG = "image/jpeg", _("picture")
        PDF = "application/pdf", "PDF"

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    holder = models.ForeignKey(
        User, models.PROTECT, verbose_name=_("holder"), related_name="papers"
    )
    requirement = models.ForeignKey(
        Requirement, models.PROTECT, verbose_name=_("required paper"), related_name="papers"
    )
    number = models.CharField(_("number"), max_length=50)
    expires_on = models.DateField(_("valid through"))
    scan = models.FileField(_("picture"), upload_to=place_of_scan, max_length=100)
    format = models.CharField(_("kind of file"), max_length=20, choices=Format)
    digest = models.CharField(max_length=64)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.SENT)
    reason = models.TextField(_("why not"), blank=True)
    sent_at = models.DateTimeField(_("sent"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    # The last reminder: 30, 7 or 1 days before.
    reminded_days = models.PositiveSmallIntegerField(null=True, blank=True)

    objects = LockableQuerySet["Paper"].as_manager()

    class Meta:
        verbose_name = _("paper")
        verbose_name_plural = _("papers")
        permissions = [("check_paper", _("Can accept and refuse a paper"))]
        constraints = [
            models.UniqueConstraint(
                name="regulation_one_paper_to_check",
                fields=["holder", "requirement"],
                condition=Q(state="SENT"),
            ),
            models.UniqueConstraint(
                name="regulation_one_paper_accepted",
                fields=["holder", "requirement"],
                condition=Q(state="ACCEPTED"),
            ),
            models.CheckConstraint(
                name="regulation_no_refusal_without_a_reason",
                condition=~Q(state__in=["REFUSED", "REVOKED"]) | ~Q(reason=""),
            ),
        ]
        indexes = [models.Index(name="regulation_papers_by_end", fields=["state", "expires_on"])]

    def __str__(self) -> str:
        return f"{self.requirement}, {self.holder}"

    @property
    def ending(self) -> str:
        return "pdf" if self.format == self.Format.PDF else "jpg"
