"""The question to a worker, and the answer."""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from apps.bus import operations as bus
from apps.dispatch.models import Job, Offer, OfferQuerySet, Run, Shift
from apps.dispatch.waking import wake_matcher
from apps.kernel.actors import Actor
from apps.parties.models import Worker

OFFER_LASTS = timedelta(seconds=15)
MORE_TIME = timedelta(seconds=15)


class NoSuchOffer(Exception):
    """There is no such offer, or it is not this worker's."""


class TooLate(Exception):
    """The offer has run out, or somebody else was faster, or the job is gone."""


class Full(Exception):
    """The worker is under way already, or has too few seats for this job."""


class Busy(Exception):
    """The worker is looking at another offer, or is under way with another job."""


class NotOnShift(Exception):
    """The worker is not on the line, or has paused."""


@transaction.atomic
def offer(
    *,
    job_id: int,
    worker_id: int,
    eta_seconds: int,
    eta_metres: int,
    is_estimate: bool = False,
    reasons: dict[str, Any] | None = None,
    by: Actor,
    at: datetime,
) -> Offer:
    """Show the job to one worker for a few seconds.

    `eta_seconds` and `eta_metres` are the way to the pick-up; `reasons` say why this worker.
    Raises `TooLate` if the job seeks nobody any more, or this worker has refused it before,
    `NotOnShift`, and `Busy`.
    """
    job = Job.objects.locked().searching().filter(pk=job_id, search_until__gt=at).first()
    if job is None or job.offers.refused().filter(worker=worker_id).exists():
        raise TooLate
    if not Shift.objects.locked().on_line(at).filter(worker=worker_id, city=job.city_id):
        raise NotOnShift
    if Run.objects.live().filter(worker=worker_id).exists():
        raise Busy
    try:
        with transaction.atomic():
            shown = Offer.objects.create(
                job=job,
                worker_id=worker_id,
                offered_at=at,
                expires_at=min(at + OFFER_LASTS, job.search_until),
                eta_seconds=eta_seconds,
                eta_metres=eta_metres,
                is_estimate=is_estimate,
                reasons=reasons or {},
            )
    except IntegrityError as error:
        raise Busy from error
    bus.publish(
        "dispatch.offered",
        by=by,
        at=at,
        offer=shown.pk,
        worker=worker_id,
        job=job.pk,
        holder=str(job.holder),
    )
    return shown


@transaction.atomic
def accept(*, offer_id: int, worker_id: int, by: Actor, at: datetime) -> Job:
    """Give the job to the first worker who says yes.  The phones of the others stop ringing.

    Saying yes twice is harmless.  Raises `NoSuchOffer`, `TooLate`, `NotOnShift` or `Full`.
    """
    job = Job.objects.locked().filter(offers=offer_id, offers__worker=worker_id).first()
    if job is None:
        raise NoSuchOffer
    mine = Offer.objects.filter(pk=offer_id)
    if job.state == Job.State.ASSIGNED and mine.filter(state=Offer.State.ACCEPTED).exists():
        return job
    # Locked, so that nobody signs off between this look and the Run.
    if not Shift.objects.locked().open().filter(worker=worker_id):
        raise NotOnShift
    yes = mine.live(at)
    if job.state != Job.State.SEARCHING or not yes.update(
        state=Offer.State.ACCEPTED, answered_at=at
    ):
        raise TooLate
    shown = mine.get()
    withdraw(Offer.objects.filter(job=job), why="taken", by=by, at=at)
    job.run = _set_out(job, worker_id, at)
    job.state = Job.State.ASSIGNED
    job.assigned_at = at
    job.save(update_fields=["state", "run", "assigned_at"])
    Shift.objects.open().filter(worker=worker_id).update(missed=0)
    bus.publish(
        "dispatch.assigned",
        by=by,
        at=at,
        holder=str(job.holder),
        worker=worker_id,
        run=job.run.pk,
        offer=shown.pk,
        eta_seconds=shown.eta_seconds,
        eta_metres=shown.eta_metres,
    )
    return job


def _set_out(job: Job, worker_id: int, at: datetime) -> Run:
    worker = Worker.objects.get(pk=worker_id)
    if worker.seats < job.seats:
        raise Full
    try:
        with transaction.atomic():
            # The unique index has the last word: one live Run for a worker.
            return Run.objects.create(
                worker=worker, seats=worker.seats, taken=job.seats, started_at=at
            )
    except IntegrityError as error:
        raise Full from error


@transaction.atomic
def decline(*, offer_id: int, worker_id: int, reason: str = "", by: Actor, at: datetime) -> Offer:
    """Say no.  It costs the worker nothing, and this job is not shown to them again.

    Twice is harmless, and so is a no to what is gone already.  Raises `NoSuchOffer`.
    """
    shown = _own(offer_id, worker_id)
    declined = Offer.objects.open().filter(pk=offer_id)
    if declined.update(state=Offer.State.DECLINED, answered_at=at, why=reason[:200]):
        Shift.objects.open().filter(worker=worker_id).update(missed=0)
        bus.publish(
            "dispatch.declined",
            by=by,
            at=at,
            offer=offer_id,
            worker=worker_id,
            reason=reason[:200],
        )
        wake_matcher(shown.job.city_id)
        shown.refresh_from_db()
    return shown


@transaction.atomic
def extend(*, offer_id: int, worker_id: int, by: Actor, at: datetime) -> Offer:
    """Give the worker more time to answer, once, but never past the end of the search.

    Asking again changes nothing.  Raises `NoSuchOffer` or `TooLate`.
    """
    shown = _own(offer_id, worker_id)
    if not Offer.objects.live(at).filter(pk=offer_id).exists():
        raise TooLate
    longer = min(shown.expires_at + MORE_TIME, shown.job.search_until)
    once = Offer.objects.live(at).filter(pk=offer_id, extended=False)
    if once.update(extended=True, expires_at=longer):
        bus.publish("dispatch.extended", by=by, at=at, offer=offer_id, worker=worker_id)
    shown.refresh_from_db()
    return shown


def _own(offer_id: int, worker_id: int) -> Offer:
    shown = Offer.objects.select_related("job").filter(pk=offer_id, worker=worker_id).first()
    if shown is None:
        raise NoSuchOffer
    return shown


def withdraw(offers: OfferQuerySet, *, why: str, by: Actor, at: datetime) -> None:
    """Take back those of the offers that are still open, and tell each phone.

    For the operations of this app, which hold the lock of the job or of the shift.
    """
    for shown in offers.open().order_by("pk"):
        still_open = Offer.objects.open().filter(pk=shown.pk)
        if still_open.update(state=Offer.State.WITHDRAWN, answered_at=at, why=why):
            bus.publish(
                "dispatch.withdrawn",
                by=by,
                at=at,
                offer=shown.pk,
                worker=shown.worker_id,
                why=why,
            )
