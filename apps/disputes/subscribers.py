"""What follows from the gateway's news of disputes, and from what officers want."""

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from apps.bus import operations as bus
from apps.disputes import operations, tasks, telling


@bus.subscribe("payments.disputed")
def heed(*, facts: dict[str, Any], at: datetime, **_: Any) -> None:
    operations.heed(facts=facts, by=tasks.DISPUTES, at=at)


@bus.subscribe("disputes.wanted")
def put(*, dispute: int, **_: Any) -> None:
    # Robust: with the broker down nothing is lost, the wish is in the table.
    transaction.on_commit(partial(tasks.start, dispute_id=dispute), robust=True)


@bus.subscribe("disputes.opened")
@bus.subscribe("disputes.due_soon")
@bus.subscribe("disputes.won")
@bus.subscribe("disputes.lost")
def tell(*, topic: str, dispute: int, at: datetime, **_: Any) -> None:
    kind = topic.replace("disputes.", "dispute_")
    telling.tell(kind=kind, dispute_id=dispute, by=tasks.DISPUTES, at=at)
