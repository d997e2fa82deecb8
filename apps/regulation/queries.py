"""Regulation, read: which permit holds, and what a refusal means in words."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Self
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from psycopg.types.range import Range

from apps.parties.models import Joining, User, Worker
from apps.parties.queries import providers_of
from apps.places.models import City
from apps.regulation.models import Decision, Paper, Permit, PolicyVersion, Requirement
from apps.regulation.rules import Act, Case, Rule

# Each refusal has the number of the rule behind it, by which people may ask about it.
RULES = {
    "no_permit": "1.1",
    "permit_not_begun": "1.2",
    "permit_expired": "1.3",
    "permit_revoked": "1.4",
    "permit_suspended": "1.5",
}
PAPER_RULES = {
    "paper_missing": "3.1",
    "paper_unchecked": "3.2",
    "paper_refused": "3.3",
    "paper_ran_out": "3.4",
}
# From so many days before the end on, a paper counts as running out.
SOON = 30
# A refusal by a policy names the version whose words explain it.
POLICY = "policy_"

# By hand, because every decision asks it, and Django's way of writing it is felt there.  A permit
# that is suspended holds again from the end of it, if it has one.
HELD = """
SELECT provider_id, vertical,
    CASE WHEN suspended_at IS NULL THEN valid ELSE valid * tstzrange(suspended_until, NULL) END
FROM regulation_permit
WHERE provider_id = ANY(%s) AND revoked_at IS NULL
    AND (suspended_at IS NULL OR suspended_until IS NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class Permits:
    """When the permits of some providers hold, read once for all that is asked of them."""

    held: Mapping[tuple[int, str], Sequence[Range[datetime]]]

    @classmethod
    def of(cls, cases: Sequence[Case]) -> Self:
        held: dict[tuple[int, str], list[Range[datetime]]] = defaultdict(list)
        with connection.cursor() as cursor:
            cursor.execute(HELD, [list({case.provider_id for case in cases})])
            for provider_id, vertical, valid in cursor.fetchall():
                held[provider_id, vertical].append(valid)
        return cls(held)

    def cover(self, case: Case) -> bool:
        """Say whether one of them holds when the case would take place."""
        mine = self.held.get((case.provider_id, case.vertical), ())
        return any(case.moment in valid for valid in mine)


def decisions_on_shifts(worker_id: int) -> QuerySet[Decision]:
    """By which a worker went on line, and that still count something."""
    worker = Worker.objects.filter(pk=worker_id)
    granted = Decision.objects.filter(
        act=Act.GO_ON_LINE, refusal="", provider__in=worker.values("provider")
    )
    return granted.filter(facts__who__worker=worker_id, given_back=None).exclude(taken=[])


def valid_permit(provider_id: int, vertical: str, at: datetime) -> Permit | None:
    """Return the permit under which a provider may offer this at that moment."""
    permits = Permit.objects.filter(provider=provider_id, vertical=vertical, revoked_at=None)
    return permits.filter(valid__contains=at).exclude(suspended(at)).first()


def suspended(at: datetime) -> Q:
    """Permits that the city has taken out of force for a while."""
    lasting = Q(suspended_until=None) | Q(suspended_until__gt=at)
    return Q(suspended_at__isnull=False) & lasting


def refusal_of_permit(provider_id: int, vertical: str, at: datetime) -> str:
    """Return why the provider may not offer this at that moment; empty if they may."""
    permits = Permit.objects.filter(provider=provider_id, vertical=vertical)
    found = list(permits)
    if not found:
        return "no_permit"
    now = [permit for permit in found if at in permit.valid]
    valid = [permit for permit in now if permit.revoked_at is None]
    if any(not permit.is_suspended(at) for permit in valid):
        return ""
    if valid:
        return "permit_suspended"
    if now:
        return "permit_revoked"
    if any(permit.valid.lower and permit.valid.lower > at for permit in found):
        return "permit_not_begun"
    return "permit_expired"


def policy_refusal(rule: Rule) -> str:
    """The code of a refusal because a policy says no."""
    return f"{POLICY}{rule.pk}"


def rule_of(refusal: str) -> str:
    """The number of the rule behind a refusal; empty if nothing was refused."""
    return (RULES | PAPER_RULES).get(refusal, "")


def explain(refusal: str) -> str:
    """Say in a sentence why the city refused, with the rule's number; empty if it did not."""
    if not refusal:
        return ""
    sentences = {
        "no_permit": _("The provider has no permit for this service."),
        "permit_not_begun": _("The provider's permit is not valid yet."),
        "permit_expired": _("The provider's permit has expired."),
        "permit_revoked": _("The city has revoked the provider's permit."),
        "permit_suspended": _("The city has suspended the provider's permit."),
        "paper_missing": _("A paper that the city asks for is missing. Send it under your papers."),
        "paper_unchecked": _("A paper of yours is still being checked."),
        "paper_refused": _("A paper of yours was not accepted. Your papers say why; send another."),
        "paper_ran_out": _("A paper of yours has run out. Send the new one under your papers."),
    }
    sentence = sentences.get(refusal, _("The city does not allow this."))
    rule = rule_of(refusal)
    if refusal.startswith(POLICY) and (said := _words(refusal)):
        sentence, rule = said
    return (
        _("%(sentence)s (rule %(rule)s)") % {"sentence": sentence, "rule": rule}
        if rule
        else sentence
    )


def _words(refusal: str) -> tuple[str, str] | None:
    """What the policy behind a refusal says, and its number with its version."""
    number = refusal.removeprefix(POLICY)
    versions = PolicyVersion.objects.select_related("policy")
    version = versions.filter(pk=number).first() if number.isdecimal() else None
    return (version.title, str(version)) if version else None


# --- papers -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Demand:
    """One paper that the city asks for, and how far somebody is with it."""

    requirement: Requirement
    latest: Paper | None
    accepted: Paper | None
    days: int | None

    @property
    def state(self) -> str:
        """missing, sent, refused, accepted, ends_soon or ran_out."""
        if self.accepted and self.days is not None and self.days >= 0:
            return "ends_soon" if self.days <= SOON else "accepted"
        if self.latest is None:
            return "missing"
        match self.latest.state:
            case Paper.State.SENT:
                return "sent"
            case Paper.State.REFUSED | Paper.State.REVOKED:
                return "refused"
        return "ran_out"

    @property
    def is_in_force(self) -> bool:
        return self.state in ("accepted", "ends_soon")

    @property
    def is_renewing(self) -> bool:
        """Whether a newer paper is being checked while the old one holds."""
        return self.latest is not None and self.latest.state == Paper.State.SENT

    @property
    def until(self) -> datetime | None:
        return ends_at(self.accepted) if self.accepted else None


def ends_at(paper: Paper) -> datetime:
    """The moment at which a paper's last day is over where it was asked for."""
    day, zone = paper.expires_on + timedelta(days=1), paper.requirement.city.zone_info
    return datetime.combine(day, time(), tzinfo=zone)


def demands(user_id: int, city: City, vertical: str, at: datetime) -> list[Demand]:
    """What the city asks of a person for a kind of service, paper by paper."""
    asked = Requirement.objects.filter(
        city=city, vertical=vertical, dropped_at=None, asked_of=Requirement.Of.WORKER
    )
    asked = asked.order_by("position", "pk")
    sent = Paper.objects.filter(holder=user_id, requirement__in=asked)
    papers = list(sent.select_related("requirement__city").order_by("pk"))
    return [_demand(one, papers, city.now(at)) for one in asked]


def _demand(asked: Requirement, papers: Iterable[Paper], now: datetime) -> Demand:
    mine = [paper for paper in papers if paper.requirement_id == asked.pk]
    accepted = next((paper for paper in mine if paper.state == Paper.State.ACCEPTED), None)
    days = (accepted.expires_on - now.date()).days if accepted else None
    return Demand(asked, mine[-1] if mine else None, accepted, days)


def refusal_of_papers(asked: Iterable[Demand]) -> str:
    """Return why these papers do not let anybody work; empty if they do."""
    codes = {
        "missing": "paper_missing",
        "sent": "paper_unchecked",
        "refused": "paper_refused",
        "ran_out": "paper_ran_out",
    }
    return next((codes[one.state] for one in asked if not one.is_in_force), "")


def papers_until(asked: Iterable[Demand]) -> datetime | None:
    """When the first of these papers runs out; None when the city asks for none."""
    return min((one.until for one in asked if one.until), default=None)


def paper_open_to(user: User, ref: UUID) -> Paper | None:
    """Return a paper if this person may look at it: whose it is, who runs the fleet that the
    holder drives for, and officers with leave to see papers."""
    paper = Paper.objects.filter(ref=ref).select_related("holder").first()
    if paper is None or paper.holder_id == user.pk:
        return paper
    if user.is_staff and user.has_perm("regulation.view_paper"):
        return paper
    fleets = providers_of(user, "operate_provider")
    works = Worker.objects.active().filter(user=paper.holder_id, provider__in=fleets)
    asks = Joining.objects.filter(user=paper.holder_id, provider__in=fleets, state="ASKED")
    return paper if works.exists() or asks.exists() else None


def to_check() -> Q:
    return Q(state=Paper.State.SENT)


def running_out(at: datetime) -> Q:
    """Accepted papers that end in the next 30 days and that no newer one replaces yet."""
    last = (at + timedelta(days=SOON)).date()
    return Q(state=Paper.State.ACCEPTED, expires_on__gte=at.date(), expires_on__lte=last)
