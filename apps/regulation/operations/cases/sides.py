"""What the sides of a case do: say something, or want it no more."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.kernel.actors import Actor
from apps.parties.models import User
from apps.regulation import queries_cases as read
from apps.regulation.models import CaseEvent, Outcome
from apps.regulation.operations.cases.complaints import NoSuchCase, TooMany
from apps.regulation.operations.cases.history import (
    State,
    What,
    end,
    in_words,
    kept,
    locked,
    still_open,
    tell,
)
from apps.regulation.scans import Scan

# What one case may hold.
MOST_EVENTS = 200


def add_statement(
    *,
    key: UUID,
    case_id: int,
    person_id: int,
    words: str,
    scan: Scan | None = None,
    by: Actor,
    at: datetime,
) -> CaseEvent:
    """A side says something, with a picture or a PDF if they like.  The same `key` says it once.

    Raises `NoSuchCase` for somebody on no side of it, `CaseClosed`, `TooMany` and `ValueError`.
    """
    event = CaseEvent(ref=key, case_id=case_id, what=What.STATED, words=in_words(words))
    event.by, event.person_id, event.at = str(by), person_id, at
    with kept(event, scan):
        return _state(event, User.objects.get(pk=person_id), by, at)


@transaction.atomic
def withdraw_case(*, case_id: int, person_id: int, words: str, by: Actor, at: datetime) -> None:
    """Whoever opened a case does not want it any more.  Doing it twice is harmless.

    Raises `NoSuchCase`, and `CaseClosed` when the office was faster.
    """
    case = locked(case_id)
    if case.opened_by_id != person_id:
        raise NoSuchCase(str(case_id))
    if case.outcome == Outcome.WITHDRAWN:
        return
    still_open(case)
    end(case, Outcome.WITHDRAWN, in_words(words), person_id, by, at)


@transaction.atomic
def _state(event: CaseEvent, person: User, by: Actor, at: datetime) -> CaseEvent:
    case = locked(event.case_id)
    side = read.side_of(case, person)
    if not side:
        raise NoSuchCase(str(case.pk))
    if said := case.events.filter(ref=event.ref).first():
        return said
    still_open(case)
    if case.events.count() >= MOST_EVENTS:
        raise TooMany
    is_asked = read.Seat(case, side).is_asked
    event.seen_by = side
    event.save()
    if is_asked:
        case.state = State.TAKEN
        case.save(update_fields=["state"])
    tell("stated", case, event, by, at)
    return event
