"""Opening a case: under the next number, to be done by its day."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.kernel.actors import Actor
from apps.places.models import City
from apps.regulation import queries_cases as read
from apps.regulation.models import CaseEvent, CaseFile, CaseKind
from apps.regulation.operations.cases.complaints import AlreadyOpened, TooMany
from apps.regulation.operations.cases.history import For, What, in_words, kept, tell
from apps.regulation.scans import Scan

# What one person may have open: nobody floods the office.
MOST_OPEN = 20


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
        title="" if refusal else in_words(title)[:160],
        refusal=refusal,
        vertical=vertical,
        provider_id=provider_id,
        opened_by_id=opened_by_id,
        is_for_provider=is_for_provider,
        opened_at=at,
        not_by=sorted(set(not_by)),
    )
    event = CaseEvent(what=What.OPENED, words=in_words(words), seen_by=seen_by)
    event.by, event.person_id, event.at = str(by), opened_by_id, at
    with kept(event, scan):
        return _open(case, event, by, at)


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
    tell("opened", case, event, by, at)
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
