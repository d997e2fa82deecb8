from typing import Any

from celery import shared_task

from apps.kernel import clock
from apps.regulation import operations, streets


@shared_task
def remind(**_: Any) -> None:
    """Tell of the papers and the permits that run out soon."""
    operations.remind(at=clock.now())
    operations.remind_of_permits(at=clock.now())


@shared_task
def limit_streets(**_: Any) -> None:
    """Let cars find their ways as the policies on speed and closed streets say now."""
    streets.apply_limits(at=clock.now())
