import uuid
from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.parties.models import Provider, User
from apps.regulation.models import CaseFile

LONGEST = timedelta(minutes=60)
MINUTES = (15, 30, 60)


class Inspection(models.Model):
    """For a while an officer looks at what the city knows of one person or one provider.

    Written once: the database lets it end, and nothing else of it change.  It ends by itself at
    `until`, whether or not anybody has written that down yet; what was seen are looks in the
    audit, each of which names its inspection.
    """

    class Purpose(models.TextChoices):
        COMPLAINT = "COMPLAINT", _("a complaint")
        SAFETY = "SAFETY", _("somebody's safety")
        RULES = "RULES", _("whether the city's rules are kept")
        MONEY = "MONEY", _("taxes, fees and payments")
        ASKED = "ASKED", _("they asked for it themselves")

    class Ending(models.TextChoices):
        BY_HAND = "BY_HAND", _("the officer ended it")
        TIME = "TIME", _("its time was over")
        ROLE = "ROLE", _("the officer may not inspect them any more")
        SIGNED_OUT = "SIGNED_OUT", _("the officer signed out")

    ref = models.UUIDField(_("reference"), default=uuid.uuid4, unique=True, editable=False)
    officer = models.ForeignKey(
        User, models.PROTECT, verbose_name=_("officer"), related_name="inspections_made"
    )
    person = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("person"),
        related_name="inspections",
    )
    provider = models.ForeignKey(
        Provider,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("provider"),
        related_name="inspections",
    )
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose)
    words = models.CharField(_("purpose in words"), max_length=120)
    case = models.ForeignKey(
        CaseFile, models.PROTECT, null=True, blank=True, verbose_name=_("case"), related_name="+"
    )
    started_at = models.DateTimeField(_("started"))
    until = models.DateTimeField(_("lasts until"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    ending = models.CharField(_("why it ended"), max_length=10, choices=Ending, blank=True)

    objects = LockableQuerySet["Inspection"].as_manager()

    class Meta:
        verbose_name = _("inspection")
        verbose_name_plural = _("inspections")
        permissions = [("inspect_person", _("Can inspect any person or provider for a while"))]
        constraints = [
            models.UniqueConstraint(
                name="inspection_one_at_a_time", fields=["officer"], condition=Q(ended_at=None)
            ),
            models.CheckConstraint(
                name="inspection_of_one_person_or_provider",
                condition=Q(person__isnull=True, provider__isnull=False)
                | Q(person__isnull=False, provider__isnull=True),
            ),
            models.CheckConstraint(
                name="inspection_nobody_inspects_themself",
                condition=Q(person=None) | ~Q(person=F("officer")),
            ),
            models.CheckConstraint(
                name="inspection_lasts_an_hour_at_most",
                condition=Q(until__gt=F("started_at"), until__lte=F("started_at") + LONGEST),
            ),
            models.CheckConstraint(name="inspection_says_why", condition=~Q(words="")),
            models.CheckConstraint(
                name="inspection_ends_within_its_time_and_says_how",
                condition=Q(ended_at=None, ending="")
                | Q(ended_at__gte=F("started_at"), ended_at__lte=F("until")) & ~Q(ending=""),
            ),
        ]
        indexes = [
            models.Index(name="inspection_open_until", fields=["until"], condition=Q(ended_at=None))
        ]

    def __str__(self) -> str:
        return f"{self.of}, {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def of(self) -> str:
        """Whom it is of, by name."""
        return str(self.person or self.provider)

    @property
    def why(self) -> str:
        """The purpose as the person reads it: in their language, as far as the city wrote it."""
        language = self.person.language if self.person else translation.get_language() or "en"
        with translation.override(language):
            kind = str(self.Purpose(self.purpose).label)
        case = f" ({self.case.number})" if self.case else ""
        return f"{kind[:1].upper()}{kind[1:]}{case}: {self.words}"[:200]

    def lasts_at(self, at: datetime) -> bool:
        """Whether it is under way at that moment, by the clock and not by what is written down."""
        return self.ended_at is None and at < self.until
