"""What the passing of time does: offers run out, searches give up, shifts come to their end."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.bus import operations as bus
from apps.dispatch.models import Job, Offer, Run, Shift
from apps.dispatch.operations.offers import withdraw
from apps.dispatch.operations.shifts import OnARun, end_shift, pause_shift
from apps.dispatch.waking import wake_matcher
from apps.kernel.actors import Actor

# Whoever lets so many offers in a row run out is not looking: riders must not wait for them.
MISSED_IN_A_ROW = 3
NO_ANSWER = "no_answer"


def tidy(*, at: datetime) -> int:
    """Do what is due, each thing in a transaction of its own.  Return how much was done.

    Any number may tidy at once: each thing is done once.
    """
    by = Actor.system("dispatch")
    done = 0
    due = Offer.objects.open().filter(expires_at__lte=at).order_by("pk")
    for offer_id, worker_id in due.values_list("pk", "worker"):
        done += _expire(offer_id, worker_id, by, at)
    late = Job.objects.searching().filter(search_until__lte=at).order_by("pk")
    for job_id in late.values_list("pk", flat=True):
        done += _give_up(job_id, by, at)
    under_way = Run.objects.live().filter(worker=OuterRef("worker"))
    over = Shift.objects.open().filter(~Exists(under_way), until__lte=at).order_by("pk")
    for worker_id in over.values_list("worker", flat=True):
        try:
            end_shift(worker_id=worker_id, by=by, at=at)
        except OnARun:
            continue  # They said yes just now: the shift ends after that ride.
        done += 1
    return done


@transaction.atomic
def _expire(offer_id: int, worker_id: int, by: Actor, at: datetime) -> bool:
    # The shift before the offer, as everywhere.
    shift = Shift.objects.locked().open().filter(worker=worker_id).first()
    due = Offer.objects.open().filter(pk=offer_id, expires_at__lte=at)
    if not due.update(state=Offer.State.EXPIRED, answered_at=at):
        return False
    job = Job.objects.get(offers=offer_id)
    bus.publish("dispatch.expired", by=by, at=at, offer=offer_id, worker=worker_id)
    wake_matcher(job.city_id)
    if shift is not None:
        shift.missed += 1
        shift.save(update_fields=["missed"])
        if shift.missed >= MISSED_IN_A_ROW:
            pause_shift(worker_id=worker_id, reason=NO_ANSWER, by=by, at=at)
    return True


@transaction.atomic
def _give_up(job_id: int, by: Actor, at: datetime) -> bool:
    late = Job.objects.locked().searching().filter(pk=job_id, search_until__lte=at)
    job = late.first()
    if job is None:
        return False
    withdraw(Offer.objects.filter(job=job), why="unserved", by=by, at=at)
    job.state = Job.State.UNSERVED
    job.released_at = at
    job.save(update_fields=["state", "released_at"])
    bus.publish("dispatch.unserved", by=by, at=at, holder=str(job.holder))
    return True
