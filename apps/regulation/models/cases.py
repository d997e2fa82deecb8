import secrets
import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.parties.models import Provider, User
from apps.places.models import City
from apps.regulation.models.papers import Paper


class CaseKind(models.TextChoices):
    """What an officer works on, and so by when."""

    APPEAL = "appeal", _("appeal")
    COMPLAINT = "complaint", _("complaint")
    INSPECTION = "inspection", _("inspection")
    APPLICATION = "application", _("application")
    HEARING = "hearing", _("hearing")


class Deadline(models.Model):
    """How many working days a city gives itself for one kind of case."""

    city = models.ForeignKey(City, models.PROTECT, related_name="deadlines")
    kind = models.CharField(_("kind of case"), max_length=12, choices=CaseKind)
    working_days = models.PositiveSmallIntegerField(_("working days"))

    class Meta:
        verbose_name = _("deadline")
        verbose_name_plural = _("deadlines")
        constraints = [
            models.UniqueConstraint(name="regulation_one_deadline_each", fields=["city", "kind"]),
            models.CheckConstraint(
                name="regulation_deadline_of_one_day_to_a_year",
                condition=Q(working_days__range=(1, 250)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.working_days}"


class DayOff(models.Model):
    """A day on which the city's office is closed, beside Saturdays and Sundays."""

    city = models.ForeignKey(City, models.PROTECT, related_name="days_off")
    day = models.DateField(_("day"))
    name = models.CharField(_("name"), max_length=100)

    class Meta:
        verbose_name = _("day off")
        verbose_name_plural = _("days off")
        constraints = [
            models.UniqueConstraint(name="regulation_a_day_off_once", fields=["city", "day"])
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.name}"


class Outcome(models.TextChoices):
    GRANTED = "granted", _("granted")
    REFUSED = "refused", _("refused")
    FOUNDED = "founded", _("founded")
    UNFOUNDED = "unfounded", _("not founded")
    PASSED = "passed", _("passed")
    FAILED = "failed", _("failed")
    WITHDRAWN = "withdrawn", _("withdrawn")


# With what a case of each kind may end.
OUTCOMES: dict[str, tuple[str, ...]] = {
    CaseKind.APPEAL: (Outcome.GRANTED, Outcome.REFUSED, Outcome.WITHDRAWN),
    CaseKind.COMPLAINT: (Outcome.FOUNDED, Outcome.UNFOUNDED, Outcome.WITHDRAWN),
    CaseKind.INSPECTION: (Outcome.PASSED, Outcome.FAILED, Outcome.WITHDRAWN),
    CaseKind.APPLICATION: (Outcome.GRANTED, Outcome.REFUSED, Outcome.WITHDRAWN),
    CaseKind.HEARING: (Outcome.FOUNDED, Outcome.UNFOUNDED, Outcome.WITHDRAWN),
}


def _fitting_outcome() -> Q:
    fits = Q(outcome="")
    for kind, outcomes in OUTCOMES.items():
        fits |= Q(kind=kind, outcome__in=[str(one) for one in outcomes])
    return fits


class CaseFile(models.Model):
    """What an officer works on, from the day it came in until somebody said how it ends.

    `about` names what it is about, as text: a decision's or an order's reference, a permit's
    number.  Whoever opened it is one side; the provider that it concerns is the other, unless it
    was opened for that provider: then its team is the first side.  `not_by` are officers who took
    part in what is complained of, and so do not decide.
    """

    class About(models.TextChoices):
        DECISION = "decision", _("decision of the city")
        PERMIT = "permit", _("permit")
        PROVIDER = "provider", _("provider")
        LISTING = "listing", _("offer")
        ORDER = "order", _("order")
        CASE = "case", _("case")

    class State(models.TextChoices):
        OPEN = "OPEN", _("waits for an officer")
        TAKEN = "TAKEN", _("being worked on")
        ASKED = "ASKED", _("waits for a statement")
        CLOSED = "CLOSED", _("closed")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"), related_name="cases")
    number = models.CharField(_("number"), max_length=20)
    kind = models.CharField(_("kind"), max_length=12, choices=CaseKind)
    about_kind = models.CharField(_("about"), max_length=10, choices=About)
    about = models.CharField(_("reference"), max_length=100)
    title = models.CharField(_("what it is about"), max_length=160, blank=True)
    # What an appeal is about is the city's own words, which each reader has in their language.
    refusal = models.CharField(_("the refusal that it is about"), max_length=100, blank=True)
    vertical = models.SlugField(_("kind of service"), blank=True)
    provider = models.ForeignKey(
        Provider, models.PROTECT, null=True, verbose_name=_("provider"), related_name="cases"
    )
    opened_by = models.ForeignKey(
        User, models.PROTECT, verbose_name=_("opened by"), related_name="cases_opened"
    )
    is_for_provider = models.BooleanField(_("opened for the provider"), default=False)
    opened_at = models.DateTimeField(_("opened"))
    owner = models.ForeignKey(
        User, models.PROTECT, null=True, verbose_name=_("officer"), related_name="cases_owned"
    )
    not_by = ArrayField(models.BigIntegerField(), default=list)
    due_on = models.DateField(_("due"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, blank=True)
    words = models.TextField(_("what the city says"), blank=True)
    closed_by = models.ForeignKey(
        User, models.PROTECT, null=True, verbose_name=_("closed by"), related_name="+"
    )
    closed_at = models.DateTimeField(_("closed"), null=True)

    objects = LockableQuerySet["CaseFile"].as_manager()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        permissions = [("work_case", _("Can take, hand over, note and close cases"))]
        constraints = [
            models.UniqueConstraint(
                name="regulation_one_case_of_a_number", fields=["city", "number"]
            ),
            models.UniqueConstraint(
                name="regulation_one_appeal_of_a_decision_from_each_side",
                fields=["about", "is_for_provider"],
                condition=Q(kind="appeal", about_kind="decision"),
            ),
            models.UniqueConstraint(
                name="regulation_one_appeal_about_a_permit_at_a_time",
                fields=["about"],
                condition=Q(kind="appeal", about_kind="permit") & ~Q(state="CLOSED"),
            ),
            models.UniqueConstraint(
                name="regulation_one_appeal_of_a_case",
                fields=["about"],
                condition=Q(kind="appeal", about_kind="case"),
            ),
            models.UniqueConstraint(
                name="regulation_one_open_application",
                fields=["provider", "vertical"],
                condition=Q(kind="application") & ~Q(state="CLOSED"),
            ),
            models.UniqueConstraint(
                name="regulation_one_open_hearing",
                fields=["about"],
                condition=Q(kind="hearing") & ~Q(state="CLOSED"),
            ),
            models.CheckConstraint(
                name="regulation_a_case_is_about_something",
                condition=~Q(title="") | ~Q(refusal=""),
            ),
            models.CheckConstraint(
                name="regulation_no_close_without_words",
                condition=Q(
                    state="CLOSED",
                    closed_by__isnull=False,
                    closed_at__isnull=False,
                )
                & ~Q(outcome="")
                & ~Q(words="")
                | ~Q(state="CLOSED") & Q(outcome="", closed_at__isnull=True),
            ),
            models.CheckConstraint(
                name="regulation_an_outcome_fits_its_kind", condition=_fitting_outcome()
            ),
            models.CheckConstraint(
                name="regulation_nobody_works_on_a_case_unowned",
                condition=Q(state__in=["OPEN", "CLOSED"]) | Q(owner__isnull=False),
            ),
            models.CheckConstraint(
                name="regulation_no_judge_of_ones_own",
                condition=Q(closed_by__isnull=True)
                | ~Q(not_by__contains=[F("closed_by")])
                & ~Q(closed_by=F("opened_by"))
                & ~Q(outcome="withdrawn")
                | Q(outcome="withdrawn", closed_by=F("opened_by"))
                | Q(kind="inspection"),
            ),
        ]
        indexes = [
            models.Index(
                name="regulation_cases_to_do", fields=["due_on"], condition=~Q(state="CLOSED")
            )
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.title}" if self.title else self.number

    @property
    def is_open(self) -> bool:
        return self.state != self.State.CLOSED

    @property
    def outcomes(self) -> tuple[str, ...]:
        return OUTCOMES[self.kind]


def place_of_file(event: "CaseEvent", name: str) -> str:
    """A name that nobody guesses and that says nothing about whose case it is."""
    return f"cases/{secrets.token_urlsafe(24)}.{event.ending}"


class CaseEvent(models.Model):
    """One thing that was done or said in a case, and for whose eyes.  Written once."""

    class What(models.TextChoices):
        OPENED = "opened", _("Opened")
        TAKEN = "taken", _("Taken by an officer")
        HANDED_OVER = "handed_over", _("Handed over")
        NOTED = "noted", _("Note")
        ASKED = "asked", _("A statement is asked for")
        STATED = "stated", _("Statement")
        CLOSED = "closed", _("Closed")
        PAID = "paid", _("The fee is paid")
        RETURNED = "returned", _("The fee is given back")

    class For(models.TextChoices):
        """Whose eyes it is for, beside the office's."""

        OFFICE = "office", _("the office only")
        OPENER = "opener", _("whoever opened it")
        PROVIDER = "provider", _("the provider")
        BOTH = "both", _("both sides")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    case = models.ForeignKey(CaseFile, models.PROTECT, related_name="events")
    what = models.CharField(_("what"), max_length=12, choices=What)
    words = models.TextField(_("words"), blank=True)
    seen_by = models.CharField(_("for"), max_length=10, choices=For)
    by = models.CharField(_("by"), max_length=60)
    person = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(_("when"))
    scan = models.FileField(_("file"), upload_to=place_of_file, max_length=100, blank=True)
    format = models.CharField(_("kind of file"), max_length=20, choices=Paper.Format, blank=True)
    digest = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("what was done in a case")
        verbose_name_plural = _("what was done in cases")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.get_what_display()}: {self.words}" if self.words else self.get_what_display()

    @property
    def ending(self) -> str:
        return "pdf" if self.format == Paper.Format.PDF else "jpg"
