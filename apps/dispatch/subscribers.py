"""News for the phones of workers: something has changed, look again."""

from typing import Any

from apps.bus import operations as bus
from apps.dispatch import live


@bus.subscribe("dispatch.offered")
@bus.subscribe("dispatch.extended")
@bus.subscribe("dispatch.declined")
@bus.subscribe("dispatch.expired")
@bus.subscribe("dispatch.withdrawn")
@bus.subscribe("dispatch.assigned")
@bus.subscribe("dispatch.put_back")
@bus.subscribe("dispatch.redirected")
@bus.subscribe("dispatch.released")
@bus.subscribe("dispatch.shift_started")
@bus.subscribe("dispatch.shift_paused")
@bus.subscribe("dispatch.shift_resumed")
@bus.subscribe("dispatch.shift_limited")
@bus.subscribe("dispatch.shift_ended")
def ring(*, worker: int | None = None, **_: Any) -> None:
    if worker is not None:
        live.tell(worker)
