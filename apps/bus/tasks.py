from typing import Any

from celery import shared_task

from apps.bus import operations
from apps.kernel import clock


@shared_task
def relay(**_: Any) -> None:
    """Make what deliveries are due, where no relay process runs."""
    operations.relay(at=clock.now())


@shared_task
def sweep(**_: Any) -> None:
    """Forget what was told long ago."""
    operations.sweep(at=clock.now())
