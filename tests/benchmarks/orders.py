"""What an order costs: statements, CPU, and how many a second several processes place.

Only `orders.place` is measured: the quote stands before, and what the bank and the matcher do
comes after.  Statements are those of one call, without the control of transactions.  CPU is that of
this process and of PostgreSQL together.  The reference of the rate is pgbench's TPC-B on the same
server, with as many clients as we have processes.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from statistics import median
from typing import Any
from uuid import uuid4

from tests.benchmarks.crew import crew, rate, serve
from tests.benchmarks.ground import Ground, ground, set_up
from tests.benchmarks.measures import by_turns, cpu_of, options, say, tell

PROCESSES = 4
CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")
NOT_YET = {
    "stay_statements": "stays are not built yet",
    "shop_statements": "shops are not built yet",
    "basket3_statements": "shops are not built yet",
}


def main() -> None:
    asked = options(__doc__)
    count, turns, seconds = (100, 1, 3) if asked.quick else (500, 5, 8)
    with ground() as here:
        from tests.rides import town

        town = town()
        say("ride_statements", median(statements_of(town) for _ in range(5)), unit="statements")
        for measure, why in NOT_YET.items():
            say(measure, None, unit="statements", note=why)
        cpu = [cpu_per_order(here, town, count) for _ in range(turns)]
        say(
            "place_cpu_ms",
            median(cpu),
            unit="ms",
            note=f"rides only, {count} in a row, this process and PostgreSQL",
        )
        with crew(_placer, PROCESSES) as lines:
            by_turns(
                lambda: rate(lines, seconds),
                lambda: here.pgbench(clients=PROCESSES, seconds=seconds),
                times=turns,
                what="orders a second",
            ).say("place_per_second", unit="orders/s", note=f"{PROCESSES} processes, rides")


def statements_of(town: Any) -> int:
    """How many statements one call of `place` sends for a ride."""
    return statements_sent(placing(town, 1)[0])


def statements_sent(call: Callable[[], Any]) -> int:
    """How many statements a call sends, transaction control not counted."""
    from django.db import connection

    sent: list[str] = []

    def note(execute: Any, statement: str, *rest: Any) -> Any:
        sent.append(statement)
        return execute(statement, *rest)

    with connection.execute_wrapper(note):
        call()
    return sum(not statement.startswith(CONTROL) for statement in sent)


def placing(town: Any, count: int) -> list[Any]:
    """So many orders that only wait to be placed."""
    from apps.kernel import clock
    from apps.kernel.actors import Kind
    from apps.orders import operations as orders
    from apps.pricing.models import Quote

    at = clock.now()
    quotes = [town.quote(at) for _ in range(count)]
    # Long enough for the slowest machine to come round to the last of them.
    Quote.objects.filter(pk__in=[quote.pk for quote in quotes]).update(
        expires_at=at + timedelta(hours=1)
    )

    def one(quote: Quote) -> Any:
        return lambda: orders.place(
            key=uuid4(),
            quote_refs=[quote.ref],
            consumer_id=town.rider.pk,
            card_id=town.card.pk,
            by=town.rider.acting(Kind.CONSUMER),
            at=clock.now(),
        )

    return [one(quote) for quote in quotes]


def cpu_per_order(here: Ground, town: Any, count: int) -> float:
    """CPU milliseconds of one order, of this process and of PostgreSQL."""
    waiting = placing(town, count)
    before = time.process_time() + cpu_of(here.postmaster)
    for place in waiting:
        place()
    used = time.process_time() + cpu_of(here.postmaster) - before
    tell(f"{1000 * used / count:.2f} ms of CPU an order")
    return 1000 * used / count


def _placer(line: Connection) -> None:
    set_up()
    from apps.parties.models import Worker
    from apps.payments.models import Customer
    from apps.places.models import City
    from tests import factories
    from tests.rides import Town, card_of

    name = uuid4().hex
    rider = factories.UserFactory(email=f"{name}@example.org", name="Camila Rojas")
    Customer.objects.create(user=rider, reference=f"cus_{name}")
    own = Town(City.objects.get(), rider, card_of(rider), Worker.objects.first())  # type: ignore[arg-type]

    def prepare(seconds: int) -> Callable[[int], Any]:
        waiting = placing(own, 200 * seconds)
        return lambda number: waiting[number]()

    serve(line, prepare)


if __name__ == "__main__":
    main()
