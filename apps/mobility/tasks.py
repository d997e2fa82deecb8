from typing import Any

from celery import shared_task

from apps.kernel import clock
from apps.mobility import operations


@shared_task
def begin_searches(**_: Any) -> None:
    """Look for the drivers of the later rides whose hour is near."""
    operations.begin_searches(at=clock.now())


@shared_task
def look_after_rides(**_: Any) -> None:
    """Ask about rides that have become unusual, and tell officers what nobody answered."""
    operations.look_after_rides(at=clock.now())


@shared_task
def forget_ways(**_: Any) -> None:
    """Forget where cars were, ours and other apps', once it is older than their city keeps it."""
    operations.forget_ways(at=clock.now())
    operations.forget_foreign_places(at=clock.now())


@shared_task
def close_old_lost(**_: Any) -> None:
    """Close the reports of lost items that are a fortnight old."""
    operations.close_old_lost(at=clock.now())
