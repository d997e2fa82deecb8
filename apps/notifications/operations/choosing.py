"""How a person wants to hear of things."""

from collections.abc import Collection
from datetime import datetime, time

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.notifications import kinds, queries
from apps.notifications.models import Channel, Choice, QuietHours, validate_zone
from apps.parties.models import User


@transaction.atomic
def choose(*, user_id: int, wanted: Collection[str], by: Actor, at: datetime) -> None:
    """Keep what a person wants: of all switches that are theirs, those named `kind:channel` are on.

    What cannot be turned off stays on, whatever is asked.  Twice is harmless.
    """
    user = User.objects.get(pk=user_id)
    changed = False
    for part in queries.parts_of(user):
        for kind, row in queries.wishes(user, part):
            for wish in row:
                if wish is None or wish.is_fixed or (wish.name in wanted) == wish.is_on:
                    continue
                _set(user_id, kind, wish.channel, wish.name in wanted)
                changed = True
    if changed:
        bus.publish("notifications.chosen", by=by, at=at, user=user_id)


def _set(user_id: int, kind: kinds.Kind, channel: Channel, is_on: bool) -> None:
    if is_on == (channel in kind.channels):
        Choice.objects.filter(user=user_id, kind=kind.slug, channel=channel).delete()
    else:
        Choice.objects.update_or_create(
            user_id=user_id, kind=kind.slug, channel=channel, defaults={"is_on": is_on}
        )


@transaction.atomic
def keep_quiet(
    *, user_id: int, starts: time | None, ends: time | None, zone: str, by: Actor, at: datetime
) -> None:
    """Ring nobody between two hours of the day, by the clocks of a zone; None: at any hour.

    Raises `ValidationError` for a zone that does not exist, `ValueError` for hours without length.
    """
    known = QuietHours.objects.filter(user=user_id)
    if starts is None or ends is None:
        if known.delete()[0]:
            bus.publish("notifications.chosen", by=by, at=at, user=user_id)
        return
    validate_zone(zone)
    if starts == ends:
        raise ValueError("quiet hours begin and end at the same time")
    hours = {"starts": starts, "ends": ends, "zone": zone}
    if not known.filter(**hours).exists():
        QuietHours.objects.update_or_create(user_id=user_id, defaults=hours)
        bus.publish("notifications.chosen", by=by, at=at, user=user_id)
