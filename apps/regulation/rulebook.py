"""The city's rules as people read them: each policy with its versions, in words, and on the map."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from apps.kernel import clock
from apps.places.models import City
from apps.regulation import words
from apps.regulation.models import Policy, PolicyVersion
from apps.regulation.rules import Crisis

State = PolicyVersion.State


class Standing(TextChoices):
    """How a version stands at a moment."""

    PROPOSED = "proposed", _("waits for approval")
    DRAFT = "draft", _("draft")
    IN_FORCE = "in_force", _("in force")
    PLANNED = "planned", _("planned")
    ENDED = "ended", _("ended")
    STOPPED = "stopped", _("stopped")
    REJECTED = "rejected", _("rejected")


# What everybody may read: the city is bound by nothing else.
PUBLIC = (Standing.IN_FORCE, Standing.PLANNED, Standing.ENDED, Standing.STOPPED)
HOLDS = (Standing.IN_FORCE, Standing.PLANNED)


@dataclass(frozen=True, slots=True)
class Said:
    """One version, how it stands, and what it says in the reader's language."""

    version: PolicyVersion
    standing: Standing
    sentences: Sequence[str]

    @property
    def begins(self) -> datetime | None:
        return self.version.valid.lower if self.version.valid else None

    @property
    def ends(self) -> datetime | None:
        return self.version.valid.upper if self.version.valid else None

    @property
    def zones(self) -> frozenset[str]:
        """The zones of which it speaks, by slug."""
        return zones_of(self.version)


@dataclass(frozen=True, slots=True)
class Entry:
    """A policy and what it said, says and is to say; the newest version first."""

    policy: Policy
    versions: Sequence[Said]

    def first(self, *standings: Standing) -> Said | None:
        """The newest version that stands so."""
        return next((one for one in self.versions if one.standing in standings), None)

    @property
    def shown(self) -> Said:
        """The version by which the policy is known: what holds, else what is planned or made."""
        order = (
            (Standing.IN_FORCE,),
            (Standing.PLANNED,),
            (Standing.PROPOSED, Standing.DRAFT),
        )
        found = (self.first(*standings) for standings in order)
        return next((one for one in found if one), self.versions[0])

    @property
    def making(self) -> Said | None:
        return self.first(Standing.PROPOSED, Standing.DRAFT)

    @property
    def zones(self) -> frozenset[str]:
        return self.shown.zones


def standing_of(version: PolicyVersion, at: datetime) -> Standing:
    """Say how a version stands at a moment."""
    match version.state:
        case State.DRAFT:
            return Standing.DRAFT
        case State.PROPOSED:
            return Standing.PROPOSED
        case State.REJECTED:
            return Standing.REJECTED
    begins = version.valid.lower if version.valid else None
    ends = version.valid.upper if version.valid else None
    if begins is None or (version.stopped_at and at >= version.stopped_at):
        return Standing.STOPPED
    if begins > at:
        return Standing.PLANNED
    return Standing.ENDED if ends is not None and ends <= at else Standing.IN_FORCE


def with_versions(policies: QuerySet[Policy]) -> QuerySet[Policy]:
    """Policies with all that is needed to say how they stand."""
    versions = PolicyVersion.objects.select_related(
        "policy", "drafted_by", "proposed_by", "decided_by", "stopped_by"
    ).order_by("-version")
    return policies.select_related("city").prefetch_related(Prefetch("versions", versions))


def entries(
    policies: QuerySet[Policy], at: datetime, only: Iterable[Standing] = tuple(Standing)
) -> list[Entry]:
    """Read policies of one city with their versions in words; those without any are left out.

    The shapes of no zone are read: see `places.queries.shapes`.
    """
    read = list(with_versions(policies))
    if not read:
        return []
    scopes = [version.rule.scope for policy in read for version in policy.versions.all()]
    names = words.Names.of(read[0].city, scopes)
    found = (entry_of(policy, at, names, only) for policy in read)
    return [entry for entry in found if entry.versions]


def entry_of(
    policy: Policy,
    at: datetime,
    names: words.Names | None = None,
    only: Iterable[Standing] = tuple(Standing),
) -> Entry:
    """One policy of those that were read by `with_versions`; without names there are no words."""
    wanted = frozenset(only)
    said = [
        Said(version, standing, say(version, names) if names else ())
        for version in policy.versions.all()
        if (standing := standing_of(version, at)) in wanted
    ]
    return Entry(policy, said)


def say(version: PolicyVersion, names: words.Names) -> list[str]:
    """What a version says, sentence by sentence."""
    return words.sentences(version.rule.scope, version.rule.terms, names)


def sentences_of(version: PolicyVersion) -> list[str]:
    """The same for one version alone."""
    return say(version, words.Names.of(version.policy.city, [version.rule.scope]))


def zones_of(version: PolicyVersion) -> frozenset[str]:
    """The zones of which a version speaks, shelters among them, by slug."""
    rule = version.rule
    shelters = rule.terms.shelters if isinstance(rule.terms, Crisis) else frozenset()
    return rule.scope.zones | shelters


def holding(city: City, at: datetime) -> list[Entry]:
    """What is in force in a city and what is planned, by number as people count."""
    lasting = Q(versions__valid__upper_inf=True) | Q(versions__valid__endswith__gt=at)
    policies = Policy.objects.filter(lasting, city=city, versions__state=State.APPROVED)
    return entries(policies.order_by("pk").distinct(), at, HOLDS)


def standing_so(standing: str, at: datetime) -> Q:
    """Which policies have a version that stands so, as a condition on policies."""
    versions = PolicyVersion.objects.filter(policy=OuterRef("pk"))
    approved = versions.filter(state=State.APPROVED)
    found: dict[str, QuerySet[PolicyVersion]] = {
        Standing.PROPOSED: versions.filter(state=State.PROPOSED),
        Standing.DRAFT: versions.filter(state=State.DRAFT),
        Standing.REJECTED: versions.filter(state=State.REJECTED),
        Standing.IN_FORCE: approved.filter(valid__contains=at),
        Standing.PLANNED: approved.filter(valid__startswith__gt=at),
        Standing.ENDED: approved.filter(stopped_at=None, valid__endswith__lte=at),
        Standing.STOPPED: approved.filter(stopped_at__lte=at),
    }
    return Q(Exists(found[standing]))


def needs(city_id: int, slug: str) -> str:
    """Name the version that needs a zone as it is: in force, planned, or waiting for approval."""
    lasting = Q(state=State.PROPOSED) | Q(
        Q(valid__upper_inf=True) | Q(valid__endswith__gt=clock.now()), state=State.APPROVED
    )
    found = PolicyVersion.objects.filter(lasting, policy__city=city_id).select_related("policy")
    speaking = (one for one in found.order_by("policy", "version") if slug in zones_of(one))
    return str(next(speaking, ""))
