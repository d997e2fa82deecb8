"""Cases: what an officer works on, with a day by which it is to be done and words at its end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.core.files.base import ContentFile
from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.parties.models import User
from apps.places.models import City
from apps.regulation import queries_cases as read
from apps.regulation.models import CaseEvent, CaseFile, CaseKind, Outcome
from apps.regulation.operations.policies import FourEyes
from apps.regulation.scans import Scan

State, What, For = CaseFile.State, CaseEvent.What, CaseEvent.For
LONGEST = 5_000
# What one person may have open, and one case may hold: nobody floods the office.
MOST_OPEN = 20
MOST_EVENTS = 200


class NoSuchCase(Exception):
    """There is no such case, or it is not theirs."""


class AlreadyOpened(Exception):
    """There is a case about this already.  `ref` is its reference, if it is theirs."""

    def __init__(self, ref: UUID | None = None) -> None:
        super().__init__(str(ref or ""))
        self.ref = ref


class CaseClosed(Exception):
    """The case is closed: nothing more is said in it."""


class TakenBySomebody(Exception):
    """Another officer works on it; whoever wants it is handed it."""


class NotTheirs(Exception):
    """Only the officer who works on a case closes it."""


class NotAnOfficer(Exception):
    """The person has no leave to work on cases."""


class UnfitOutcome(Exception):
    """A case of this kind does not end like this."""


class TooMany(Exception):
    """Too many cases of theirs are open, or too much was said in this one."""


def open_case(
    *,
    key: UUID,
    city_id: int,
    kind: str,
    about_kind: str,
    about: str,
    title: str = "",
    refusal: str = "",
    words: str,
    opened_by_id: int,
    provider_id: int | None = None,
    is_for_provider: bool = False,
    vertical: str = "",
    not_by: Sequence[int] = (),
    seen_by: str = For.OPENER,
    scan: Scan | None = None,
    by: Actor,
    at: datetime,
) -> CaseFile:
    """Put something on the office's desk, to be done by its day.  The same `key` is one case.

    It is about what `title` says in the words of whoever opens it, or about a `refusal` of the
    city.  Raises `AlreadyOpened` where there is one about the same, `TooMany`, and `ValueError`
    without words.
    """
    case = CaseFile(
        ref=key,
        city_id=city_id,
        kind=kind,
        about_kind=about_kind,
        about=about,
        title="" if refusal else _said(title)[:160],
        refusal=refusal,
        vertical=vertical,
        provider_id=provider_id,
        opened_by_id=opened_by_id,
        is_for_provider=is_for_provider,
        opened_at=at,
        not_by=sorted(set(not_by)),
    )
    event = CaseEvent(what=What.OPENED, words=_said(words), seen_by=seen_by)
    event.by, event.person_id, event.at = str(by), opened_by_id, at
    with _kept(event, scan):
        return _open(case, event, by, at)


@transaction.atomic
def take_case(*, case_id: int, officer_id: int, by: Actor, at: datetime) -> None:
    """Begin to work on a case.  The first officer has it; doing it twice is harmless.

    Raises `NoSuchCase`, `TakenBySomebody`, `CaseClosed`, `FourEyes` for whoever took part in what
    it is about, and `NotAnOfficer`.
    """
    case = _locked(case_id)
    if case.owner_id == officer_id and case.is_open:
        return
    _still_open(case)
    if case.owner_id is not None:
        raise TakenBySomebody
    _give(case, officer_id)
    _note(case, What.TAKEN, "", For.BOTH if _is_heard(case) else For.OPENER, officer_id, by, at)


@transaction.atomic
def hand_over(
    *, case_id: int, to_id: int, words: str, officer_id: int, by: Actor, at: datetime
) -> None:
    """Give a case to another officer, and say why.  Handing it to whoever has it does nothing.

    Raises as `take_case`.
    """
    case = _locked(case_id)
    if case.owner_id == to_id:
        return
    _still_open(case)
    _give(case, to_id)
    _note(case, What.HANDED_OVER, _said(words), For.OFFICE, officer_id, by, at, to=to_id)


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
    case = _locked(case_id)
    if case.events.filter(ref=key).exists():
        return
    _still_open(case)
    _note(case, What.NOTED, _said(words), seen_by, officer_id, by, at, key=key)


@transaction.atomic
def ask_for_statement(
    *, key: UUID, case_id: int, words: str, seen_by: str, officer_id: int, by: Actor, at: datetime
) -> None:
    """Ask a side, or both, to say something; the case waits for it.  The same `key` asks once.

    Raises `NotTheirs` for an officer who does not work on it, and as `note`.
    """
    case = _locked(case_id)
    if case.events.filter(ref=key).exists():
        return
    _still_open(case)
    if case.owner_id != officer_id:
        raise NotTheirs
    if seen_by == For.OFFICE:
        raise ValueError("the office does not ask itself")
    case.state = State.ASKED
    case.save(update_fields=["state"])
    _note(case, What.ASKED, _said(words), seen_by, officer_id, by, at, key=key)


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
    event = CaseEvent(ref=key, case_id=case_id, what=What.STATED, words=_said(words))
    event.by, event.person_id, event.at = str(by), person_id, at
    with _kept(event, scan):
        return _state(event, User.objects.get(pk=person_id), by, at)


@transaction.atomic
def withdraw_case(*, case_id: int, person_id: int, words: str, by: Actor, at: datetime) -> None:
    """Whoever opened a case does not want it any more.  Doing it twice is harmless.

    Raises `NoSuchCase`, and `CaseClosed` when the office was faster.
    """
    case = _locked(case_id)
    if case.opened_by_id != person_id:
        raise NoSuchCase(str(case_id))
    if case.outcome == Outcome.WITHDRAWN:
        return
    _still_open(case)
    _end(case, Outcome.WITHDRAWN, _said(words), person_id, by, at)


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
    case = _locked(case_id)
    if (case.outcome, case.closed_by_id) == (outcome, officer_id):
        return case
    _still_open(case)
    if case.owner_id != officer_id:
        raise NotTheirs
    _others_eyes(case, officer_id)
    if outcome not in case.outcomes or outcome == Outcome.WITHDRAWN:
        raise UnfitOutcome(outcome)
    _end(case, outcome, _said(words), officer_id, by, at)
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
    _note(_locked(case_id), what, _said(words), For.BOTH, person_id, by, at, key=key)


@contextmanager
def _kept(event: CaseEvent, scan: Scan | None) -> Iterator[None]:
    """Write the file before the transaction; it goes again if nothing came of it."""
    if scan:
        event.format, event.digest = scan.format, scan.digest
        event.scan.save("", ContentFile(scan.content), save=False)
    try:
        yield
    except BaseException:
        if scan:
            event.scan.storage.delete(str(event.scan.name))
        raise
    if scan and event.pk is None:
        event.scan.storage.delete(str(event.scan.name))


@transaction.atomic
def _open(case: CaseFile, event: CaseEvent, by: Actor, at: datetime) -> CaseFile:
    # Numbers are given one after the other.
    city = City.objects.select_for_update(no_key=True).get(pk=case.city_id)
    if known := CaseFile.objects.filter(ref=case.ref).first():
        if (known.opened_by_id, known.kind) != (case.opened_by_id, case.kind):
            raise AlreadyOpened
        return known
    _not_twice(case)
    mine = CaseFile.objects.filter(read.to_do(), opened_by=case.opened_by_id)
    if case.kind not in (CaseKind.INSPECTION, CaseKind.HEARING) and mine.count() >= MOST_OPEN:
        raise TooMany
    case.number = f"C-{CaseFile.objects.filter(city=city).count() + 1}"
    case.due_on = read.due_on(city, case.kind, at)
    case.save()
    event.case = case
    event.save()
    _tell("opened", case, event, by, at)
    return case


def _not_twice(case: CaseFile) -> None:
    """One appeal of a decision from each side; one about a permit at a time."""
    if case.kind == CaseKind.APPLICATION:
        open_ones = CaseFile.objects.filter(read.to_do(), kind=case.kind, vertical=case.vertical)
        if known := open_ones.filter(provider=case.provider_id).first():
            raise AlreadyOpened(known.ref)
    if case.kind == CaseKind.HEARING:
        under_way = CaseFile.objects.filter(read.to_do(), kind=case.kind, about=case.about)
        if known := under_way.first():
            raise AlreadyOpened(known.ref)
    if case.kind != CaseKind.APPEAL:
        return
    same = CaseFile.objects.filter(kind=case.kind, about_kind=case.about_kind, about=case.about)
    if case.about_kind == CaseFile.About.PERMIT:
        same = same.filter(read.to_do())
    else:
        same = same.filter(is_for_provider=case.is_for_provider)
    if known := same.first():
        raise AlreadyOpened(known.ref)


@transaction.atomic
def _state(event: CaseEvent, person: User, by: Actor, at: datetime) -> CaseEvent:
    case = _locked(event.case_id)
    side = read.side_of(case, person)
    if not side:
        raise NoSuchCase(str(case.pk))
    if said := case.events.filter(ref=event.ref).first():
        return said
    _still_open(case)
    if case.events.count() >= MOST_EVENTS:
        raise TooMany
    is_asked = read.Seat(case, side).is_asked
    event.seen_by = side
    event.save()
    if is_asked:
        case.state = State.TAKEN
        case.save(update_fields=["state"])
    _tell("stated", case, event, by, at)
    return event


def _locked(case_id: int) -> CaseFile:
    case = CaseFile.objects.locked().filter(pk=case_id).first()
    if case is None:
        raise NoSuchCase(str(case_id))
    return case


def _still_open(case: CaseFile) -> None:
    if not case.is_open:
        raise CaseClosed


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


def _is_heard(case: CaseFile) -> bool:
    """Whether the provider that it concerns knows of the case."""
    return case.events.filter(seen_by__in=read.EYES[For.PROVIDER]).exists()


def _end(case: CaseFile, outcome: str, words: str, person_id: int, by: Actor, at: datetime) -> None:
    is_for_both = _is_heard(case) or case.kind == CaseKind.INSPECTION
    case.state, case.outcome, case.words = State.CLOSED, outcome, words
    case.closed_by_id, case.closed_at = person_id, at
    case.save(update_fields=["state", "outcome", "words", "closed_by", "closed_at"])
    seen_by = For.BOTH if is_for_both else For.OPENER
    _note(case, What.CLOSED, words, seen_by, person_id, by, at, outcome=outcome)


def _note(
    case: CaseFile,
    what: str,
    words: str,
    seen_by: str,
    person_id: int,
    by: Actor,
    at: datetime,
    *,
    key: UUID | None = None,
    **more: str | int,
) -> None:
    event = CaseEvent(case=case, what=what, words=words, seen_by=seen_by, by=str(by), at=at)
    event.person_id = person_id
    if key:
        event.ref = key
    event.save()
    _tell(what, case, event, by, at, **more)


def _tell(
    what: str, case: CaseFile, event: CaseEvent, by: Actor, at: datetime, **more: str | int
) -> None:
    bus.publish(
        f"regulation.case_{what}",
        by=by,
        at=at,
        case=case.pk,
        number=case.number,
        kind=case.kind,
        city=case.city_id,
        opener=case.opened_by_id,
        provider=case.provider_id,
        officer=case.owner_id,
        due=case.due_on,
        told=event.pk,
        seen_by=event.seen_by,
        **more,
    )


def _said(words: str) -> str:
    if not 1 <= len(words.strip()) <= LONGEST:
        raise ValueError(f"whoever reads it is owed words, at most {LONGEST}")
    return words.strip()
