from typing import Any

from celery import shared_task

from apps.kernel import clock
from apps.ledger import closing


@shared_task
def close_days(**_: Any) -> None:
    """Close the days of the books that are over."""
    closing.close_due(at=clock.now())
