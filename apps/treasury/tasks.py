"""The gateway is asked for its lines, holding nothing, and then everything is compared."""

import logging
from datetime import datetime
from typing import Any

from celery import shared_task
from django.core.exceptions import ImproperlyConfigured

from apps.kernel import clock
from apps.kernel.actors import Actor
from apps.payments import gateway
from apps.payments.gateway import Gateway
from apps.treasury import operations

TREASURY = Actor.system("treasury")

# How often the lines are asked for once more before the balance is taken as it is.
TURNS = 3

logger = logging.getLogger(__name__)


@shared_task
def reconcile(*, is_whole: bool = False, **_: Any) -> None:
    """Read what is new at the gateway, compare, book what only it could know.

    `is_whole`: what is months old, too.

    With the gateway down, what was read before is compared all the same.
    """
    read()
    run = operations.compare(by=TREASURY, at=clock.now(), is_whole=is_whole)
    if run.differences:
        logger.warning("%s lines, differences: %s", run.lines, run.differences)


def read() -> int:
    """Keep the gateway's lines since the last reading; return how many were new."""
    try:
        bank = gateway.ours()
        kept = _keep(bank, operations.read_since())
        held = bank.balance()
        # What came while we asked is in the balance and not yet in the lines.
        for _ in range(TURNS):
            fresh = _keep(bank, operations.newest())
            if not fresh:
                break
            kept, held = kept + fresh, bank.balance()
    except (gateway.GatewayDown, gateway.NotUnderstood, ImproperlyConfigured) as error:
        logger.warning("the gateway's lines wait: %s", error)
        return 0
    except operations.Contradicted as error:
        logger.error("the gateway says otherwise than before: %s", error)
        return 0
    operations.advance(held=held, at=clock.now())
    return kept


def _keep(bank: Gateway, since: datetime) -> int:
    pages = bank.balance_lines(since=since)
    return sum(operations.keep_lines(lines=one, by=TREASURY, at=clock.now()) for one in pages)
