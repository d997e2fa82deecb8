"""Appeals: whoever the city refused asks it to look again, and another officer does."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from django.db import transaction

from apps.kernel.actors import Actor
from apps.parties.models import User
from apps.regulation import queries_appeals as read
from apps.regulation.models import CaseFile, CaseKind, Outcome, Permit
from apps.regulation.operations.applications import issue
from apps.regulation.operations.cases import NoSuchCase, UnfitOutcome, conclude, open_case
from apps.regulation.operations.exemptions import give_exemption
from apps.regulation.operations.permits import NoSuchPermit, lift_suspension, restore_permit
from apps.regulation.scans import Scan

KEYS = UUID("0f7a3c52-6b1e-4a0e-8f0d-7a6a4d1d9c11")


class NoSuchDecision(Exception):
    """The city refused them no such thing."""


class TooLateToAppeal(Exception):
    """The time in which a refusal can be appealed is over."""


@dataclass(frozen=True, slots=True)
class Exempt:
    """Whom a granted appeal frees from the policy that said no, and until when."""

    kind: str
    subject: int
    until: datetime


def appeal_decision(
    *, ref: UUID, person_id: int, words: str, scan: Scan | None = None, by: Actor, at: datetime
) -> CaseFile:
    """Contest a refusal that was said to a person, or that concerns a provider of theirs.

    One appeal from each side: whoever appeals again is shown the same case.  Raises
    `NoSuchDecision`, `TooLateToAppeal` after 30 days, `AlreadyOpened` when somebody of the same
    team was faster, `TooMany`, and `ValueError` without words.
    """
    contest = read.contest_of(User.objects.get(pk=person_id), ref)
    if contest is None:
        raise NoSuchDecision(str(ref))
    decision, known = contest.decision, contest.case
    if known and known.opened_by_id == person_id:
        return known
    if at > contest.until:
        raise TooLateToAppeal
    assert decision.city_id is not None
    return open_case(
        key=uuid5(decision.ref, str(person_id)),
        city_id=decision.city_id,
        kind=CaseKind.APPEAL,
        about_kind=CaseFile.About.DECISION,
        about=str(decision.ref),
        refusal=decision.refusal,
        words=words,
        opened_by_id=person_id,
        provider_id=decision.provider_id,
        is_for_provider=contest.is_for_provider,
        vertical=decision.vertical,
        not_by=read.took_part(decision),
        scan=scan,
        by=by,
        at=at,
    )


def appeal_case(
    *, ref: UUID, person_id: int, words: str, scan: Scan | None = None, by: Actor, at: datetime
) -> CaseFile:
    """Contest that an application was refused.  Whoever refused it does not decide again.

    Raises as `appeal_decision`, and `NoSuchCase` where none of theirs was refused.
    """
    person = User.objects.get(pk=person_id)
    case = read.refused_case(person, ref)
    if case is None:
        raise NoSuchCase(str(ref))
    assert case.closed_at is not None
    known = read.appeal_of_case(case)
    if known and known.opened_by_id == person_id:
        return known
    if at > case.closed_at + read.APPEAL_WITHIN:
        raise TooLateToAppeal
    return open_case(
        key=uuid5(case.ref, str(person_id)),
        city_id=case.city_id,
        kind=CaseKind.APPEAL,
        about_kind=CaseFile.About.CASE,
        about=str(case.ref),
        title=case.title,
        words=words,
        opened_by_id=person_id,
        provider_id=case.provider_id,
        is_for_provider=True,
        vertical=case.vertical,
        not_by=[case.closed_by_id] if case.closed_by_id else [],
        scan=scan,
        by=by,
        at=at,
    )


def appeal_permit(
    *,
    permit_id: int,
    city_id: int,
    person_id: int,
    words: str,
    scan: Scan | None = None,
    by: Actor,
    at: datetime,
) -> CaseFile:
    """Contest that a permit was revoked or suspended, whether anything was refused since or not.

    One appeal at a time.  Raises `NoSuchPermit` where none of theirs was, `TooLateToAppeal` after
    30 days, `AlreadyOpened`, and as `appeal_decision`.
    """
    permit = read.taken_from(User.objects.get(pk=person_id), permit_id)
    if permit is None:
        raise NoSuchPermit(str(permit_id))
    since = permit.revoked_at or permit.suspended_at
    assert since is not None
    if at > since + read.APPEAL_WITHIN:
        raise TooLateToAppeal
    return open_case(
        key=uuid5(KEYS, f"{permit.pk}:{since.isoformat()}:{person_id}"),
        city_id=city_id,
        kind=CaseKind.APPEAL,
        about_kind=CaseFile.About.PERMIT,
        about=permit.number,
        title=f"{permit.number}: {permit.reason or permit.suspended_for}"[:160],
        words=words,
        opened_by_id=person_id,
        provider_id=permit.provider_id,
        is_for_provider=True,
        vertical=permit.vertical,
        not_by=read.behind(permit),
        scan=scan,
        by=by,
        at=at,
    )


@transaction.atomic
def decide_appeal(
    *,
    case_id: int,
    officer_id: int,
    outcome: str,
    words: str,
    exempt: Exempt | None = None,
    by: Actor,
    at: datetime,
) -> CaseFile:
    """Say what comes of an appeal.  Granted, it gives back the permit that was revoked or
    suspended, gives the one that was refused, or may exempt from the policy that said no.

    The same again is harmless.  Raises as `close_case`, `UnfitOutcome` for an exemption that nobody
    asked for, `AlreadyExempt`, and `PermitOverlaps` when another permit has taken its place.
    """
    case = CaseFile.objects.locked().filter(pk=case_id, kind=CaseKind.APPEAL).first()
    if case is None:
        raise NoSuchCase(str(case_id))
    was_open = case.is_open
    closed = conclude(
        case_id=case_id, officer_id=officer_id, outcome=outcome, words=words, by=by, at=at
    )
    decision = read.contested(case)
    if exempt and (outcome != Outcome.GRANTED or decision is None):
        raise UnfitOutcome(outcome)
    refused = read.contested_application(case)
    if was_open and outcome == Outcome.GRANTED and refused and refused.permit_id is None:
        issue(refused, "", by, at)
    if was_open and outcome == Outcome.GRANTED and (taken := read.contested_permit(case)):
        _give_back(taken, words, by, at)
    if not was_open or outcome != Outcome.GRANTED or decision is None:
        return closed
    if permit := read.permit_of(decision):
        _give_back(permit, words, by, at)
    if exempt:
        policy = read.policy_of(decision)
        if policy is None or not _is_theirs(exempt, read.who_may_be_exempt(decision)):
            raise UnfitOutcome(outcome)
        give_exemption(
            policy_id=policy.pk,
            subject_kind=exempt.kind,
            subject=exempt.subject,
            begins=at,
            ends=exempt.until,
            reason=words,
            officer_id=officer_id,
            case_id=case.pk,
            by=by,
            at=at,
        )
    return closed


def _give_back(permit: Permit, words: str, by: Actor, at: datetime) -> None:
    if permit.revoked_at:
        restore_permit(permit_id=permit.pk, reason=words, by=by, at=at)
    else:
        lift_suspension(permit_id=permit.pk, reason=words, by=by, at=at)


def _is_theirs(exempt: Exempt, who: list[tuple[str, str]]) -> bool:
    return f"{exempt.kind}:{exempt.subject}" in [one for one, _ in who]
