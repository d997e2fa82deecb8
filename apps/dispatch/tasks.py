from typing import Any

from celery import shared_task

from apps.dispatch import operations
from apps.kernel import clock


@shared_task
def tidy(**_: Any) -> None:
    """Let what has run out run out, even where no matcher is up to do it every second."""
    operations.tidy(at=clock.now())
