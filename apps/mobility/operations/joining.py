"""How somebody becomes a driver, and how driver and fleet part."""

from datetime import datetime

from django.db import IntegrityError, transaction

from apps.dispatch import operations as dispatch
from apps.kernel.actors import Actor
from apps.mobility.models import Vehicle
from apps.mobility.operations import stating
from apps.mobility.operations.quoting import VERTICAL
from apps.mobility.operations.shifts import note_end_of_shift
from apps.parties import operations as parties
from apps.parties.models import Joining, Worker
from apps.regulation import operations as regulation
from apps.regulation.models import Decision
from apps.regulation.queries import valid_permit
from apps.regulation.rules import Act, Case


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


def agree_to_driver(*, joining_id: int, city_id: int, by: Actor, at: datetime) -> Worker:
    """Take on a driver who asked, with their car.  Twice is harmless.

    Raises what `parties.agree_to_joining` raises, `PlateTaken`, and `regulation.NotPermitted` where
    a rule of the city wants more accessible cars in a fleet first; that refusal stays on record.
    """
    asked = Joining.objects.filter(pk=joining_id, state=Joining.State.ASKED).first()
    if asked and (refusal := _ask_for_the_car(asked, city_id, by, at)):
        raise regulation.NotPermitted.by(refusal)
    with transaction.atomic():
        worker = parties.agree_to_joining(joining_id=joining_id, by=by, at=at)
        _write_vehicle(Joining.objects.get(pk=joining_id))
    return worker


def _ask_for_the_car(joining: Joining, city_id: int, by: Actor, at: datetime) -> Decision | None:
    """The city's no to one more car of a fleet that offers rides already; None if it says none.

    A fleet without a permit offers nothing yet: its drivers are asked for when they go on line.
    """
    if joining.provider_id is None:
        return None
    facts = stating.one_more_car(joining.provider_id, joining.abilities, city_id)
    if not facts or valid_permit(joining.provider_id, VERTICAL, at) is None:
        return None
    case = Case(
        act=Act.PUBLISH,
        city_id=city_id,
        vertical=VERTICAL,
        provider_id=joining.provider_id,
        moment=at,
        facts=facts,
    )
    decision = regulation.decide(case, by=by, at=at)
    return None if decision.is_granted else decision


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
