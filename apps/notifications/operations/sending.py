"""The tries to reach a device or a mailbox: each is noted before it is made, and after."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.notifications.models import Device, Notice, Sending
from apps.notifications.operations.devices import drop_device

# Nobody else tries while one does; longer than the longest call.
LEASE = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
KEPT_FOR = timedelta(days=180)
FLEETING_FOR = timedelta(days=1)

State = Sending.State


@transaction.atomic
def claim(*, sending_id: int, at: datetime) -> Sending | None:
    """Begin a try, if one is due and still wanted; None if there is nothing to do.

    Whoever dies in the middle of it leaves it due again a minute later, so a phone may ring
    twice and a mail may come twice, and none is lost.
    """
    due = Sending.objects.due(at).filter(pk=sending_id)
    if not due.update(due_at=at + LEASE, tries=F("tries") + 1):
        return None
    sending = Sending.objects.select_related("notice__user", "device").get(pk=sending_id)
    if at >= sending.notice.expires_at:
        _end(sending, State.LATE, at)
    elif sending.notice.read_at is not None and sending.notice.read_at > sending.notice.created_at:
        _end(sending, State.SEEN, at)
    elif not sending.notice.user.is_active or (sending.device and sending.device.removed_at):
        _end(sending, State.GONE, at)
    else:
        return sending
    return None


@transaction.atomic
def note_sent(*, sending_id: int, at: datetime) -> None:
    """It has reached the push server or the mail server."""
    sending = Sending.objects.get(pk=sending_id)
    _end(sending, State.SENT, at)
    if sending.device_id:
        Device.objects.kept().filter(pk=sending.device_id).update(reached_at=at)


@transaction.atomic
def put_off(*, sending_id: int, error: str, at: datetime) -> int | None:
    """Try again in a while: two seconds, four, at most an hour.  Return in how many.

    None when it would be too late by then; it has run out.
    """
    sending = Sending.objects.select_related("notice").get(pk=sending_id)
    wait = min(timedelta(seconds=2 ** min(sending.tries, 12)), LONGEST_WAIT)
    if at + wait >= sending.notice.expires_at:
        _end(sending, State.LATE, at, error)
        return None
    Sending.objects.filter(pk=sending_id, state=State.DUE).update(
        due_at=at + wait, error=error[:300]
    )
    return int(wait.total_seconds())


@transaction.atomic
def give_up(*, sending_id: int, error: str, by: Actor, at: datetime) -> None:
    """It was refused for a reason that another try will not change.  An officer sees it."""
    sending = Sending.objects.get(pk=sending_id)
    if _end(sending, State.FAILED, at, error):
        bus.publish("notifications.failed", by=by, at=at, **sending.as_told(), error=error[:300])


@transaction.atomic
def note_gone(*, sending_id: int, by: Actor, at: datetime) -> None:
    """The push server knows the device no more, so nobody rings it again."""
    sending = Sending.objects.get(pk=sending_id)
    _end(sending, State.GONE, at)
    if sending.device_id:
        drop_device(device_id=sending.device_id, by=by, at=at)


@transaction.atomic
def send_again(*, sending_id: int, by: Actor, at: datetime) -> None:
    """An officer has what was refused sent once more.  Twice is harmless."""
    sending = Sending.objects.select_related("notice").get(pk=sending_id)
    refused = Sending.objects.filter(pk=sending_id, state=State.FAILED)
    if refused.update(state=State.DUE, due_at=at, ended_at=None, tries=0, error=""):
        later = at + timedelta(days=1)
        Notice.objects.filter(pk=sending.notice_id, expires_at__lt=later).update(expires_at=later)
        bus.publish("notifications.sent_again", by=by, at=at, **sending.as_told())


@transaction.atomic
def forget_old(*, at: datetime) -> int:
    """Forget what is half a year old, and rings of yesterday.  Return how many."""
    old = Notice.objects.filter(created_at__lt=at - KEPT_FOR)
    rings = Notice.objects.filter(is_kept=False, created_at__lt=at - FLEETING_FOR)
    return (old | rings).delete()[0]


def _end(sending: Sending, state: State, at: datetime, error: str = "") -> bool:
    still = Sending.objects.filter(pk=sending.pk, state=State.DUE)
    return bool(still.update(state=state, ended_at=at, error=error[:300]))
