import uuid
from datetime import UTC, datetime
from functools import cached_property
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.parties.models import User
from apps.places.models import City
from apps.regulation.models.making import InTheMaking, four_eyes
from apps.regulation.rules import KINDS, Rule, Scope, Terms


class Policy(models.Model):
    """A rule that the city gave itself, under a number by which people quote it for good."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    city = models.ForeignKey(City, models.PROTECT, related_name="policies")
    number = models.CharField(_("number"), max_length=20)

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        constraints = [
            models.UniqueConstraint(
                name="regulation_one_policy_of_a_number", fields=["city", "number"]
            )
        ]

    def __str__(self) -> str:
        return self.number


class PolicyVersionQuerySet(LockableQuerySet["PolicyVersion"]):
    def in_force(self, at: datetime) -> Self:
        return self.filter(state=PolicyVersion.State.APPROVED, valid__contains=at)

    def to_approve(self) -> Self:
        return self.filter(state=PolicyVersion.State.PROPOSED)


class PolicyVersion(InTheMaking):
    """What a policy says from one moment to another.

    A draft can be changed; once proposed it is frozen, and somebody else approves or rejects it.
    """

    class Kind(models.TextChoices):
        CLOSED = "closed", _("closed zone or street")
        PRICE = "price", _("bounds of prices")
        COMMISSION = "commission", _("most commission")
        PAY = "pay", _("least pay")
        FEE = "fee", _("fee")
        SUBSIDY = "subsidy", _("subsidy")
        CAP = "cap", _("cap")
        LIMIT = "limit", _("limit")
        HOURS = "hours", _("opening hours")
        PERMIT = "permit", _("permit needed")
        SPEED = "speed", _("speed")
        CRISIS = "crisis", _("emergency")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="versions")
    version = models.PositiveSmallIntegerField(_("version"))
    title = models.CharField(_("what it says, in a sentence"), max_length=160)
    why = models.TextField(_("why"), max_length=2000)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    scope = models.JSONField(_("where, when and whom it concerns"), default=dict)
    terms = models.JSONField(_("terms"), default=dict)
    valid = DateTimeRangeField(_("in force from, up to"), null=True)
    drafted_by = models.ForeignKey(
        User, models.PROTECT, verbose_name=_("drafted by"), related_name="+"
    )
    drafted_at = models.DateTimeField(_("drafted"))
    stopped_by = models.ForeignKey(
        User, models.PROTECT, null=True, verbose_name=_("stopped by"), related_name="+"
    )
    stopped_at = models.DateTimeField(_("stopped"), null=True)
    reason = models.TextField(_("why it was rejected or stopped"), blank=True)

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version of a policy")
        verbose_name_plural = _("versions of policies")
        permissions = [
            ("propose_policy", _("Can draft and propose a policy")),
            ("approve_policy", _("Can approve and reject somebody else's policy")),
            ("stop_policy", _("Can stop a policy at once")),
        ]
        constraints = [
            models.UniqueConstraint(
                name="regulation_one_version_of_a_number", fields=["policy", "version"]
            ),
            models.UniqueConstraint(
                name="regulation_one_version_in_the_making",
                fields=["policy"],
                condition=Q(state__in=["DRAFT", "PROPOSED"]),
            ),
            ExclusionConstraint(
                name="regulation_one_version_in_force",
                expressions=[
                    ("policy", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                condition=Q(state="APPROVED"),
            ),
            models.CheckConstraint(
                name="regulation_approved_by_somebody_from_a_moment_on",
                condition=~Q(state="APPROVED")
                | Q(decided_by__isnull=False, decided_at__isnull=False, valid__isnull=False),
            ),
            four_eyes("regulation_four_eyes", "drafted_by", "proposed_by"),
            models.CheckConstraint(
                name="regulation_an_emergency_ends",
                condition=~Q(kind="crisis", state="APPROVED") | Q(valid__upper_inf=False),
            ),
            models.CheckConstraint(
                name="regulation_no_end_without_a_reason",
                condition=Q(stopped_at__isnull=True) & ~Q(state="REJECTED") | ~Q(reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy.number}/{self.version}"

    @property
    def hands(self) -> tuple[int | None, ...]:
        return (self.drafted_by_id, self.proposed_by_id)

    @cached_property
    def rule(self) -> Rule:
        """As the rules are asked.  A draft holds from always: so that it can be tried."""
        always = datetime.min.replace(tzinfo=UTC)
        return Rule(
            pk=self.pk,
            number=self.policy.number,
            version=self.version,
            title=self.title,
            scope=Scope.thawed(self.scope),
            terms=self.thawed_terms(),
            begins=self.valid.lower if self.valid else always,
            ends=self.valid.upper if self.valid else None,
        )

    def thawed_terms(self) -> Terms:
        return KINDS[self.kind].thawed(self.terms)


class Edition(models.Model):
    """A mark that changes with every change of what is in force: one row for the installation."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    stamp = models.UUIDField(default=uuid.uuid4)

    class Meta:
        verbose_name = _("edition of the policies")
        verbose_name_plural = _("edition of the policies")
        constraints = [models.CheckConstraint(name="regulation_one_edition", condition=Q(id=1))]

    def __str__(self) -> str:
        return str(self.stamp)
