"""Live lines: telling open sockets that something changed.

A ring is a hint and never the truth: a socket that hears it reads the database, and one that
missed it reads the database when it comes back.  So a broken line is logged and never stops
the work that rang.
"""

import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

logger = logging.getLogger(__name__)

_is_down = False


def ring(line: str, **message: Any) -> None:
    """Send a message to every socket on a line, once the present transaction is committed.

    `message` needs a `type`, the name of the consumer's method.
    """
    transaction.on_commit(lambda: _send(line, message))


def _send(line: str, message: dict[str, Any]) -> None:
    global _is_down
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(line, message)
    except Exception:
        # Whatever the broker's trouble is, the phones find out at their next sync.
        if not _is_down:
            logger.exception("live lines are down")
        _is_down = True
    else:
        _is_down = False
