"""People ride while every process of the city is killed again and again, and nothing is lost.

`make proof RIDES=300 SEED=7`: a kill for every fifth ride, and each process at least three times.
"""

import asyncio
import json
import logging
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from apps.mobility.vertical import RIDE
from cityplatform.installation import ROOT
from cityplatform.running import Platform
from cityplatform.simulation import Options, Simulation, load
from cityplatform.simulation.habits import HASTY
from tests.proof import checks
from tests.proof.books import Bank, Books
from tests.proof.killer import NAMES, Killer, plan
from tests.proof.office import Officer

pytestmark = pytest.mark.proof

FEWEST_KILLS = 3 * len(NAMES)
RIDES_PER_KILL, RIDES_PER_REFUND = 5, 10
# Real seconds after which we call a run stuck: some for the kills, some for each ride.
LONGEST_KILLS, LONGEST_RIDE = 900, 5
QUIET_WITHIN = 300
# People keep to one part of the city: what is to be proved happens at kerbs, not on the way.
PLACES, MOST_DRIVERS = 8, 40
# They call off, do not come, decline and give back far more often than people do.
HABITS = replace(
    HASTY,
    looks_every=(0.8, 1.6),
    calls_off=0.3,
    patience=(1, 600),
    waits_at_most=2400,
    does_not_come=0.06,
    lets_lapse=0.03,
    gives_back=0.08,
    loses_line_every=600,
)
# From this many rides on each of these has to have happened, or the run has not shown it.
ENOUGH_FOR_ALL = 200

# As the city's own, except that late is soon: nobody is played for five minutes at a kerb.
SOON = """
from apps.kernel import clock
from apps.kernel.actors import Actor
from apps.places.models import City
from apps.pricing import operations
from apps.pricing.models import Tariff
for tariff in Tariff.objects.filter(valid__contains=clock.now()):
    names = [f.name for f in Tariff._meta.fields if isinstance(getattr(tariff, f.name), int)]
    prices = {name: getattr(tariff, name) for name in names if name not in ("id", "city")}
    operations.set_tariff(
        city_id=tariff.city_id, vertical=tariff.vertical, kind=tariff.kind, number="proof",
        prices=prices | {"cancel_free_seconds": 4, "wait_seconds": 6},
        valid_from=clock.now(), by=Actor.system("proof"), at=clock.now(),
    )
# The city's own part stays at the gateway: so few rides leave too little there to pay everybody,
# once it has kept its fees, those of refunds, too; and a payout would wait for more.
from apps.settlement.models import Payee
Payee.objects.update(bank_account="", reference="")
# A cap that nobody reaches: so that every ride is counted, and given back if it is called off.
from apps.kernel.actors import Kind
from apps.parties.models import User
from apps.places.models import City
from apps.regulation import operations as regulation
drafts, decides = (User.objects.get(email__startswith=name) for name in ("valentina", "francisca"))
by, at = drafts.acting(Kind.OFFICER), clock.now()
made = regulation.draft_policy(
    city_id=City.objects.get().pk, kind="cap", title="Ten thousand rides a day.", why="proof",
    scope={}, terms={"fact": "rides", "most": 10_000, "per": "day", "of": "city"},
    officer_id=drafts.pk, by=by, at=at,
)
regulation.propose_policy(version_id=made.pk, officer_id=drafts.pk, by=by, at=at)
regulation.approve_policy(version_id=made.pk, officer_id=decides.pk, by=by, at=at)
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
        # Between two looks: whole tables are counted in each.
        time.sleep(1)
        try:
            left = books.unsettled()
        except psycopg.OperationalError:
            continue
    assert left == {}, f"not at rest after {QUIET_WITHIN} s"


def ride_while_they_die(
    platform: Platform, rides: int, seed: int
) -> tuple[Simulation, Officer, Killer]:
    # A ride takes a minute of real driving, so many have to be under way at once.
    drivers = max(12, min(MOST_DRIVERS, rides // 4))
    platform.manage("seed_demo", "--crowd", str(drivers), str(drivers * 3 // 2))
    platform.manage("shell", "--verbosity=0", "-c", SOON)
    simulation = Simulation(
        platform.url,
        load(platform.data / "crowd.json"),
        Options(
            drivers=drivers,
            riders_per_hour=3_600 * drivers / 45,
            seed=seed,
            speed=20,
            rides=rides,
            places=PLACES,
            habits=HABITS,
        ),
        say=lambda line: print(f"  {line}", flush=True),
    )
    people = json.loads((platform.data / "demo_people.json").read_text())
    one = next(person for person in people if person["role"] == "city officer")
    officer = Officer(
        platform.url,
        one["email"],
        one["password"],
        seed=seed,
        refunds=max(2, rides // RIDES_PER_REFUND),
    )

    def how_far() -> float:
        records = simulation.records
        return (len(records) + sum(not one.is_live for one in records)) / (2 * rides)

    async def play() -> None:
        async with asyncio.timeout(LONGEST_KILLS + LONGEST_RIDE * rides):
            await asyncio.gather(simulation.run(), officer.work())

    killer = Killer(platform, plan(seed, kills_for(rides)), how_far)
    killer.start()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        asyncio.run(play())
    finally:
        killer.stop()
    return simulation, officer, killer


def kills_for(rides: int) -> int:
    return max(FEWEST_KILLS, rides // RIDES_PER_KILL)


def test_whatever_dies_in_the_middle_of_rides_nothing_is_lost_and_nothing_done_twice(
    platform: Platform, request: pytest.FixtureRequest
) -> None:
    rides, seed = request.config.getoption("rides"), request.config.getoption("seed")
    began = time.monotonic()
    simulation, officer, killer = ride_while_they_die(platform, rides, seed)
    spent = time.monotonic() - began
    print(f"\nseed {seed}: {rides} rides in {spent:.0f} s, {killer.killed.total()} kills")
    print("  " + ", ".join(f"{name} {killer.killed[name]}" for name in NAMES))
    print(f"  {simulation.summary().as_dict()}")
    print(f"  the office heard {dict(officer.answers)}")

    books = Books(platform)
    come_to_rest(books)
    ends = ends_of(books)
    print(f"  {ends}", flush=True)
    platform.manage("settle")
    come_to_rest(books)
    if books.owed():
        # The night came in the middle of it: what was earned since is paid for the day before.
        day_before = datetime.now(ZoneInfo("America/Santiago")).date() - timedelta(days=1)
        platform.manage("settle", "--day", str(day_before))
        come_to_rest(books)
    platform.manage("seal")
    platform.manage("verify_seals")
    come_to_rest(books)

    assert killer.never_back == []
    assert killer.killed.total() >= kills_for(rides)
    assert min(killer.killed[name] for name in NAMES) >= 3
    faults = [
        *faults_of_rides(books, simulation),
        *faults_of_money(books, Bank(platform.data / "sandbox" / "sandbox.sqlite3"), officer),
        *faults_of_news(books),
        *checks.broken_answers(simulation.summary().errors),
        *checks.broken_answers(officer.answers),
    ]
    print(*(f"  fault: {fault}" for fault in faults or ["none"]), sep="\n", flush=True)
    assert faults == []
    if rides >= ENOUGH_FOR_ALL:
        assert [end for end, n in ends.items() if not n] == []


def ends_of(books: Books) -> dict[str, int]:
    """How often each thing happened that has to have happened while somebody died."""
    counts = {
        "done": "orders_order WHERE stage = 'done'",
        "called off unassigned": "orders_order WHERE stage = 'cancelled' AND worker_id IS NULL",
        "called off for nothing": "orders_order WHERE stage = 'cancelled' AND charged_minor = 0"
        " AND worker_id IS NOT NULL",
        "called off late": "orders_step step JOIN orders_order o ON o.id = order_id"
        " WHERE name = 'cancel' AND charged_minor > 0",
        "not come": "orders_step WHERE name = 'no_show'",
        "given back": "orders_step WHERE name = 'give_back'",
        "declined": "dispatch_offer WHERE state = 'DECLINED'",
        "lapsed": "dispatch_offer WHERE state = 'EXPIRED'",
        "voids": "payments_payment WHERE state = 'CANCELLED'",
        "refunds": "payments_attempt WHERE kind = 'REFUND' AND succeeded",
    }
    sql = " UNION ALL ".join(
        f"SELECT '{name}', count(*) FROM {where}" for name, where in counts.items()
    )
    return dict(books.rows(sql))  # type: ignore[arg-type]


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


def fees(books: Books) -> dict[str, int]:
    """The fee that each order owes, worked out from its steps and the terms of its price."""
    steps: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
    for ref, name, at in books.rows(
        "SELECT ref::text, name, taken_at FROM orders_step step"
        " JOIN orders_order o ON o.id = order_id ORDER BY step.id"
    ):
        steps[ref].append((name, at))
    terms = books.rows(
        "SELECT o.ref::text, least((terms->>'cancel_fee')::int, o.total_minor),"
        " (terms->>'cancel_free_seconds')::int"
        " FROM orders_order o JOIN pricing_quote quote ON quote.id = quote_id"
    )
    return {
        ref: checks.fee_due(steps[ref], fee, timedelta(seconds=free)) for ref, fee, free in terms
    }


def faults_of_money(books: Books, bank: Bank, officer: Officer) -> list[str]:
    payments = books.rows(
        "SELECT reference, amount_minor, captured_minor, refunded_minor FROM payments_payment"
    )
    due = fees(books)
    orders = [
        (ref, stage, price, due[ref], *rest)
        for ref, stage, price, *rest in books.rows(
            "SELECT o.ref::text, stage, total_minor, charged_minor, payment.state, captured_minor,"
            " back.decision_id IS NOT NULL FROM orders_order o"
            " JOIN orders_basket basket ON basket.id = basket_id"
            " JOIN payments_payment payment ON payment.holder = basket.ref"
            " LEFT JOIN regulation_givenback back ON back.decision_id = o.decision_id"
        )
    ]
    refunds = books.rows(
        "SELECT key::text, amount_minor, succeeded FROM payments_attempt WHERE kind = 'REFUND'"
    )
    refunded = {reference: back for reference, _, _, back in payments if back}
    states = books.rows("SELECT reference, state FROM payments_payment")
    transfers = books.rows("SELECT reference, amount_minor FROM payments_transfer")
    captured = {reference: taken for reference, _, taken, _ in payments if taken}
    return [
        *checks.crooked(books.rows("SELECT journal_id, currency, amount_minor FROM ledger_entry")),
        *checks.more_than_promised(payments),
        *checks.money_adrift(books.accounts(), bank.sums()),
        *checks.different("captured", captured, bank.captured()),
        *checks.different("refunded", refunded, bank.refunded()),
        *checks.wrongly_charged(orders),
        *checks.different(
            "counted",
            {"rides": sum(stage == "done" for _, stage, *_ in orders)},
            {"rides": sum(used for (used,) in books.rows("SELECT used FROM regulation_allowance"))},
        ),
        *checks.broken_promises(states, bank.promises()),
        *checks.not_given_back(officer.given, refunds),
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
