import logging
from typing import Any

from celery import shared_task
from kombu.exceptions import OperationalError

from apps.insight import machinery, operations, trying_out
from apps.kernel import clock

logger = logging.getLogger(__name__)


@shared_task
def heartbeat(**_: Any) -> None:
    """The schedule rang, the broker carried it, a worker heard it: all three go on."""
    machinery.beat(at=clock.now())


@shared_task
def try_out(*, dry_run_id: int, **_: Any) -> None:
    """Work a dry run out."""
    trying_out.try_out(dry_run_id)


@shared_task
def try_out_due(**_: Any) -> None:
    """Fan out the dry runs that wait, and those whose worker is gone."""
    for dry_run_id in operations.due(clock.now()).values_list("pk", flat=True)[:100]:
        start(dry_run_id=dry_run_id)


def start(*, dry_run_id: int) -> None:
    """Hand a dry run to the workers.  With the broker down the next sweep finds it."""
    try:
        try_out.apply_async(kwargs={"dry_run_id": dry_run_id}, retry=False)
    except OperationalError:
        logger.warning("no broker: dry run %s waits for the sweep", dry_run_id)
