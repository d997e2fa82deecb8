"""What a process in the storm does: one order after another, until it is killed."""

from contextlib import suppress
from multiprocessing.connection import Connection

from django.conf import settings
from django.db import Error, connection

from apps.kernel import clock
from apps.ledger import operations as ledger
from apps.payments import operations
from tests.factories import CITY
from tests.proof.money.doomed import NAME
from tests.proof.money.steps import Life, authorise, capture, refund


def live(life: Life) -> None:
    """All of one order's money.  What is not there yet, somebody else is about to do."""
    authorise(life)
    capture(life)
    with suppress(operations.NotCaptured):
        refund(life)
    lines = [("city:la-serena:storm", 5), ("platform:storm", -5)]
    ledger.post(
        key=f"storm:{life.holder}",
        kind="storm",
        about=life.holder,
        lines=lines,
        currency="CLP",
        by=CITY,
        at=clock.now(),
    )


def member(line: Connection, base: str, key: str) -> None:
    settings.STRIPE_API_BASE, settings.STRIPE_API_KEY = base, key
    while True:
        life = line.recv()
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SET application_name = {NAME}")
            live(life)
        except Error:
            # The database hung up: nothing was acknowledged, whoever asked asks again.
            connection.close()
            line.send(None)
        else:
            line.send(life.holder)
