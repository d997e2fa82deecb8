from typing import Any

from celery import shared_task

from apps.kernel import clock
from apps.reviews import operations


@shared_task
def show_due(**_: Any) -> None:
    operations.show_due(at=clock.now())
