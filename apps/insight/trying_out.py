"""A worker takes a dry run, works it out, and tells how far it is; nothing is locked meanwhile."""

import logging

from apps.insight import operations
from apps.insight.models import DryRun
from apps.insight.trying.work import Stopped, work_out
from apps.kernel import clock
from apps.kernel.actors import Actor

INSIGHT = Actor.system("insight")

logger = logging.getLogger(__name__)


def try_out(dry_run_id: int) -> DryRun | None:
    """Work a run out unless somebody else does; None if it was not taken or not finished."""
    run = operations.begin_dry_run(dry_run_id=dry_run_id, by=INSIGHT, at=clock.now())
    if run is None:
        return None

    pk, turn = run.pk, run.turns

    def report(done: int, total: int) -> bool:
        return operations.report_dry_run(
            dry_run_id=pk, turn=turn, done=done, total=total, at=clock.now()
        )

    try:
        worked = work_out(run, report)
    except Stopped:
        return None
    except Exception as error:
        # Whatever it is, an officer waits for it: the page says so, and the log has the rest.
        logger.exception("dry run %s", pk)
        operations.fail_dry_run(
            dry_run_id=pk,
            turn=turn,
            error=f"{type(error).__name__}: {error}",
            by=INSIGHT,
            at=clock.now(),
        )
        return None
    return operations.finish_dry_run(
        dry_run_id=pk,
        turn=turn,
        result=worked.result,
        digest=worked.digest,
        by=INSIGHT,
        at=clock.now(),
    )
