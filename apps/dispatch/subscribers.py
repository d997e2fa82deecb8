"""News for the phones of workers: something has changed, look again."""

import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from apps.bus import operations as bus

logger = logging.getLogger(__name__)

# So that an outage is told once, and not with every ring.
_reachable = True


def line_of(worker_id: int) -> str:
    """The name of a worker's line, the group that all their devices listen on."""
    return f"worker-{worker_id}"


@bus.subscribe("dispatch.offered")
@bus.subscribe("dispatch.extended")
@bus.subscribe("dispatch.declined")
@bus.subscribe("dispatch.expired")
@bus.subscribe("dispatch.withdrawn")
@bus.subscribe("dispatch.assigned")
@bus.subscribe("dispatch.put_back")
@bus.subscribe("dispatch.released")
@bus.subscribe("dispatch.shift_started")
@bus.subscribe("dispatch.shift_paused")
@bus.subscribe("dispatch.shift_resumed")
@bus.subscribe("dispatch.shift_limited")
@bus.subscribe("dispatch.shift_ended")
def ring(*, worker: int | None = None, **_: Any) -> None:
    """Tell the worker's devices.  What they show they read from the database.

    A ring that is lost is not rung again: the phone finds out when it next asks.
    """
    if worker is not None:
        transaction.on_commit(lambda: _send(worker), robust=True)


def _send(worker_id: int) -> None:
    global _reachable
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(line_of(worker_id), {"type": "changed"})
    except Exception as error:
        # Whatever the layer raises, news must go on to the other subscribers.
        if _reachable:
            logger.warning("phones cannot be rung: %r", error)
        _reachable = False
    else:
        if not _reachable:
            logger.info("phones can be rung again")
        _reachable = True
