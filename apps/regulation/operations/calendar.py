"""The office's calendar: how many working days a case may take, and when nobody works."""

from datetime import date, datetime

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.regulation.models import DayOff, Deadline


@transaction.atomic
def set_deadline(
    *, city_id: int, kind: str, working_days: int, by: Actor, at: datetime
) -> Deadline:
    """Say how many working days the city gives itself for a kind of case.

    Cases that are open keep their day.  The same again changes nothing.
    """
    kept, is_new = Deadline.objects.get_or_create(
        city_id=city_id, kind=kind, defaults={"working_days": working_days}
    )
    if is_new or kept.working_days != working_days:
        kept.working_days = working_days
        kept.save(update_fields=["working_days"])
        bus.publish(
            "regulation.deadline_set", by=by, at=at, city=city_id, kind=kind, days=working_days
        )
    return kept


@transaction.atomic
def set_day_off(*, city_id: int, day: date, name: str, by: Actor, at: datetime) -> DayOff:
    """Close the city's office on a day.  The same again changes nothing."""
    kept, is_new = DayOff.objects.get_or_create(city_id=city_id, day=day, defaults={"name": name})
    if is_new:
        bus.publish("regulation.day_off_set", by=by, at=at, city=city_id, day=day, name=name)
    return kept
