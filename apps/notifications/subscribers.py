"""What follows inside notifications.  Nobody here talks to a push server: a task does."""

from functools import partial
from typing import Any

from django.db import transaction

from apps.bus import operations as bus
from apps.notifications import kinds, tasks
from apps.notifications.models import Sending


@bus.subscribe("notifications.noted")
def send(*, notice: int, kind: str, at: Any, **_: Any) -> None:
    """Start what is due at once; what waits for the end of quiet hours is the sweep's."""
    for sending_id in Sending.objects.due(at).filter(notice=notice).values_list("pk", flat=True):
        _start(sending_id, kinds.get(kind).is_urgent)


@bus.subscribe("notifications.sent_again")
def again(*, sending: int, **_: Any) -> None:
    _start(sending, is_urgent=False)


def _start(sending_id: int, is_urgent: bool) -> None:
    # Robust: with the broker down nothing is lost, the sending is in the table and due.
    begin = partial(tasks.start, sending_id=sending_id, is_urgent=is_urgent)
    transaction.on_commit(begin, robust=True)
