"""Telling people, and their reading of it."""

from datetime import datetime

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.notifications import kinds, live, queries
from apps.notifications.models import Channel, Notice, Sending
from apps.notifications.words import Context


class NoSuchNotice(Exception):
    """There is no such notice, or it is somebody else's."""


@transaction.atomic
def notify(
    *,
    to: int,
    kind: str,
    about: str,
    link: str,
    context: Context | None = None,
    expires_at: datetime | None = None,
    by: Actor,
    at: datetime,
) -> Notice | None:
    """Tell a person something, in all the ways in which they want to hear of such things.

    `about` names what it is about: told twice of the same, a person hears it once.  `context`
    fills the words of the kind; `link` is the page of the city where it leads.  Whatever is to be
    sent is sent later, by a task.  Returns None where a fleeting kind finds no phone to ring at.
    Raises `kinds.NoSuchKind`.
    """
    told = kinds.get(kind)
    until = expires_at or at + told.lasts
    wanted = queries.channels_for(to, told)
    devices = list(queries.devices_of(to)) if Channel.PUSH in wanted else []
    if told.is_fleeting and not devices:
        return None
    is_seen = Channel.SCREEN not in wanted
    notice, is_new = Notice.objects.get_or_create(
        user_id=to,
        kind=kind,
        about=about,
        defaults={
            "context": context or {},
            "link": link,
            "created_at": at,
            "expires_at": until,
            # Whoever wants none of it on the screen finds it in the list, and not counted.
            "read_at": at if is_seen and not told.is_fleeting else None,
            "is_kept": not told.is_fleeting,
        },
    )
    if not is_new:
        return notice
    quiet = None if told.is_urgent else queries.quiet_until(to, at)
    ways = [(Channel.PUSH, device) for device in devices]
    due = [
        Sending(notice=notice, channel=channel, device=device, due_at=quiet or at)
        for channel, device in [*ways, *([(Channel.MAIL, None)] * (Channel.MAIL in wanted))]
    ]
    Sending.objects.bulk_create(due)
    bus.publish("notifications.noted", by=by, at=at, notice=notice.pk, user=to, kind=kind)
    if notice.is_kept:
        live.tell(to)
    return notice


@transaction.atomic
def read(*, user_id: int, ref: str | None = None, by: Actor, at: datetime) -> int:
    """A person has read one notice, or all of them.  Twice is harmless.  Return how many are new.

    Raises `NoSuchNotice`.
    """
    mine = queries.inbox(user_id)
    if ref is not None:
        mine = mine.filter(ref=ref)
        if not mine.exists():
            raise NoSuchNotice(ref)
    count = mine.filter(read_at=None).order_by().update(read_at=at)
    if count:
        bus.publish("notifications.read", by=by, at=at, user=user_id, count=count)
        live.tell(user_id)
    return count


@transaction.atomic
def put_away(*, kind: str, about: str, by: Actor, at: datetime) -> int:
    """Somebody has dealt with it: nobody else need read it, and nothing rings any more.

    Twice is harmless.  Return for how many it was still to read.
    """
    waiting = Notice.objects.unread().filter(kind=kind, about=about)
    people = list(waiting.order_by("user").values_list("user", flat=True))
    count = waiting.update(read_at=at)
    if count:
        bus.publish("notifications.put_away", by=by, at=at, kind=kind, count=count)
        for person in people:
            live.tell(person)
    return count
