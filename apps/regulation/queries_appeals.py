"""Appeals, read: who may contest what the city said, until when, and before whom."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from apps.kernel.actors import Actor, Kind
from apps.parties.models import User, Worker
from apps.parties.queries import providers_of
from apps.regulation.models import CaseFile, CaseKind, Decision, Permit, Policy, PolicyVersion
from apps.regulation.queries import POLICY, explain

APPEAL_WITHIN = timedelta(days=30)
PEOPLE = (Kind.CONSUMER, Kind.WORKER, Kind.PROVIDER)


@dataclass(frozen=True, slots=True)
class Contest:
    """A refusal as one of those whom it concerns may contest it."""

    decision: Decision
    is_for_provider: bool

    @property
    def until(self) -> datetime:
        return self.decision.decided_at + APPEAL_WITHIN

    @property
    def says(self) -> str:
        return explain(self.decision.refusal)

    @property
    def why(self) -> str:
        """What the city gave as the reason for the policy that said no."""
        version = version_of(self.decision)
        return version.why if version else ""

    @property
    def case(self) -> CaseFile | None:
        """The appeal that this side has brought already."""
        return CaseFile.objects.filter(
            kind=CaseKind.APPEAL,
            about_kind=CaseFile.About.DECISION,
            about=str(self.decision.ref),
            is_for_provider=self.is_for_provider,
        ).first()


def _parts_of(user: User) -> list[str]:
    return [str(user.acting(kind)) for kind in PEOPLE]


def contest_of(user: User, ref: UUID) -> Contest | None:
    """A refusal that was said to this person, or that concerns a provider of theirs."""
    refused = Decision.objects.exclude(refusal="").select_related("provider", "city")
    decision = refused.filter(ref=ref).first()
    if decision is None:
        return None
    if decision.by in _parts_of(user):
        return Contest(decision, Actor.parse(decision.by).kind == Kind.PROVIDER)
    mine = providers_of(user, "operate_provider").filter(pk=decision.provider_id)
    return Contest(decision, True) if mine.exists() else None


def refusals_of(user: User, at: datetime) -> QuerySet[Decision]:
    """What the city refused this person, and what it can still be asked to look at again."""
    lately = Decision.objects.filter(decided_at__gt=at - APPEAL_WITHIN).exclude(refusal="")
    return lately.filter(by__in=_parts_of(user)).order_by("-decided_at", "-pk")


def version_of(decision: Decision) -> PolicyVersion | None:
    """The policy that said no; None where a permit or a paper was lacking."""
    number = decision.refusal.removeprefix(POLICY)
    if not decision.is_policy or not number.isdecimal():
        return None
    return PolicyVersion.objects.select_related("policy").filter(pk=number).first()


def permit_of(decision: Decision) -> Permit | None:
    """The revoked permit that the city refused by."""
    if decision.refusal != "permit_revoked":
        return None
    moment = datetime.fromisoformat(decision.facts["moment"])
    theirs = Permit.objects.filter(provider=decision.provider_id, vertical=decision.vertical)
    revoked = theirs.filter(revoked_at__isnull=False, valid__contains=moment)
    return revoked.order_by("-revoked_at").first()


def took_part(decision: Decision) -> list[int]:
    """The officers behind a refusal: they do not decide an appeal of it."""
    if version := version_of(decision):
        behind = (version.drafted_by_id, version.proposed_by_id, version.decided_by_id)
        return [one for one in behind if one]
    permit = permit_of(decision)
    return _officer(permit.revoked_by) if permit else []


def _officer(by: str) -> list[int]:
    kind, _, id = by.partition(":")
    return [int(id)] if kind == Kind.OFFICER and id.isdecimal() else []


def contested(case: CaseFile) -> Decision | None:
    """The decision that an appeal is about."""
    if (case.kind, case.about_kind) != (CaseKind.APPEAL, CaseFile.About.DECISION):
        return None
    return Decision.objects.select_related("provider").filter(ref=case.about).first()


def who_may_be_exempt(decision: Decision) -> list[tuple[str, str]]:
    """Whom an exemption from the policy that said no can name: (kind:number, name)."""
    if policy_of(decision) is None:
        return []
    who = decision.facts.get("who", {})
    found = [(f"provider:{decision.provider_id}", str(decision.provider))]
    if worker := Worker.objects.select_related("user").filter(pk=who.get("worker")).first():
        found.append((f"worker:{worker.pk}", str(worker.user)))
    if listing := who.get("listing"):
        found.append((f"listing:{listing}", str(listing)))
    return found


def policy_of(decision: Decision) -> Policy | None:
    version = version_of(decision)
    return version.policy if version else None
