"""The engine's verbs: a job is noted, searched for, given back, and let go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from apps.bus import operations as bus
from apps.dispatch.models import Job, Offer, Run
from apps.dispatch.operations.offers import withdraw
from apps.dispatch.waking import wake_matcher
from apps.kernel.actors import Actor
from apps.places.geometry import Point

# A rider whose driver gave the job back is looked after for this long again.
SEARCH_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Trip:
    """From where to where in a city, for how many, what it needs, and what it pays the worker.

    `needs` are abilities that the worker must have, such as `accessible`.  Raises `ValueError`
    for a trip that carries nothing.
    """

    city_id: int
    pickup: Point
    dropoff: Point
    seats: int = 1
    needs: Sequence[str] = ()
    pay_minor: int = 0
    currency: str = ""

    def __post_init__(self) -> None:
        if self.seats < 1:
            raise ValueError("a trip takes at least one seat")


@transaction.atomic
def hold(trip: Trip, /, *, holder: UUID, until: datetime, by: Actor, at: datetime) -> Job:
    """Note the job.  It rings nobody until it is confirmed, and nobody is sought after `until`.

    A second hold of the same holder returns the first job.
    """
    try:
        with transaction.atomic():
            job = Job.objects.create(
                city_id=trip.city_id,
                holder=holder,
                pickup_lat=trip.pickup.lat,
                pickup_lon=trip.pickup.lon,
                dropoff_lat=trip.dropoff.lat,
                dropoff_lon=trip.dropoff.lon,
                seats=trip.seats,
                needs=list(trip.needs),
                pay_minor=trip.pay_minor,
                currency=trip.currency,
                held_at=at,
                search_until=until,
            )
    except IntegrityError:
        # Raises DoesNotExist if it was not the holder that was there before.
        return Job.objects.get(holder=holder)
    bus.publish(
        "dispatch.held",
        by=by,
        at=at,
        job=job.pk,
        holder=str(holder),
        until=until.isoformat(),
    )
    return job


@transaction.atomic
def confirm(*, holder: UUID, by: Actor, at: datetime) -> None:
    """Start looking for a worker.  Confirming twice is harmless."""
    waiting = Job.objects.filter(holder=holder, state=Job.State.WAITING)
    if not waiting.update(state=Job.State.SEARCHING, searching_since=at):
        return
    job = Job.objects.get(holder=holder)
    bus.publish("dispatch.searching", by=by, at=at, holder=str(holder), job=job.pk)
    wake_matcher(job.city_id)


@transaction.atomic
def search_longer(*, holder: UUID, until: datetime, by: Actor, at: datetime) -> None:
    """Look for a worker at least until then.  Never shorter than it was said before."""
    searched = Job.objects.filter(holder=holder, state=Job.State.SEARCHING)
    if searched.filter(search_until__lt=until).update(search_until=until):
        bus.publish(
            "dispatch.searched_longer",
            by=by,
            at=at,
            holder=str(holder),
            until=until.isoformat(),
        )


@transaction.atomic
def pick_up(*, holder: UUID, by: Actor, at: datetime) -> None:
    """Somebody or something has come on board: from now on the way is kept.  Twice is harmless."""
    boarding = Job.objects.filter(holder=holder, state=Job.State.ASSIGNED, picked_up_at=None)
    if boarding.update(picked_up_at=at):
        bus.publish("dispatch.picked_up", by=by, at=at, holder=str(holder))


@transaction.atomic
def release(*, holder: UUID, by: Actor, at: datetime) -> None:
    """Let the job go, done or called off, and its seats with it.

    Twice is harmless, and so is letting go what was never held.
    """
    job = Job.objects.locked().filter(holder=holder).first()
    if job is None or job.is_over:
        return
    worker_id = job.run.worker_id if job.run else None
    withdraw(Offer.objects.filter(job=job), why="released", by=by, at=at)
    if job.run:
        free_seats(job, job.run, at)
    job.state = Job.State.RELEASED
    job.released_at = at
    job.save(update_fields=["state", "released_at"])
    bus.publish("dispatch.released", by=by, at=at, holder=str(holder), worker=worker_id)
    wake_matcher(job.city_id)


@transaction.atomic
def put_back(*, holder: UUID, by: Actor, at: datetime) -> None:
    """The worker gives the job back: the search begins anew, and without that worker.

    The rider's place in the queue stays what it was.  Harmless if nobody has the job.
    """
    job = Job.objects.locked().filter(holder=holder, state=Job.State.ASSIGNED).first()
    if job is None or job.run is None:
        return
    worker_id = job.run.worker_id
    job.offers.filter(state=Offer.State.ACCEPTED).update(state=Offer.State.GIVEN_BACK)
    free_seats(job, job.run, at)
    job.state = Job.State.SEARCHING
    job.run = None
    job.assigned_at = job.picked_up_at = None
    job.searching_since = at
    job.search_until = max(job.search_until, at + SEARCH_AGAIN)
    changed = ["state", "run", "assigned_at", "picked_up_at", "searching_since", "search_until"]
    job.save(update_fields=changed)
    bus.publish("dispatch.put_back", by=by, at=at, holder=str(holder), worker=worker_id)
    wake_matcher(job.city_id)


@transaction.atomic
def redirect(trip: Trip, /, *, holder: UUID, by: Actor, at: datetime) -> None:
    """The job goes elsewhere, for another pay.  Who has it is told; who is asked is asked anew.

    Twice is harmless, and so is a job that is over.
    """
    job = Job.objects.locked().filter(holder=holder).first()
    if job is None or job.is_over:
        return
    goes = {
        "dropoff_lat": trip.dropoff.lat,
        "dropoff_lon": trip.dropoff.lon,
        "pay_minor": trip.pay_minor,
    }
    if all(getattr(job, name) == value for name, value in goes.items()):
        return
    Job.objects.filter(pk=job.pk).update(**goes)
    # An offer is an answer to what stands on the screen.
    withdraw(Offer.objects.filter(job=job), why="redirected", by=by, at=at)
    worker_id = job.run.worker_id if job.run else None
    bus.publish("dispatch.redirected", by=by, at=at, holder=str(holder), worker=worker_id)
    wake_matcher(job.city_id)


def free_seats(job: Job, of: Run, at: datetime) -> None:
    """Take the job off its Run, which ends with its last one.  The job must be locked."""
    run = Run.objects.filter(pk=of.pk)
    run.update(taken=F("taken") - job.seats)
    run.filter(taken=0).update(state=Run.State.ENDED, ended_at=at)
