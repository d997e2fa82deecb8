"""What the city is told of a driver and a fleet, where a rule of it asks: hours and cars.

A fact that no rule asks for is neither looked up nor kept.
"""

from datetime import datetime, timedelta

from apps.dispatch import hours
from apps.dispatch.queries import stretches_on_line
from apps.mobility.operations.quoting import VERTICAL
from apps.parties.models import Worker
from apps.regulation.limits import facts_asked, most_of
from apps.regulation.rules import Act, Case
from apps.regulation.rules.terms import WHOLE

HOURS, ACCESSIBLE_CARS = "hours_worked", "accessible_cars_bp"
ACCESSIBLE = "accessible"
HOUR = timedelta(hours=1)


def on_line(worker: Worker, city_id: int, at: datetime) -> dict[str, str | int]:
    """The facts of a driver who wants to go on line."""
    asked = facts_asked(city_id, VERTICAL)
    told: dict[str, str | int] = {}
    if HOURS in asked:
        told[HOURS] = hour_of_work(worker.pk, at)
    # Nobody is kept from driving the very cars of which there are too few.
    if ACCESSIBLE_CARS in asked and ACCESSIBLE not in worker.abilities:
        told[ACCESSIBLE_CARS] = share_of_accessible(worker.provider_id)
    return told


def one_more_car(provider_id: int, abilities: list[str], city_id: int) -> dict[str, str | int]:
    """The facts of a fleet that takes on one more driver with their car."""
    if ACCESSIBLE in abilities or ACCESSIBLE_CARS not in facts_asked(city_id, VERTICAL):
        return {}
    return {ACCESSIBLE_CARS: share_of_accessible(provider_id, more=1)}


def hour_of_work(worker_id: int, at: datetime) -> int:
    """The how-manieth hour of work of the last 24 begins now: 1 for whoever was off line so long.

    So "at most 10" lets nobody begin once ten hours are full.
    """
    return hours.worked(stretches_on_line(worker_id, at), at) // HOUR + 1


def hours_end(worker: Worker, city_id: int, at: datetime) -> datetime | None:
    """When a driver who goes on now without a stop has worked as long as the city lets them."""
    if HOURS not in facts_asked(city_id, VERTICAL):
        return None
    case = Case(
        act=Act.GO_ON_LINE,
        city_id=city_id,
        vertical=VERTICAL,
        provider_id=worker.provider_id,
        moment=at,
        who={"worker": worker.pk},
        facts={HOURS: hour_of_work(worker.pk, at)},
    )
    most = most_of(case, HOURS)
    if most is None:
        return None
    left = hours.time_left(stretches_on_line(worker.pk, at), most * HOUR, at)
    return None if left is None else at + left


def share_of_accessible(provider_id: int, *, more: int = 0) -> int:
    """Which share of a fleet's cars takes a wheelchair, in hundredths of a percent.

    `more` cars that do not are about to come; a fleet without a car has what nobody asks of it.
    """
    cars = Worker.objects.active().filter(provider=provider_id, vehicle__isnull=False)
    count = cars.count() + more
    able = cars.filter(abilities__contains=[ACCESSIBLE]).count()
    return able * WHOLE // count if count else WHOLE
