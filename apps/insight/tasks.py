from typing import Any

from celery import shared_task

from apps.insight import machinery
from apps.kernel import clock


@shared_task
def heartbeat(**_: Any) -> None:
    """The schedule rang, the broker carried it, a worker heard it: all three go on."""
    machinery.beat(at=clock.now())
