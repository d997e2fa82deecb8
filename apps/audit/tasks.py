from typing import Any

from celery import shared_task

from apps.audit import operations
from apps.kernel import clock


@shared_task
def seal_all(**_: Any) -> None:
    """Seal every log."""
    operations.seal_all(at=clock.now())
