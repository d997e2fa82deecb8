"""How long a draft takes that is tried on a hundred thousand orders.

`dry_run_100k_orders`: wall seconds from the worker's start to the kept result, in one process, with
as many orders of 29 days, spread over a city of 36 districts with 40 policies and two taxes in
force.  The draft bounds surge, price and floor of every ride, so that each is priced twice; a
quarter of them was lifted by demand.  As many prices again led to no order; a draft that closes
a district asks about them, too, and stands in the note.
"""

import time
from datetime import timedelta
from statistics import median
from typing import Any

from tests import levies as levies_in_force
from tests.benchmarks.ground import Ground, ground
from tests.benchmarks.growth import copied, finished
from tests.benchmarks.measures import options, say, tell

ORDERS = 100_000
SIDE = 6
SOUTH, WEST = -29.965, -71.345
STEP = 0.0125


def main() -> None:
    asked = options(__doc__)
    count = ORDERS // 20 if asked.quick else ORDERS
    with ground() as here:
        from tests.rides import town

        town = town()
        finished(town)
        lay_out(town)
        fill(here, count)
        every, closed = drafts(town)
        found = [tried(every, count) for _ in range(1 if asked.quick else 3)]
        shut = tried(closed, count)
        say(
            "dry_run_100k_orders",
            median(seconds for seconds, _ in found),
            unit="s",
            note=f"{count} orders, {found[0][1]['repriced']} priced twice;"
            f" a closed district, with {shut[1]['quotes']} prices that led to no order:"
            f" {shut[0]:.1f} s, {shut[1]['refused']} refused",
        )


def lay_out(town: Any) -> None:
    """Districts, policies and taxes."""
    from apps.kernel import clock
    from apps.pricing import levies
    from apps.pricing.models import Payee
    from tests.factories import ZoneFactory
    from tests.policies import enforced

    at = clock.now() - timedelta(days=60)
    for north in range(SIDE):
        for east in range(SIDE):
            south, west = SOUTH + north * STEP, WEST + east * STEP
            ring = [
                [west, south], [west + STEP, south], [west + STEP, south + STEP],
                [west, south + STEP], [west, south],
            ]  # fmt: skip
            ZoneFactory(
                city=town.city,
                slug=f"z-{north}-{east}",
                boundary={"type": "MultiPolygon", "coordinates": [[ring]]},
            )
            enforced(
                "fee",
                {"flat_minor": 50},
                city=town.city,
                scope={"zones": [f"z-{north}-{east}"], "hour_from": "22:00", "hour_to": "06:00"},
                at=at,
            )
    for kind, terms in (
        ("price", {"surge_most_bp": 25_000}),
        ("pay", {"per_km_minor": 300}),
        ("commission", {"most_bp": 1_500}),
        ("fee", {"share_bp": 100}),
    ):
        enforced(kind, terms, city=town.city, at=at)
    for code, zone in (("congestion", "z-2-2"), ("night", "")):
        rule = levies.Rule(
            number=f"{code}-1",
            code=code,
            name=code.capitalize(),
            shares=(levies.Share(Payee.CITY),),
            kind=levies.Kind.AMOUNT,
            rate=200,
            per=levies.Per.RIDE,
            zone=zone,
            begins=at,
        )
        levies_in_force.put(town.city, rule)
    town.city.tariffs.update(surge_most_bp=30_000)


def fill(here: Ground, count: int) -> None:
    """Copy one finished ride: each at its own hour, from its own place, of its own length."""
    tell(f"{count:,} orders, and as many prices that led to none")
    number, holder = "10000000 + g", "md5('order' || g)::uuid"
    when = "now() - g * interval '25 seconds'"
    place = (
        f"jsonb_build_object('lat', {SOUTH} + random() * 0.075, 'lon', {WEST} + random() * 0.075,"
        " 'name', 'Somewhere')"
    )
    request = (
        f"t.request || jsonb_build_object('pickup', {place}, 'dropoff', {place},"
        " 'metres', 800 + (random() * 9000)::int, 'seconds', 120 + (random() * 1500)::int)"
    )
    surge = (
        "CASE WHEN g % 4 = 0 THEN t.lines ||"
        """ '[{"code": "surge", "amount": 900, "to": "PROVIDER", "rate": 15000}]'::jsonb"""
        " ELSE t.lines END"
    )
    key = {"id": number}
    numbers = f"generate_series(1, {count}) AS g"
    with here.superuser() as line:
        first = line.execute(
            "SELECT id, quote_id, decision_id, basket_id, ref FROM orders_order"
            " WHERE state = 'COMPLETED' ORDER BY id LIMIT 1"
        ).fetchone()
        assert first
        order, quote, decision, basket, ref = first
        copied(line, "orders_basket", f"id = {basket}", numbers,
               key | {"ref": "md5('basket' || g)::uuid"})  # fmt: skip
        copied(line, "regulation_decision", f"id = {decision}", numbers,
               key | {"ref": "md5('decision' || g)::uuid"})  # fmt: skip
        priced = {"request": request, "lines": surge, "quoted_at": when}
        copied(line, "pricing_quote", f"id = {quote}", numbers,
               key | priced | {"ref": "md5('quote' || g)::uuid"})  # fmt: skip
        copied(line, "pricing_quote", f"id = {quote}", numbers,
               priced | {"id": "20000000 + g", "ref": "md5('shown' || g)::uuid"})  # fmt: skip
        copied(
            line,
            "orders_order",
            f"id = {order}",
            numbers,
            key
            | {"ref": holder, "basket_id": number, "quote_id": number, "decision_id": number}
            | {"placed_at": when},
        )
        for step in ("authorise", "arrive", "board", "drop_off"):
            copied(line, "orders_step", f"order_id = {order} AND name = '{step}'", numbers,
                   {"id": "nextval('orders_step_id_seq')", "order_id": number,
                    "key": "NULL"})  # fmt: skip
        copied(line, "dispatch_job", f"holder = '{ref}'", numbers,
               key | {"holder": holder, "run_id": "NULL"})  # fmt: skip
        line.commit()
        line.autocommit = True
        line.execute("VACUUM ANALYZE")


def drafts(town: Any) -> tuple[Any, Any]:
    from tests.policies import drafted

    terms = {"surge_most_bp": 12_000, "floor_minor": 2_000, "ceiling_minor": 9_000}
    return (
        drafted("price", terms, city=town.city),
        drafted("closed", city=town.city, scope={"zones": ["z-2-2"]}),
    )


def tried(version: Any, count: int) -> tuple[float, dict[str, Any]]:
    """Have a draft tried, and say in how many seconds, and with what result."""
    from apps.insight import operations, trying_out
    from apps.kernel import clock
    from tests.factories import OFFICER

    at = clock.now()
    run = operations.ask_dry_run(
        version_id=version.pk, officer_id=version.drafted_by_id, by=OFFICER, at=at
    )
    began, used = time.perf_counter(), time.process_time()
    trying_out.try_out(run.pk)
    seconds = time.perf_counter() - began
    run.refresh_from_db()
    assert run.state == "DONE", run.error
    assert run.result["orders"] >= count, run.result["orders"]
    tell(f"{seconds:.1f} s, {time.process_time() - used:.1f} s of them CPU of this process")
    return seconds, run.result


if __name__ == "__main__":
    main()
