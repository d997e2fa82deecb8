"""How somebody becomes a driver, and how driver and fleet part."""

from datetime import datetime

from django.db import IntegrityError, transaction

from apps.dispatch import operations as dispatch
from apps.kernel.actors import Actor
from apps.mobility.models import Vehicle
from apps.mobility.operations.shifts import note_end_of_shift
from apps.parties import operations as parties
from apps.parties.models import Joining, Worker


class PlateTaken(Exception):
    """The car of this plate is another driver's."""


@transaction.atomic
def ask_to_drive(*, joining_id: int, by: Actor, at: datetime) -> Joining:
    """Send an application to drive.  Twice is harmless.

    Raises what `parties.ask_to_join` raises, and `PlateTaken`.
    """
    joining = parties.ask_to_join(joining_id=joining_id, by=by, at=at)
    plate = joining.details.get("plate", "")
    if Vehicle.objects.filter(plate=plate).exclude(worker__user=joining.user_id).exists():
        raise PlateTaken(plate)
    if joining.state == Joining.State.AGREED:
        _write_vehicle(joining)
    return joining


@transaction.atomic
def agree_to_driver(*, joining_id: int, by: Actor, at: datetime) -> Worker:
    """Take on a driver who asked, with their car.  Twice is harmless.

    Raises what `parties.agree_to_joining` raises, and `PlateTaken`.
    """
    worker = parties.agree_to_joining(joining_id=joining_id, by=by, at=at)
    _write_vehicle(Joining.objects.get(pk=joining_id))
    return worker


@transaction.atomic
def part_ways(*, worker_id: int, by: Actor, at: datetime) -> None:
    """A driver leaves the fleet, whoever wants it so.  Twice is harmless.

    Raises `dispatch.OnARun` while somebody is to be driven, and `parties.LastOwner`.
    """
    worker = Worker.objects.get(pk=worker_id)
    dispatch.end_shift(worker_id=worker_id, by=by, at=at)
    note_end_of_shift(worker_id=worker_id, at=at)
    parties.remove_member(provider_id=worker.provider_id, user_id=worker.user_id, by=by, at=at)


def _write_vehicle(joining: Joining) -> None:
    car = {name: joining.details.get(name, "") for name in ("make", "colour", "plate")}
    worker = Worker.objects.get(user=joining.user_id)
    try:
        with transaction.atomic():
            Vehicle.objects.update_or_create(worker=worker, defaults=car)
    except IntegrityError as error:
        raise PlateTaken(car["plate"]) from error
