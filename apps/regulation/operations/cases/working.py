"""What officers do with a case, from taking it to closing it."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.kernel.actors import Actor
from apps.parties.models import User
from apps.regulation import queries_cases as read
from apps.regulation.models import CaseFile, CaseKind, Outcome
from apps.regulation.operations.cases.complaints import (
    NotAnOfficer,
    NotTheirs,
    TakenBySomebody,
    UnfitOutcome,
)
from apps.regulation.operations.cases.history import (
    For,
    State,
    What,
    end,
    in_words,
    is_heard,
    locked,
    still_open,
    write,
)
from apps.regulation.operations.making import FourEyes


@transaction.atomic
def take_case(*, case_id: int, officer_id: int, by: Actor, at: datetime) -> None:
    """Begin to work on a case.  The first officer has it; doing it twice is harmless.

    Raises `NoSuchCase`, `TakenBySomebody`, `CaseClosed`, `FourEyes` for whoever took part in what
    it is about, and `NotAnOfficer`.
    """
    case = locked(case_id)
    if case.owner_id == officer_id and case.is_open:
        return
    still_open(case)
    if case.owner_id is not None:
        raise TakenBySomebody
    _give(case, officer_id)
    write(case, What.TAKEN, "", For.BOTH if is_heard(case) else For.OPENER, officer_id, by, at)


@transaction.atomic
def hand_over(
    *, case_id: int, to_id: int, words: str, officer_id: int, by: Actor, at: datetime
) -> None:
    """Give a case to another officer, and say why.  Handing it to whoever has it does nothing.

    Raises as `take_case`.
    """
    case = locked(case_id)
    if case.owner_id == to_id:
        return
    still_open(case)
    _give(case, to_id)
    write(case, What.HANDED_OVER, in_words(words), For.OFFICE, officer_id, by, at, to=to_id)


@transaction.atomic
def note(
    *,
    key: UUID,
    case_id: int,
    words: str,
    seen_by: str = For.OFFICE,
    officer_id: int,
    by: Actor,
    at: datetime,
) -> None:
    """Write down what was done or found, for the office or for a side.  The same `key` is one note.

    Raises `NoSuchCase`, `CaseClosed` and `ValueError`.
    """
    case = locked(case_id)
    if case.events.filter(ref=key).exists():
        return
    still_open(case)
    write(case, What.NOTED, in_words(words), seen_by, officer_id, by, at, key=key)


@transaction.atomic
def ask_for_statement(
    *, key: UUID, case_id: int, words: str, seen_by: str, officer_id: int, by: Actor, at: datetime
) -> None:
    """Ask a side, or both, to say something; the case waits for it.  The same `key` asks once.

    Raises `NotTheirs` for an officer who does not work on it, and as `note`.
    """
    case = locked(case_id)
    if case.events.filter(ref=key).exists():
        return
    still_open(case)
    if case.owner_id != officer_id:
        raise NotTheirs
    if seen_by == For.OFFICE:
        raise ValueError("the office does not ask itself")
    case.state = State.ASKED
    case.save(update_fields=["state"])
    write(case, What.ASKED, in_words(words), seen_by, officer_id, by, at, key=key)


@transaction.atomic
def close_case(
    *, case_id: int, officer_id: int, outcome: str, words: str, by: Actor, at: datetime
) -> CaseFile:
    """Say how a case ends, and why: whoever it concerns reads both.  The same again is harmless.

    Raises `NotTheirs` for an officer who does not work on it, `FourEyes` for one who took part in
    what it is about, `UnfitOutcome`, `CaseClosed`, `NoSuchCase`, and `ValueError` without words.
    What is decided, not only closed, has an operation of its own, such as `decide_appeal`.
    """
    decided = [CaseKind.APPEAL, CaseKind.APPLICATION, CaseKind.HEARING]
    if CaseFile.objects.filter(pk=case_id, kind__in=decided).exists():
        raise UnfitOutcome(outcome)
    return conclude(
        case_id=case_id, officer_id=officer_id, outcome=outcome, words=words, by=by, at=at
    )


def conclude(
    *, case_id: int, officer_id: int, outcome: str, words: str, by: Actor, at: datetime
) -> CaseFile:
    """The end of every case that an officer ends, in the transaction of what follows from it."""
    case = locked(case_id)
    if (case.outcome, case.closed_by_id) == (outcome, officer_id):
        return case
    still_open(case)
    if case.owner_id != officer_id:
        raise NotTheirs
    _others_eyes(case, officer_id)
    if outcome not in case.outcomes or outcome == Outcome.WITHDRAWN:
        raise UnfitOutcome(outcome)
    end(case, outcome, in_words(words), officer_id, by, at)
    return case


@transaction.atomic
def tell_side(
    *,
    case_id: int,
    words: str,
    what: str = What.NOTED,
    key: UUID | None = None,
    person_id: int,
    by: Actor,
    at: datetime,
) -> None:
    """Write into the history of a case what was done with what belongs to it, for both sides."""
    write(locked(case_id), what, in_words(words), For.BOTH, person_id, by, at, key=key)


def _others_eyes(case: CaseFile, officer_id: int) -> None:
    if officer_id in case.not_by:
        raise FourEyes
    if officer_id == case.opened_by_id and case.kind != CaseKind.INSPECTION:
        raise FourEyes


def _give(case: CaseFile, officer_id: int) -> None:
    officer = User.objects.filter(pk=officer_id).first()
    if officer is None or not read.may_work(officer):
        raise NotAnOfficer
    _others_eyes(case, officer_id)
    case.owner = officer
    if case.state == State.OPEN:
        case.state = State.TAKEN
    case.save(update_fields=["owner", "state"])
