from typing import Any

from celery import shared_task

from apps.kernel import clock
from apps.regulation import operations


@shared_task
def remind(**_: Any) -> None:
    """Tell of the papers and the permits that run out soon."""
    operations.remind(at=clock.now())
    operations.remind_of_permits(at=clock.now())
