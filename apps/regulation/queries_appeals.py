"""Appeals, read: who may contest what the city said, until when, and before whom."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.kernel.actors import Actor, Kind
from apps.parties.models import User, Worker
from apps.parties.queries import providers_of
from apps.regulation.models import (
    Application,
    CaseEvent,
    CaseFile,
    CaseKind,
    Decision,
    Hearing,
    Outcome,
    Permit,
    Policy,
    PolicyVersion,
)
from apps.regulation.queries import POLICY, explain
from apps.regulation.queries_cases import seat_of

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
    """The revoked or suspended permit that the city refused by."""
    if decision.refusal not in ("permit_revoked", "permit_suspended"):
        return None
    moment = datetime.fromisoformat(decision.facts["moment"])
    theirs = Permit.objects.filter(provider=decision.provider_id, vertical=decision.vertical)
    found = theirs.filter(valid__contains=moment)
    if decision.refusal == "permit_suspended":
        return found.filter(suspended_at__isnull=False, revoked_at=None).first()
    return found.filter(revoked_at__isnull=False).order_by("-revoked_at").first()


def contested_permit(case: CaseFile) -> Permit | None:
    """The permit that an appeal is about, not by way of a refusal but itself."""
    if (case.kind, case.about_kind) != (CaseKind.APPEAL, CaseFile.About.PERMIT):
        return None
    return Permit.objects.filter(number=case.about).first()


def taken_from(user: User, permit_id: int) -> Permit | None:
    """A permit of a provider of theirs that is revoked or suspended."""
    mine = providers_of(user, "operate_provider")
    gone = Q(revoked_at__isnull=False) | Q(suspended_at__isnull=False)
    found = Permit.objects.filter(gone, pk=permit_id, provider__in=mine)
    return found.select_related("provider").first()


def behind(permit: Permit) -> list[int]:
    """The officer who revoked or suspended a permit."""
    return _officer(permit.revoked_by if permit.revoked_at else permit.suspended_by)


def took_part(decision: Decision) -> list[int]:
    """The officers behind a refusal: they do not decide an appeal of it."""
    if version := version_of(decision):
        officers = (version.drafted_by_id, version.proposed_by_id, version.decided_by_id)
        return [one for one in officers if one]
    permit = permit_of(decision)
    return behind(permit) if permit else []


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


def refused_case(user: User, ref: UUID) -> CaseFile | None:
    """An application of theirs that was refused."""
    seat = seat_of(user, ref)
    if seat is None or seat.side != CaseEvent.For.OPENER:
        return None
    is_refused = seat.case.outcome == Outcome.REFUSED and seat.case.kind == CaseKind.APPLICATION
    return seat.case if is_refused else None


def appeal_of_case(case: CaseFile) -> CaseFile | None:
    """The appeal that was brought against how a case ended."""
    appeals = CaseFile.objects.filter(kind=CaseKind.APPEAL, about_kind=CaseFile.About.CASE)
    return appeals.filter(about=str(case.ref)).first()


def contested_application(case: CaseFile) -> Application | None:
    """The application that an appeal is about."""
    if (case.kind, case.about_kind) != (CaseKind.APPEAL, CaseFile.About.CASE):
        return None
    found = Application.objects.select_related("case", "terms__city")
    return found.filter(case__ref=case.about).first()


def hearing_of(case: CaseFile) -> Hearing | None:
    """What the city means to do with a permit, in the case about it."""
    return Hearing.objects.filter(pk=case.pk).first()
