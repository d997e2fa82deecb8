"""The history of a case: what was done or said, for whose eyes, and the news of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.core.files.base import ContentFile

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.regulation import queries_cases as read
from apps.regulation.models import CaseEvent, CaseFile, CaseKind
from apps.regulation.operations.cases.complaints import CaseClosed, NoSuchCase
from apps.regulation.scans import Scan

State, What, For = CaseFile.State, CaseEvent.What, CaseEvent.For
LONGEST = 5_000


def locked(case_id: int) -> CaseFile:
    case = CaseFile.objects.locked().filter(pk=case_id).first()
    if case is None:
        raise NoSuchCase(str(case_id))
    return case


def still_open(case: CaseFile) -> None:
    if not case.is_open:
        raise CaseClosed


def is_heard(case: CaseFile) -> bool:
    """Whether the provider that it concerns knows of the case."""
    return case.events.filter(seen_by__in=read.EYES[For.PROVIDER]).exists()


def end(case: CaseFile, outcome: str, words: str, person_id: int, by: Actor, at: datetime) -> None:
    is_for_both = is_heard(case) or case.kind == CaseKind.INSPECTION
    case.state, case.outcome, case.words = State.CLOSED, outcome, words
    case.closed_by_id, case.closed_at = person_id, at
    case.save(update_fields=["state", "outcome", "words", "closed_by", "closed_at"])
    seen_by = For.BOTH if is_for_both else For.OPENER
    write(case, What.CLOSED, words, seen_by, person_id, by, at, outcome=outcome)


def write(
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
    tell(what, case, event, by, at, **more)


def tell(
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


@contextmanager
def kept(event: CaseEvent, scan: Scan | None) -> Iterator[None]:
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


def in_words(words: str) -> str:
    if not 1 <= len(words.strip()) <= LONGEST:
        raise ValueError(f"whoever reads it is owed words, at most {LONGEST}")
    return words.strip()
