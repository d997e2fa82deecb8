"""A driver's time on the line, as far as the city lets them drive."""

from datetime import datetime

from django.db import transaction

from apps.dispatch import operations as dispatch
from apps.dispatch.models import Shift
from apps.kernel.actors import Actor
from apps.mobility import mds, queries
from apps.mobility.operations import stating
from apps.mobility.operations.quoting import VERTICAL
from apps.mobility.operations.vehicles import note_event
from apps.parties.models import Worker
from apps.places.models import City
from apps.regulation import operations as regulation
from apps.regulation.queries import (
    PAPER_RULES,
    decisions_on_shifts,
    demands,
    papers_until,
    refusal_of_papers,
    valid_permit,
)
from apps.regulation.rules import Act, Case


def go_on_shift(*, worker_id: int, city_id: int, by: Actor, at: datetime) -> Shift:
    """A driver goes on line, if the city lets their provider drive and their papers hold.

    Raises `regulation.NotPermitted`; the refusal stays on record.
    """
    worker = Worker.objects.active().get(pk=worker_id)
    with transaction.atomic():
        if shift := Shift.objects.open().filter(worker=worker).first():
            return shift
        asked = demands(worker.user_id, City.objects.get(pk=city_id), VERTICAL, at)
        # The clock may have ended the last shift, and the news of it be still on its way.
        note_end_of_shift(worker_id=worker.pk, at=at)
        case = Case(
            act=Act.GO_ON_LINE,
            city_id=city_id,
            vertical=VERTICAL,
            provider_id=worker.provider_id,
            moment=at,
            who={"worker": worker.pk},
            counts={"shifts": 1},
            facts={
                "papers": refusal_of_papers(asked),
                **stating.on_line(worker, city_id, at),
            },
        )
        decision = regulation.decide(case, by=by, at=at)
        if decision.is_granted:
            until = _until(worker, city_id, papers_until(asked), at)
            shift = dispatch.start_shift(
                worker_id=worker.pk, city_id=city_id, until=until, by=by, at=at
            )
            note_event(worker.pk, "service_start", None, at)
            return shift
    if decision.refusal in PAPER_RULES:
        raise regulation.PapersNotInForce.by(decision)
    raise regulation.NotPermitted.by(decision)


@transaction.atomic
def limit_to_papers(*, user_id: int, by: Actor, at: datetime) -> None:
    """Let a driver's shift last as long as permit and papers do: their papers have changed."""
    shifts = Shift.objects.open().filter(worker__user=user_id)
    shift = shifts.select_related("worker", "city").first()
    if shift is None:
        return
    asked = demands(user_id, shift.city, VERTICAL, at)
    papers = at if refusal_of_papers(asked) else papers_until(asked)
    until = _until(shift.worker, shift.city_id, papers, at)
    if until != shift.until:
        dispatch.limit_shift(worker_id=shift.worker_id, until=until, by=by, at=at)


@transaction.atomic
def limit_to_rules(*, city_id: int, by: Actor, at: datetime) -> None:
    """Let the shifts of a city last as long as its rules let them: a limit has changed."""
    shifts = Shift.objects.open().filter(city=city_id).select_related("worker", "city")
    for shift in shifts.order_by("worker"):
        limit_to_papers(user_id=shift.worker.user_id, by=by, at=at)


def _until(worker: Worker, city_id: int, papers: datetime | None, at: datetime) -> datetime | None:
    """The earliest end of what a driver needs and of their hours; None if nothing ends."""
    permit = valid_permit(worker.provider_id, VERTICAL, at)
    ends = [permit.valid.upper if permit else at, papers, stating.hours_end(worker, city_id, at)]
    return min((end for end in ends if end is not None), default=None)


@transaction.atomic
def leave_shift(*, worker_id: int, by: Actor, at: datetime) -> None:
    """A driver goes off line.  Raises `dispatch.OnARun` while somebody is to be driven."""
    dispatch.end_shift(worker_id=worker_id, by=by, at=at)
    note_end_of_shift(worker_id=worker_id, at=at)


@transaction.atomic
def stop_offering(*, provider_id: int, by: Actor, at: datetime) -> None:
    """Take a provider's drivers off line, each as soon as nobody is to be driven any more."""
    on_line = Shift.objects.open().filter(worker__provider=provider_id)
    for worker_id in on_line.order_by("worker").values_list("worker", flat=True):
        dispatch.limit_shift(worker_id=worker_id, until=at, by=by, at=at)


@transaction.atomic
def note_end_of_shift(*, worker_id: int, at: datetime) -> None:
    """Take the car out of service, whoever ended the shift.  Twice is harmless.

    What counts only while a driver is on line, such as the cars of a fleet, is free again.
    """
    if queries.vehicle_state(worker_id) == mds.Vehicle.AVAILABLE:
        note_event(worker_id, "service_end", None, at)
    for decision in decisions_on_shifts(worker_id):
        regulation.give_back(
            decision_id=decision.pk, is_over=True, by=Actor.system("mobility"), at=at
        )
