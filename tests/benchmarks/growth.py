"""How the cost grows: with the drivers on the line, and with the orders in the tables.

`match_ms_N`: one look of the matcher at ten new jobs while N drivers are on the line, offers made
and taken back again.  `eta_ms_N`: how soon somebody could be there, as every quote asks.
`place_ms_N` and `history_ms_N`: placing a ride, and a rider's list of orders, while N orders lie in
the tables.  Wall milliseconds, medians; straight lines instead of streets.
"""

import random
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import psycopg

from tests.benchmarks.ground import Ground, ground
from tests.benchmarks.measures import options, say, tell
from tests.benchmarks.orders import placing

DRIVERS = (10, 100, 1_000, 5_000)
ORDERS = (10_000, 100_000, 1_000_000)
JOBS = 10
SOUTH, WEST, NORTH, EAST = -29.965, -71.345, -29.895, -71.245


def main() -> None:
    asked = options(__doc__)
    with ground() as here:
        from tests.rides import town

        town = town()
        have = 0
        for many in DRIVERS[:3] if asked.quick else DRIVERS:
            hire(town, many - have)
            have = many
            look_at_drivers(town, many)
        placed = 0
        finished(town)
        for many in ORDERS[:2] if asked.quick else ORDERS:
            fill(here, placed, many)
            placed = many
            look_at_orders(town, many)


def milliseconds(what: Callable[[], Any], times: int) -> float:
    """The median of so many calls, in milliseconds of wall time."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        what()
        found.append(1000 * (time.perf_counter() - began))
    return median(found)


def hire(town: Any, more: int) -> None:
    """Put so many drivers more on the line, all over the city."""
    from apps.dispatch.models import Position, Shift
    from apps.kernel import clock
    from apps.parties.models import User, Worker

    at, chance = clock.now(), random.Random(more)
    people = User.objects.bulk_create(
        User(email=f"{more}-{number}@bench.invalid", password="!") for number in range(more)
    )
    workers = Worker.objects.bulk_create(
        Worker(provider=town.worker.provider, user=person) for person in people
    )
    Shift.objects.bulk_create(
        Shift(worker=worker, city=town.city, started_at=at) for worker in workers
    )
    Position.objects.bulk_create(
        Position(
            worker=worker,
            lat=chance.uniform(SOUTH, NORTH),
            lon=chance.uniform(WEST, EAST),
            seen_at=at,
        )
        for worker in workers
    )


def look_at_drivers(town: Any, many: int) -> None:
    from django.db import transaction

    from apps.dispatch import queries
    from apps.dispatch.matcher import Matcher
    from apps.dispatch.models import Position
    from apps.dispatch.positions import Positions
    from apps.kernel import clock
    from apps.places.geometry import Point

    Position.objects.update(seen_at=clock.now())
    positions = Positions()
    positions.warm_up(
        town.city.slug, Position.objects.values_list("worker", flat=True), at=clock.now()
    )
    matcher = Matcher(town.city, positions)

    def match() -> None:
        with transaction.atomic():
            for _ in range(JOBS):
                town.search(clock.now())
            began.append(time.perf_counter())
            made = matcher.match(at=clock.now(), everybody=False)
            taken.append(1000 * (time.perf_counter() - began[-1]))
            assert made == min(JOBS, many), f"{made} offers"
            transaction.set_rollback(True)

    began: list[float] = []
    taken: list[float] = []
    for _ in range(7):
        match()
    say(f"match_ms_{many}", median(taken), unit="ms", note=f"{JOBS} jobs, {many} drivers")
    eta = milliseconds(lambda: queries.eta_to(town.city, Point(-29.93, -71.29), at=clock.now()), 15)
    say(f"eta_ms_{many}", eta, unit="ms", note=f"{many} drivers")


def finished(town: Any) -> None:
    """Drive one ride to its end: the one that all others are copies of."""
    from apps.kernel import clock

    town.drive(town.confirm(clock.now()), clock.now())


def fill(here: Ground, have: int, many: int) -> None:
    """Copy the finished ride until the tables hold so many."""
    tell(f"filling the tables up to {many:,} orders")
    numbers = f"generate_series({have + 1}, {many}) AS g"
    number, order = "10000000 + g", "md5('order' || g)::uuid"
    basket = "md5('basket' || g)::uuid"
    key = {"id": number}
    with here.superuser() as line:
        ref = line.execute(
            "SELECT id, ref FROM orders_order WHERE state = 'COMPLETED' ORDER BY id LIMIT 1"
        ).fetchone()
        assert ref
        first, holder = ref

        def copy(table: str, where: str, fresh: dict[str, str]) -> None:
            copied(line, table, where, numbers, fresh)

        of_order = f"order_id = {first}"
        of = f"(SELECT * FROM orders_order WHERE id = {first}) AS o"
        copy(
            "orders_basket",
            f"id = (SELECT basket_id FROM {of})",
            key | {"ref": basket, "consumer_id": "t.consumer_id"},
        )
        copy(
            "pricing_quote",
            f"id = (SELECT quote_id FROM {of})",
            key | {"ref": "md5('quote' || g)::uuid"},
        )
        copy("regulation_decision", f"id = (SELECT decision_id FROM {of})", key)
        copy(
            "orders_order",
            f"id = {first}",
            key
            | {"ref": order, "basket_id": number, "quote_id": number, "decision_id": number}
            | {"placed_at": "t.placed_at - g * interval '1 second'"},
        )
        copy("orders_step", of_order, key | {"order_id": number})
        copy("mobility_ride", of_order, key | {"order_id": number})
        copy("dispatch_job", f"holder = '{holder}'", key | {"holder": order, "run_id": "NULL"})
        copy("payments_payment", "true", key | {"holder": basket})
        copy(
            "payments_attempt",
            "kind = 'AUTHORISE'",
            key | {"payment_id": number, "key": "md5('attempt' || g)::uuid"},
        )
        line.execute("ANALYZE")


def copied(
    line: psycopg.Connection, table: str, where: str, numbers: str, fresh: dict[str, str]
) -> None:
    """Copy one row of a table for each of the numbers, with some columns made anew."""
    columns = [
        row[0]
        for row in line.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
            " AND is_generated = 'NEVER'",
            [table],
        )
    ]
    told = ", ".join(fresh.get(name, f't."{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    line.execute(
        f"INSERT INTO {table} ({names}) SELECT {told} FROM"  # type: ignore[arg-type]
        f" (SELECT * FROM {table} WHERE {where} LIMIT 1) AS t, {numbers}"
    )


def look_at_orders(town: Any, many: int) -> None:
    from django.test import Client

    waiting = iter(placing(town, 60))
    say(
        f"place_ms_{many}",
        milliseconds(lambda: next(waiting)(), 50),
        unit="ms",
        note=f"{many} orders",
    )
    client = Client()
    client.force_login(town.rider)

    def history() -> None:
        assert client.get("/orders/").status_code == 200

    say(
        f"history_ms_{many}",
        milliseconds(history, 7),
        unit="ms",
        note=f"a rider who has ordered {many} times",
    )


if __name__ == "__main__":
    main()
