from typing import Any

from celery import shared_task

from apps.kernel import clock
from apps.ledger import closing, operations


@shared_task
def close_days(**_: Any) -> None:
    """Close the days of the books that are over."""
    closing.close_due(at=clock.now())


@shared_task
def roll_up(**_: Any) -> None:
    """Sum what was booked since the last time, so that balances of busy accounts are at hand."""
    operations.roll_up()
