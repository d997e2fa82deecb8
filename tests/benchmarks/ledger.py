"""What the books can take: captures, settlements in batches, and a recomputation of everything.

A capture is the journal of a ride: five entries, three of them on accounts that every ride books on
(fees, taxes, what cards bring in), a key and a fingerprint, the event and whom it is for.  All of
it is committed to disk.  The reference is pgbench's TPC-B on the same server, by turns in the same
minutes.  The audit reads a million entries that another statement wrote.  Reconciliation holds a
gateway's lines against as many journals.
"""

import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from uuid import uuid4

from tests.benchmarks.crew import crew, rate, serve
from tests.benchmarks.ground import Ground, ground, set_up
from tests.benchmarks.measures import by_turns, options, say, tell

CLIENTS = 8
PROVIDERS = 1_000
SETTLERS, BATCH = 4, 1_000
LINES = (
    ("clearing:cards", 2450),
    ("provider:{provider}:payable", -2208),
    ("platform:fees", -77),
    ("tax:la-serena:vat", -15),
    ("city:la-serena:fees", -150),
)


def capture_script(*, spread: bool, subscribers: list[str]) -> str:
    """What each of pgbench's clients says over and over."""
    own = " || (:p)::text"
    codes = ", ".join(
        f"'{before}'{own} || '{after}'" if "{" in code else f"'{code}'{own if spread else ''}"
        for code, _ in LINES
        for before, _, after in [code.partition("{provider}")]
    )
    amounts = ", ".join(str(minor) for _, minor in LINES)
    names = ", ".join(f"'{name}'" for name in subscribers)
    statement = (
        "SELECT ledger_post('bench:' || gen_random_uuid(), 'capture', NULL, repeat('f', 64),"
        f" 'system:payments', now(), ARRAY[{codes}]::text[], ARRAY[{amounts}]::bigint[],"
        f" 'CLP', 'task', ARRAY[{names}]::text[]);\n"
    )
    # pgbench takes a colon before a letter for a variable, in a text too.
    for word in ("cards", "payable", "fees", "vat", "la-serena", "payments"):
        statement = statement.replace(f":{word}", f"' || chr(58) || '{word}")
    return f"\\set p random(1, {PROVIDERS})\n{statement}"


def main() -> None:
    asked = options(__doc__)
    turns, seconds, entries = (1, 3, 100_000) if asked.quick else (5, 8, 1_000_000)
    with ground() as here:
        from apps.bus import operations as bus

        names = bus.listeners("ledger.booked")
        hot = capture_script(spread=False, subscribers=names)
        spread = capture_script(spread=True, subscribers=names)
        run = {"clients": CLIENTS, "seconds": seconds}
        # Accounts are opened once, before anything counts.
        for script in (hot, spread):
            here.pgbench(clients=CLIENTS, seconds=2, script=script)

        by_turns(
            lambda: here.pgbench(**run, script=hot),
            lambda: here.pgbench(**run),
            times=turns,
            what="captures a second, by the function",
        ).say("capture5_sql", unit="captures/s", note=f"{CLIENTS} clients, committed to disk")
        with crew(_booker, CLIENTS) as lines:
            by_turns(
                lambda: rate(lines, seconds),
                lambda: here.pgbench(**run),
                times=turns,
                what="captures a second, by `ledger.post`",
            ).say("capture5_django", unit="captures/s", note=f"{CLIENTS} processes")
        by_turns(
            lambda: here.pgbench(**run, script=hot),
            lambda: here.pgbench(**run, script=spread),
            times=turns,
            what="captures a second, on shared fee accounts and on accounts of their own",
        ).say("hot_vs_spread", unit="captures/s", note=f"{PROVIDERS} providers")
        with crew(_settler, SETTLERS) as lines:
            by_turns(
                lambda: 2 * BATCH * rate(lines, seconds),
                lambda: here.pgbench(**run),
                times=turns,
                what="entries a second, in batches",
            ).say(
                "settlement_entries",
                unit="entries/s",
                note=f"{SETTLERS} processes, {BATCH:,} journals of two entries a batch",
            )
        audited(here, entries)
        reconciled(here, entries // 10)


def _settler(line: Connection) -> None:
    """Book payouts by the batch, each of these processes for providers of its own."""
    set_up()
    from apps.kernel import clock
    from apps.kernel.actors import Actor
    from apps.ledger import operations
    from apps.ledger.operations import Posting

    by, run = Actor.system("settlement"), uuid4().hex

    def book(turn: int) -> None:
        batch = [
            Posting(
                f"payout:{run}:{turn}:{n}",
                "payout",
                None,
                [(f"provider:{run[:8]}-{n}:payable", 2208), ("payouts:in-transit", -2208)],
                "CLP",
            )
            for n in range(BATCH)
        ]
        assert operations.post_many(batch, by=by, at=clock.now()) == BATCH

    def prepare(_: int) -> Callable[[int], object]:
        nonlocal run
        run = run[:8] + uuid4().hex
        return book

    serve(line, prepare)


WRITE = """
WITH journal AS (
    INSERT INTO ledger_journal (key, kind, about, fingerprint, by, booked_at)
    SELECT 'audit:' || n, 'capture', NULL, encode(sha256(convert_to(
        '["capture",null,"CLP",[["clearing:cards",2450],["provider:' || n %% 1000
        || ':payable",-2208],["platform:fees",-77],["tax:la-serena:vat",-15],'
        '["city:la-serena:fees",-150]]]', 'UTF8')), 'hex'), 'system:payments', now()
    FROM generate_series(%(first)s::int, %(last)s::int) AS n
    RETURNING id, substr(key, 7)::int AS n
)
INSERT INTO ledger_entry (journal_id, seq, account_id, amount_minor, currency)
SELECT journal.id, line.seq, account.id, line.minor, 'CLP'
FROM journal CROSS JOIN LATERAL (VALUES
    (1, 'clearing:cards', 2450), (2, 'provider:' || n %% 1000 || ':payable', -2208),
    (3, 'platform:fees', -77), (4, 'tax:la-serena:vat', -15), (5, 'city:la-serena:fees', -150)
) AS line(seq, code, minor)
JOIN ledger_account account ON account.code = line.code AND account.currency = 'CLP'
"""


def audited(here: Ground, entries: int) -> None:
    """Let the auditor recompute so many entries, and bend one to see that it would tell."""
    from apps.ledger import auditing, operations

    here.empty()
    began = time.perf_counter()
    with here.superuser() as line:
        line.execute(
            "INSERT INTO ledger_account (code, currency, name, opened_at)"
            " SELECT code, 'CLP', '', now() FROM (VALUES ('clearing:cards'), ('platform:fees'),"
            " ('tax:la-serena:vat'), ('city:la-serena:fees')) AS shared(code) UNION ALL"
            " SELECT 'provider:' || n || ':payable', 'CLP', '', now()"
            " FROM generate_series(0, 999) AS n"
        )
        for first in range(1, entries // 5 + 1, 20_000):
            last = min(first + 19_999, entries // 5)
            line.execute(WRITE, {"first": first, "last": last})
    operations.roll_up()
    with here.superuser() as line:
        line.execute("ANALYZE ledger_entry, ledger_journal, ledger_account")
    tell(f"{entries:,} entries written in {time.perf_counter() - began:.0f} s")
    began = time.perf_counter()
    findings = auditing.audit()
    used = time.perf_counter() - began
    with here.superuser() as line:
        line.execute("ALTER TABLE ledger_entry DISABLE TRIGGER USER")
        line.execute(
            "UPDATE ledger_entry SET amount_minor = amount_minor + 1"
            " WHERE id = (SELECT max(id) FROM ledger_entry)"
        )
        line.execute("ALTER TABLE ledger_entry ENABLE TRIGGER USER")
    bent = auditing.audit()
    assert not findings, findings
    assert bent
    say(
        "audit_1m_entries",
        used,
        unit="s",
        note=f"{entries:,} entries, none wrong; one bent by a peso is named {len(bent)} times",
    )


def reconciled(here: Ground, count: int) -> None:
    """Hold so many gateway lines against as many journals, with errors that only the seed knows."""
    from apps.kernel import clock
    from apps.parties.models import Provider, User
    from apps.payments.models import Card
    from apps.treasury import operations
    from apps.treasury.models import Difference
    from tests.treasury import seeded

    here.empty()
    began, at = time.perf_counter(), clock.now()
    payer = User.objects.create_user(email="benchmark@example.org")
    card = Card.objects.create(
        user=payer,
        reference="pm_bench",
        brand="visa",
        last4="4242",
        expires_month=1,
        expires_year=2099,
        added_at=at,
    )
    provider = Provider.objects.create(name="Benchmark")
    people = (payer, card, provider)
    world = seeded.sow(people=people, count=count, errors=count // 100, at=at)
    operations.advance(held={}, at=at)
    with here.superuser() as line:
        line.execute("ANALYZE")
    tell(f"{count:,} lines and journals written in {time.perf_counter() - began:.0f} s")
    times = []
    for _ in range(2):
        began = time.perf_counter()
        run = operations.reconcile(by=seeded.BY, at=at)
        times.append(time.perf_counter() - began)
    found = set(Difference.objects.values_list("kind", "subject"))
    assert found == world.errors, (len(found - world.errors), len(world.errors - found))
    say(
        "reconcile_100k",
        times[0],
        unit="s",
        note=f"{run.lines:,} lines against {count:,} journals, and a fee's journal for each"
        f" charge; {len(found):,} errors of {len(run.differences)} kinds found and named, none"
        f" false; once more takes {times[1]:.1f} s",
    )


def _booker(line: Connection) -> None:
    set_up()
    from random import randint

    from apps.kernel import clock
    from apps.kernel.actors import Actor
    from apps.ledger import operations

    by = Actor.system("payments")

    def book(_: int) -> None:
        provider = randint(1, PROVIDERS)
        operations.post(
            key=f"bench:{uuid4()}",
            kind="capture",
            about=uuid4(),
            lines=[(code.format(provider=provider), minor) for code, minor in LINES],
            currency="CLP",
            by=by,
            at=clock.now(),
        )

    serve(line, lambda _: book)


if __name__ == "__main__":
    main()
