from datetime import datetime
from typing import Any

from apps.audit import operations
from apps.bus import operations as bus
from apps.kernel.actors import Actor


@bus.subscribe(bus.EVERY_TOPIC)
def keep(*, event: int, topic: str, by: Actor, at: datetime, source: str, **body: Any) -> None:
    operations.keep(event=event, topic=topic, body=body, by=by, at=at, source=source)
