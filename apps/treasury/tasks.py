"""The gateway is asked for its lines, holding nothing, and then everything is compared."""

import logging
from typing import Any

from celery import shared_task
from django.core.exceptions import ImproperlyConfigured

from apps.kernel import clock
from apps.kernel.actors import Actor
from apps.payments import gateway
from apps.treasury import operations

TREASURY = Actor.system("treasury")

logger = logging.getLogger(__name__)


@shared_task
def reconcile(**_: Any) -> None:
    """Read what is new at the gateway, compare, book what only it could know.

    With the gateway down, what was read before is compared all the same.
    """
    read()
    run = operations.reconcile(by=TREASURY, at=clock.now())
    operations.book_known(by=TREASURY, at=clock.now())
    operations.book_arrived(by=TREASURY, at=clock.now())
    if run.differences:
        logger.warning("%s lines, differences: %s", run.lines, run.differences)


def read() -> int:
    """Keep the gateway's lines since the last reading; return how many were new."""
    try:
        bank = gateway.ours()
        kept = 0
        for page in bank.balance_lines(since=operations.read_since()):
            kept += operations.keep_lines(lines=page, by=TREASURY, at=clock.now())
        held = bank.balance()
    except (gateway.GatewayDown, gateway.NotUnderstood, ImproperlyConfigured) as error:
        logger.warning("the gateway's lines wait: %s", error)
        return 0
    except operations.Contradicted as error:
        logger.error("the gateway says otherwise than before: %s", error)
        return 0
    operations.advance(held=held, at=clock.now())
    return kept
