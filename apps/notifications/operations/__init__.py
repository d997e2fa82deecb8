"""News that reaches people: on the screen, on a locked phone, by mail."""

from apps.notifications.operations.choosing import choose, keep_quiet
from apps.notifications.operations.devices import (
    NoSuchDevice,
    NotADevice,
    add_device,
    drop_device,
    remove_device,
)
from apps.notifications.operations.noting import NoSuchNotice, notify, put_away, read
from apps.notifications.operations.sending import (
    claim,
    forget_old,
    give_up,
    note_gone,
    note_sent,
    put_off,
    send_again,
)

__all__ = [
    "NoSuchDevice",
    "NoSuchNotice",
    "NotADevice",
    "add_device",
    "choose",
    "claim",
    "drop_device",
    "forget_old",
    "give_up",
    "keep_quiet",
    "note_gone",
    "note_sent",
    "notify",
    "put_away",
    "put_off",
    "read",
    "remove_device",
    "send_again",
]
