"""A worker's time on the line."""

from datetime import datetime

from django.db import IntegrityError, transaction
from psycopg.errors import UniqueViolation

from apps.bus import operations as bus
from apps.dispatch.models import Offer, Run, Shift
from apps.dispatch.operations.offers import NotOnShift, withdraw
from apps.dispatch.waking import wake_matcher
from apps.kernel.actors import Actor


class OnARun(Exception):
    """The worker is under way with a job: it has to be done or given back first."""


class OnShiftElsewhere(Exception):
    """The worker is on the line in another city."""


@transaction.atomic
def start_shift(
    *,
    worker_id: int,
    city_id: int,
    until: datetime | None = None,
    by: Actor,
    at: datetime,
) -> Shift:
    """Put the worker on the line of a city, at the latest until `until`.

    A worker who is on the line already stays so.  Raises `OnShiftElsewhere`.
    """
    while True:
        try:
            with transaction.atomic():
                shift = Shift.objects.create(
                    worker_id=worker_id, city_id=city_id, until=until, started_at=at
                )
            break
        except IntegrityError as error:
            if not isinstance(error.__cause__, UniqueViolation):
                raise
        # One of theirs was open, and may have ended before this look: then there is room now.
        if mine := Shift.objects.open().filter(worker=worker_id).first():
            if mine.city_id != city_id:
                raise OnShiftElsewhere
            return mine
    bus.publish("dispatch.shift_started", by=by, at=at, worker=worker_id, shift=shift.pk)
    wake_matcher(city_id)
    return shift


@transaction.atomic
def pause_shift(*, worker_id: int, reason: str = "", by: Actor, at: datetime) -> Shift:
    """Offer the worker nothing more until they resume.  A ride under way goes on.

    Pausing twice is harmless.  Raises `NotOnShift`.
    """
    shift = _locked(worker_id)
    if shift.paused_at is None:
        shift.paused_at = at
        shift.pause_reason = reason[:50]
        shift.save(update_fields=["paused_at", "pause_reason"])
        withdraw(Offer.objects.filter(worker=worker_id), why="paused", by=by, at=at)
        bus.publish("dispatch.shift_paused", by=by, at=at, worker=worker_id, reason=reason)
        wake_matcher(shift.city_id)
    return shift


@transaction.atomic
def resume_shift(*, worker_id: int, by: Actor, at: datetime) -> Shift:
    """Offer the worker jobs again.  Twice is harmless.  Raises `NotOnShift`."""
    shift = _locked(worker_id)
    if shift.paused_at is not None:
        shift.paused_at = None
        shift.pause_reason = ""
        shift.missed = 0
        shift.save(update_fields=["paused_at", "pause_reason", "missed"])
        bus.publish("dispatch.shift_resumed", by=by, at=at, worker=worker_id)
        wake_matcher(shift.city_id)
    return shift


@transaction.atomic
def limit_shift(*, worker_id: int, until: datetime | None, by: Actor, at: datetime) -> None:
    """End the worker's shift at a moment, or as soon after it as nobody is to be driven.

    None lets it last.  Harmless for a worker who is off the line.
    """
    if Shift.objects.open().filter(worker=worker_id).update(until=until):
        bus.publish("dispatch.shift_limited", by=by, at=at, worker=worker_id, until=until)


@transaction.atomic
def end_shift(*, worker_id: int, by: Actor, at: datetime) -> None:
    """Take the worker off the line.  Harmless if they are off it.  Raises `OnARun`."""
    try:
        shift = _locked(worker_id)
    except NotOnShift:
        return
    if Run.objects.live().filter(worker=worker_id).exists():
        raise OnARun
    shift.ended_at = at
    shift.save(update_fields=["ended_at"])
    withdraw(Offer.objects.filter(worker=worker_id), why="off_line", by=by, at=at)
    bus.publish("dispatch.shift_ended", by=by, at=at, worker=worker_id, shift=shift.pk)
    wake_matcher(shift.city_id)


def _locked(worker_id: int) -> Shift:
    shift = Shift.objects.locked().open().filter(worker=worker_id).first()
    if shift is None:
        raise NotOnShift
    return shift
