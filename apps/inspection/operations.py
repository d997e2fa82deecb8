"""Inspections: started for a purpose and a while, looked through, and ended."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.audit import operations as audit
from apps.bus import operations as bus
from apps.inspection import queries
from apps.inspection.models import MINUTES, Inspection
from apps.kernel.actors import Actor
from apps.parties.models import Provider, User
from apps.regulation.models import CaseFile

INSPECTION = Actor.system("inspection")
ONE_AT_A_TIME = "inspection_one_at_a_time"


class NotYours(Exception):
    """There is nobody such, or nobody whom this officer may inspect."""


class UnderWay(Exception):
    """The officer has an inspection under way already."""


class NoSuchCase(Exception):
    """The city has no case of this number."""


class NobodyToTell(Exception):
    """Nobody stands for the provider who would see that it was looked at."""


class Over(Exception):
    """The inspection is not under way any more."""


@transaction.atomic
def start(
    *,
    person_id: int | None = None,
    provider_id: int | None = None,
    purpose: str,
    words: str,
    case_number: str = "",
    minutes: int,
    by: Actor,
    at: datetime,
) -> Inspection:
    """Let an officer look at what the city knows of one person or provider, for some minutes.

    Raises `NotYours`, also for the officer themself, `UnderWay`, `NoSuchCase`, `NobodyToTell`,
    and `ValueError` without a purpose in words or for another time than 15, 30 or 60 minutes.
    """
    words = words.strip()
    if not words or purpose not in Inspection.Purpose.values or minutes not in MINUTES:
        raise ValueError("an inspection has a purpose in words, and 15, 30 or 60 minutes")
    officer = User.objects.get(pk=int(by.id))
    of = _found(person_id, provider_id)
    if of == officer or not queries.may_inspect(queries.reach_of(officer), of):
        raise NotYours
    if isinstance(of, Provider) and not queries.stand_for(of.pk):
        raise NobodyToTell
    case = _case(case_number)
    if (old := queries.open_of(officer.pk)) and not old.lasts_at(at):
        end(ref=old.ref, ending=Inspection.Ending.TIME, by=INSPECTION, at=at)
    try:
        with transaction.atomic():
            made = Inspection.objects.create(
                officer=officer,
                person=of if isinstance(of, User) else None,
                provider=of if isinstance(of, Provider) else None,
                purpose=purpose,
                words=words[:120],
                case=case,
                started_at=at,
                until=at + timedelta(minutes=minutes),
            )
    except IntegrityError as error:
        if ONE_AT_A_TIME in str(error):
            raise UnderWay from error
        raise
    bus.publish(
        "inspection.started",
        by=by,
        at=at,
        inspection=str(made.ref),
        person=made.person_id,
        provider=made.provider_id,
        reason=made.why,
        until=made.until.isoformat(),
    )
    return made


def _found(person_id: int | None, provider_id: int | None) -> User | Provider:
    found: User | Provider | None = None
    if person_id is not None and provider_id is None:
        found = User.objects.filter(pk=person_id).first()
    elif provider_id is not None and person_id is None:
        found = Provider.objects.filter(pk=provider_id).first()
    if found is None:
        raise NotYours
    return found


def _case(number: str) -> CaseFile | None:
    """The case of a number, in whatever city."""
    number = number.strip()
    if not number:
        return None
    found = CaseFile.objects.filter(number__iexact=number).order_by("-pk").first()
    if found is None:
        raise NoSuchCase(number)
    return found


def under_way(*, officer_id: int, at: datetime) -> Inspection | None:
    """The inspection that an officer has under way at that moment; asked at every request.

    One whose time is over, or whose officer may not inspect them any more, is ended here.
    """
    found = queries.open_of(officer_id)
    if found is None:
        return None
    of = found.person or found.provider
    assert of is not None
    if at >= found.until:
        ending = Inspection.Ending.TIME
    elif not queries.may_inspect(queries.reach_of(found.officer), of):
        ending = Inspection.Ending.ROLE
    else:
        return found
    end(ref=found.ref, ending=ending, by=INSPECTION, at=at)
    return None


@transaction.atomic
def look(*, ref: UUID, what: str, row: str, by: Actor, at: datetime) -> None:
    """Leave a line for whoever is inspected, before the officer sees a page of theirs.

    Raises `Over` when the inspection is not under way, and `audit.NotSealed`.
    """
    inspection = Inspection.objects.locked().filter(ref=ref).first()
    if inspection is None or not inspection.lasts_at(at) or str(inspection.officer_id) != by.id:
        raise Over
    audit.look(
        people=queries.to_tell(inspection),
        what=what,
        row=row[:100],
        why=inspection.why,
        inspection=inspection.ref,
        by=by,
        at=at,
    )


@transaction.atomic
def end(*, ref: UUID, ending: str, by: Actor, at: datetime) -> None:
    """End an inspection; one that is over stays as it ended.  Nothing is later than its time."""
    inspection = Inspection.objects.locked().filter(ref=ref, ended_at=None).first()
    if inspection is None:
        return
    if at >= inspection.until:
        at, ending = inspection.until, Inspection.Ending.TIME
    inspection.ended_at, inspection.ending = at, ending
    inspection.save(update_fields=["ended_at", "ending"])
    bus.publish(
        "inspection.ended",
        by=by,
        at=at,
        inspection=str(inspection.ref),
        person=inspection.person_id,
        provider=inspection.provider_id,
        ending=ending,
    )


def end_of(*, officer_id: int, ending: str, by: Actor, at: datetime) -> None:
    """End whatever an officer has under way.  Without anything, nothing happens."""
    if found := queries.open_of(officer_id):
        end(ref=found.ref, ending=ending, by=by, at=at)


def end_due(*, at: datetime) -> int:
    """Write down what has ended by itself, so that people hear of it.  Return how many did."""
    open_ones = list(Inspection.objects.filter(ended_at=None).values_list("officer_id", flat=True))
    still = [officer for officer in open_ones if under_way(officer_id=officer, at=at)]
    return len(open_ones) - len(still)
