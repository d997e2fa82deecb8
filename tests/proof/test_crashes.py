"""People ride while every process of the city is killed again and again, and nothing is lost.

`make proof RIDES=300 SEED=7`: a kill for every fifth ride, and each process at least three times.
"""

import asyncio
import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import psycopg
import pytest

from apps.mobility.vertical import RIDE
from cityplatform.installation import ROOT
from cityplatform.running import Platform
from cityplatform.simulation import Options, Simulation, load
from cityplatform.simulation.driving import metres_between
from cityplatform.simulation.habits import HASTY
from tests.proof import checks
from tests.proof.books import Bank, Books
from tests.proof.killer import NAMES, Killer, plan

pytestmark = pytest.mark.proof

FEWEST_KILLS = 3 * len(NAMES)
RIDES_PER_KILL = 5
# Real seconds after which we call a run stuck: some for the kills, some for each ride.
LONGEST_KILLS, LONGEST_RIDE = 900, 5
QUIET_WITHIN = 300
PLACES = 12

GIVE_BACK = """
from uuid import uuid4
from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.payments import operations, queries
from apps.payments.models import Payment
for payment in Payment.objects.filter(state="CAPTURED").order_by("pk")[:3]:
    minor = payment.captured_minor // 3
    operations.refund(
        holder=payment.holder, amount_minor=minor, split=queries.split_back(payment, minor),
        about=None, key=uuid4(), reason="proof", by=Actor(Kind.OFFICER, "1"), at=clock.now(),
    )
"""


@pytest.fixture
def platform() -> Iterator[Platform]:
    folder = ROOT / ".data" / "test" / "proof"
    shutil.rmtree(folder, ignore_errors=True)
    # As a person starts it, except that who is killed every few seconds is back every few seconds.
    with Platform(folder, mode="demo", longest_wait=1) as platform:
        yield platform


def come_to_rest(books: Books) -> None:
    """Return when nothing is under way any more: sweeps find what a crash left, once a minute."""
    end, left = time.monotonic() + QUIET_WITHIN, {"everything": 1}
    while left and time.monotonic() < end:
        time.sleep(1)
        try:
            left = books.unsettled()
        except psycopg.OperationalError:
            continue
    assert left == {}, f"not at rest after {QUIET_WITHIN} s"


async def ride_nearby(simulation: Simulation) -> None:
    """Play it in one part of the city: what is to be proved happens at kerbs, not on the way."""
    playing = asyncio.create_task(simulation.run())
    while not playing.done() and not (simulation.world and simulation.world.landmarks):
        await asyncio.wait([playing], timeout=0.05)
    marks = simulation.world.landmarks if simulation.world else []
    near = sorted(marks, key=lambda spot: metres_between(spot, marks[0]))
    marks[:] = near[:PLACES]
    await playing


def ride_while_they_die(platform: Platform, rides: int, seed: int) -> tuple[Simulation, Killer]:
    # A ride takes minutes of real driving, so many have to be under way at once.
    drivers = max(12, rides // 4)
    platform.manage("seed_demo", "--crowd", str(drivers), str(2 * drivers))
    simulation = Simulation(
        platform.url,
        load(platform.data / "crowd.json"),
        Options(
            drivers=drivers,
            riders_per_hour=3_600 * drivers / 45,
            seed=seed,
            speed=20,
            rides=rides,
            habits=replace(HASTY, calls_off=0.08, lets_lapse=0.03, patience=(20, 400)),
        ),
        say=lambda line: print(f"  {line}", flush=True),
    )

    def how_far() -> float:
        records = simulation.records
        return (len(records) + sum(not one.is_live for one in records)) / (2 * rides)

    kills = max(FEWEST_KILLS, rides // RIDES_PER_KILL)
    killer = Killer(platform, plan(seed, kills), how_far)
    killer.start()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        asyncio.run(asyncio.wait_for(ride_nearby(simulation), LONGEST_KILLS + LONGEST_RIDE * rides))
    finally:
        killer.stop()
    return simulation, killer


def test_whatever_dies_in_the_middle_of_rides_nothing_is_lost_and_nothing_done_twice(
    platform: Platform, request: pytest.FixtureRequest
) -> None:
    rides, seed = request.config.getoption("rides"), request.config.getoption("seed")
    began = time.monotonic()
    simulation, killer = ride_while_they_die(platform, rides, seed)
    spent = time.monotonic() - began
    print(f"\nseed {seed}: {rides} rides in {spent:.0f} s, {killer.killed.total()} kills")
    print("  " + ", ".join(f"{name} {killer.killed[name]}" for name in NAMES))
    print(f"  {simulation.summary().as_dict()}")

    books = Books(platform)
    come_to_rest(books)
    platform.manage("shell", "--verbosity=0", "-c", GIVE_BACK)
    come_to_rest(books)
    platform.manage("settle")
    come_to_rest(books)
    if books.owed():
        # The night came in the middle of it: what was earned since is paid for the day before.
        platform.manage("settle", "--day", str(date.today() - timedelta(days=1)))  # noqa: DTZ011
        come_to_rest(books)
    platform.manage("seal")
    platform.manage("verify_seals")
    come_to_rest(books)

    assert killer.never_back == []
    assert killer.killed.total() >= max(FEWEST_KILLS, rides // RIDES_PER_KILL)
    assert min(killer.killed[name] for name in NAMES) >= 3
    assert faults_of_rides(books, simulation) == []
    assert faults_of_money(books, Bank(platform)) == []
    assert faults_of_news(books) == []


def faults_of_rides(books: Books, simulation: Simulation) -> list[str]:
    orders = books.rows("SELECT ref::text, state, stage FROM orders_order")
    steps = books.rows(
        "SELECT ref::text, step.name, step.stage FROM orders_step step"
        " JOIN orders_order o ON o.id = order_id ORDER BY step.id"
    )
    runs = books.rows("SELECT worker_id, started_at, ended_at FROM dispatch_run")
    told = [
        (one.ref, stage)
        for one in simulation.records
        for stage, _ in [("paying", 0.0), *one.seen, *one.told_driver]
    ]
    kept = [(ref, "paying") for ref, _, _ in orders] + [(ref, stage) for ref, _, stage in steps]
    ends = {ref: stage for ref, _, stage in orders}
    return [
        *checks.unfinished(orders),
        *checks.illegal_steps(steps, RIDE),
        *checks.overlaps(runs),
        *checks.lost(told, kept),
        *(
            f"order {one.ref}: its rider was told {one.stage}, and it is {ends.get(one.ref)}"
            for one in simulation.records
            if one.stage != ends.get(one.ref)
        ),
    ]


def faults_of_money(books: Books, bank: Bank) -> list[str]:
    payments = books.rows(
        "SELECT reference, amount_minor, captured_minor, refunded_minor FROM payments_payment"
    )
    transfers = books.rows("SELECT reference, amount_minor FROM payments_transfer")
    captured = {reference: taken for reference, _, taken, _ in payments if taken}
    return [
        *checks.crooked(books.rows("SELECT journal_id, currency, amount_minor FROM ledger_entry")),
        *checks.more_than_promised(payments),
        *checks.money_adrift(books.accounts(), bank.sums()),
        *checks.different("captured", captured, bank.captured()),
        *checks.different("paid out", dict(transfers), bank.paid_out()),
        *bank.hanging(),
        *([f"{owed} still owed"] if (owed := books.owed()) else []),
    ]


def faults_of_news(books: Books) -> list[str]:
    events = [event for (event,) in books.rows("SELECT id FROM bus_event")]
    kept = [event for (event,) in books.rows("SELECT event FROM audit_record")]
    deliveries = books.rows(
        "SELECT event_id, subscriber, done_at IS NOT NULL, dead_at IS NOT NULL FROM bus_delivery"
    )
    return [
        *checks.badly_delivered(events, deliveries),
        *checks.not_once("record", events, kept),
        *checks.not_once("stream", events, books.streamed()),
    ]
