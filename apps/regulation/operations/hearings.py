"""Hearings: a permit is revoked or suspended only after its holder had the time to speak.

What cannot wait is done at once, by `revoke_permit` or `suspend_permit`, and can be appealed.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.kernel.actors import Actor
from apps.regulation.models import CaseEvent, CaseFile, CaseKind, Hearing, Outcome, Permit
from apps.regulation.operations.cases import NoSuchCase, conclude, open_case
from apps.regulation.operations.permits import NoSuchPermit, revoke_permit, suspend_permit


class StillToSpeak(Exception):
    """The time to speak is not over, and the holder has not spoken yet."""


@transaction.atomic
def announce_hearing(
    *,
    key: UUID,
    permit_id: int,
    city_id: int,
    means: str,
    reason: str,
    statement_until: datetime,
    suspend_until: datetime | None = None,
    officer_id: int,
    by: Actor,
    at: datetime,
) -> CaseFile:
    """Tell a permit's holder what the city means to do, why, and until when they may speak.

    It is a case that the holder reads at once.  The same `key` is one hearing.  Raises
    `NoSuchPermit` for one that is revoked, `AlreadyOpened` where one is under way, and `ValueError`
    without a reason or the time to speak.
    """
    if statement_until <= at or (suspend_until is not None and suspend_until <= statement_until):
        raise ValueError("there is no time to speak")
    permit = Permit.objects.filter(pk=permit_id, revoked_at=None).first()
    if permit is None:
        raise NoSuchPermit(str(permit_id))
    case = open_case(
        key=key,
        city_id=city_id,
        kind=CaseKind.HEARING,
        about_kind=CaseFile.About.PERMIT,
        about=permit.number,
        title=permit.number,
        words=reason,
        opened_by_id=officer_id,
        provider_id=permit.provider_id,
        vertical=permit.vertical,
        seen_by=CaseEvent.For.BOTH,
        by=by,
        at=at,
    )
    Hearing.objects.get_or_create(
        case=case,
        defaults={
            "permit": permit,
            "means": means,
            "suspend_until": suspend_until,
            "statement_until": statement_until,
        },
    )
    return case


@transaction.atomic
def decide_hearing(
    *, case_id: int, officer_id: int, outcome: str, words: str, by: Actor, at: datetime
) -> CaseFile:
    """Another officer than who announced it does what was announced, or drops it, and says why.

    The same again is harmless.  Raises `StillToSpeak`, `FourEyes`, and as `close_case`.
    """
    case = CaseFile.objects.locked().filter(pk=case_id, kind=CaseKind.HEARING).first()
    if case is None:
        raise NoSuchCase(str(case_id))
    hearing = Hearing.objects.get(pk=case_id)
    was_open = case.is_open
    if was_open and outcome == Outcome.FOUNDED and at < hearing.statement_until:
        spoken = case.events.filter(what=CaseEvent.What.STATED, seen_by=CaseEvent.For.PROVIDER)
        if not spoken.exists():
            raise StillToSpeak
    closed = conclude(
        case_id=case_id, officer_id=officer_id, outcome=outcome, words=words, by=by, at=at
    )
    if not was_open or outcome != Outcome.FOUNDED:
        return closed
    if hearing.means == Hearing.Means.REVOKE:
        revoke_permit(permit_id=hearing.permit_id, reason=words, by=by, at=at)
    elif hearing.suspend_until is None or hearing.suspend_until > at:
        suspend_permit(
            permit_id=hearing.permit_id, reason=words, until=hearing.suspend_until, by=by, at=at
        )
    return closed
