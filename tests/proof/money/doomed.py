"""Processes of the city that die without a word, at a boundary that somebody chose beforehand.

Boundaries are all places at which a process waits for another: before and after each statement
and each commit, before and after each question to the gateway.  A process is forked from a server
that has Django loaded, so that a death costs milliseconds.
"""

import os
import signal
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.db import connection

if not apps.ready:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityplatform.settings")
    django.setup()

NAME = "doomed"
CONTEXT = get_context("forkserver")
# Whatever they are about to do is loaded already.
CONTEXT.set_forkserver_preload([__name__, "tests.proof.money.steps", "tests.proof.money.storm"])

type Work = Callable[[], object]


class Boundaries:
    """Counts them, and ends the process at the one it was given."""

    def __init__(self, last: int | None) -> None:
        self.last, self.seen = last, 0

    def pass_one(self) -> None:
        self.seen += 1
        if self.seen == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def passing(*args: Any, **rest: Any) -> Any:
            self.pass_one()
            result = call(*args, **rest)
            self.pass_one()
            return result

        return passing

    def statement(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        return self.around(execute)(sql, params, many, context)


def _live(line: Connection, work: Work, base: str, key: str, last: int | None) -> None:
    import stripe

    settings.STRIPE_API_BASE, settings.STRIPE_API_KEY = base, key
    stripe.HTTPClient.INITIAL_DELAY = 0.01
    with connection.cursor() as cursor:
        cursor.execute(f"SET application_name = {NAME}")
    there = Boundaries(last)
    asking = stripe.RequestsClient.request
    stripe.RequestsClient.request = there.around(asking)
    connection._commit = there.around(connection._commit)
    with connection.execute_wrapper(there.statement):
        work()
    line.send(there.seen)


def run(work: Work, last: int | None = None) -> int | None:
    """Do it in a process of its own.  Return how many boundaries it passed: None when it died."""
    ours, theirs = CONTEXT.Pipe()
    args = [theirs, work, settings.STRIPE_API_BASE, settings.STRIPE_API_KEY, last]
    process = CONTEXT.Process(target=_live, args=args, daemon=True)
    process.start()
    theirs.close()
    try:
        seen = int(ours.recv())
    except EOFError:
        seen = None
    process.join(60)
    assert process.exitcode == (0 if seen else -signal.SIGKILL), process.exitcode
    wait_until_gone()
    return seen


def wait_until_gone() -> None:
    """The database has seen that they are dead, and let go of what they held."""
    from tests.races import eventually

    eventually(partial(_none_left, f"application_name = '{NAME}'"))


def _none_left(which: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {which}")
        return cursor.fetchone()[0] == 0
