"""What follows inside insight: whoever asks for a dry run has a worker begin it."""

from functools import partial
from typing import Any

from django.db import transaction

from apps.bus import operations as bus
from apps.insight import tasks


@bus.subscribe("insight.dry_run_asked")
def begin(*, dry_run: int, **_: Any) -> None:
    # Robust: with the broker down nothing is lost, the run is in the table and due soon.
    transaction.on_commit(partial(tasks.start, dry_run_id=dry_run), robust=True)
