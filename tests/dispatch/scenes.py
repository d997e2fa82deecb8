"""What most tests of dispatch begin with."""

from datetime import timedelta
from uuid import uuid4

from apps.dispatch import operations as dispatch
from apps.dispatch.models import Job, Position
from apps.places.geometry import Point
from tests.factories import CITY, DRIVER, NOON, CityFactory, WorkerFactory

PLAZA = Point(-29.9027, -71.2520)
BEACH = Point(-29.9145, -71.2750)
GIVE_UP = NOON + timedelta(minutes=10)


def trip(**told):
    told = {"city_id": CityFactory().pk, "pickup": PLAZA, "dropoff": BEACH} | told
    return dispatch.Trip(**told)


def search(at=NOON, until=GIVE_UP, **told) -> Job:
    """A job that searches."""
    job = dispatch.hold(trip(**told), holder=uuid4(), until=until, by=CITY, at=at)
    dispatch.confirm(holder=job.holder, by=CITY, at=at)
    job.refresh_from_db()
    return job


def on_line(at=NOON, place=PLAZA, **told):
    """A worker on the line, and heard of."""
    worker = WorkerFactory(**told)
    dispatch.start_shift(worker_id=worker.pk, city_id=CityFactory().pk, by=DRIVER, at=at)
    Position.objects.create(worker=worker, lat=place.lat, lon=place.lon, seen_at=at)
    return worker


def offer(worker, job=None, at=NOON):
    job = job or search()
    return dispatch.offer(
        job_id=job.pk, worker_id=worker.pk, eta_seconds=60, eta_metres=400, by=CITY, at=at
    )


def accept(offer, worker, at=NOON):
    return dispatch.accept(offer_id=offer.pk, worker_id=worker.pk, by=DRIVER, at=at)


def under_way(worker=None, at=NOON):
    """A job that a worker has taken."""
    worker = worker or on_line(at=at)
    return accept(offer(worker, at=at), worker, at=at)
