from typing import Any

from celery import shared_task

from apps.kernel import clock
from apps.settlement import operations


@shared_task
def settle_all(**_: Any) -> None:
    """Settle the cities where it is night.  Runs every hour, settles each once a day."""
    operations.settle_due(at=clock.now())
