"""Appeals: whoever the city refused asks it to look again, and another officer does."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from django.db import transaction

from apps.kernel.actors import Actor
from apps.parties.models import User
from apps.regulation import queries_appeals as read
from apps.regulation.models import CaseFile, CaseKind, Outcome
from apps.regulation.operations.cases import NoSuchCase, UnfitOutcome, conclude, open_case
from apps.regulation.operations.exemptions import give_exemption
from apps.regulation.operations.permits import restore_permit
from apps.regulation.scans import Scan


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
        title=contest.says[:160],
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
    """Say what comes of an appeal.  Granted, it gives back the permit that was revoked; and it may
    exempt from the policy that said no.

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
    if not was_open or outcome != Outcome.GRANTED or decision is None:
        return closed
    if permit := read.permit_of(decision):
        restore_permit(permit_id=permit.pk, reason=words, by=by, at=at)
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


def _is_theirs(exempt: Exempt, who: list[tuple[str, str]]) -> bool:
    return f"{exempt.kind}:{exempt.subject}" in [one for one, _ in who]
