"""What follows inside payments.  Nobody here talks to the gateway: a task does."""

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from apps.bus import operations as bus
from apps.payments import operations, tasks


@bus.subscribe("payments.noted")
def begin(*, attempt: int, at: datetime, **_: Any) -> None:
    opened = operations.begin(attempt_id=attempt, by=tasks.PAYMENTS, at=at)
    if opened:
        _ask_after_commit(opened.pk)


@bus.subscribe("payments.asked_again")
def ask_again(*, attempt: int, **_: Any) -> None:
    _ask_after_commit(attempt)


@bus.subscribe("payments.card_removed")
def forget_card(*, card: int, **_: Any) -> None:
    transaction.on_commit(partial(tasks.start_forgetting, card_id=card), robust=True)


def _ask_after_commit(attempt_id: int) -> None:
    # Robust: with the broker down nothing is lost, the attempt is in the table and due soon.
    transaction.on_commit(partial(tasks.start, attempt_id=attempt_id), robust=True)
