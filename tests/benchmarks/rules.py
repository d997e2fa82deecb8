"""What the city's rules cost, and how fast an outsider verifies the evidence.

`decision_cpu_ms` and `decision_statements`: one booking is decided, and its decision kept, in a
city of 500 policies in force: 300 of them speak of one of sixty zones, 100 of one class or
provider, 100 of everywhere at some hour.  CPU is that of this process and of PostgreSQL together.

`verify_1m_rows`: seconds in which one process, with nothing but the export and the public key,
verifies a million records of the audit in a hundred seals.  The rows are put into the table,
sealed and exported as the platform does it; how long that took stands in the note.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from cityplatform.installation import ROOT
from tests.benchmarks.ground import Ground, ground
from tests.benchmarks.measures import cpu_of, options, say, tell
from tests.benchmarks.orders import statements_sent

ROWS = 1_000_000
IN_EACH = 5_000
POLICIES = 500
ZONES = 60


def main() -> None:
    asked = options(__doc__)
    with ground() as here:
        deciding(here, 200 if asked.quick else 1_000, 1 if asked.quick else 5)
        verifying(here, ROWS // 20 if asked.quick else ROWS, 1 if asked.quick else 3)


def deciding(here: Ground, count: int, times: int) -> None:
    """Decide so many bookings, each somewhere else in the city and at another hour."""
    decide, number = booking()
    statements = [statements_sent(partial(decide, n)) for n in range(25)]
    found = []
    for turn in range(times):
        before = time.process_time() + cpu_of(here.postmaster)
        for n in range(count):
            decide(turn * count + n)
        used = time.process_time() + cpu_of(here.postmaster) - before
        found.append(1000 * used / count)
        tell(f"{found[-1]:.2f} ms of CPU a decision")
    asked = decide(0).asked
    note = f"{number} policies in force, {len(asked)} of them concern the first case"
    say("decision_cpu_ms", median(found), unit="ms", note=note)
    say("decision_statements", median(statements), unit="statements", note="no cap among them")


def booking() -> tuple[Callable[[int], Any], int]:
    """A city under rules, and how to decide the nth booking in it; and how many rules there are."""
    from apps.kernel import clock
    from apps.places.geometry import Point
    from apps.regulation import operations as regulation
    from apps.regulation.models import PolicyVersion
    from apps.regulation.rules import Act
    from tests import factories
    from tests.policies import case, enforced

    at = clock.now()
    city, provider = factories.CityFactory(), factories.PermitFactory(vertical="mobility").provider
    places = [(n // 10, n % 10) for n in range(ZONES)]
    for north, east in places:
        west, south = -71.30 + east * 0.01, -29.95 + north * 0.01
        ring = [[west, south], [west + 0.008, south], [west + 0.008, south + 0.008]]
        boundary = {"type": "MultiPolygon", "coordinates": [[[*ring, ring[0]]]]}
        factories.ZoneFactory(city=city, slug=f"z-{north}-{east}", boundary=boundary)
    terms: list[tuple[str, dict[str, int | str]]] = [
        ("price", {"ceiling_minor": 90_000}),
        ("fee", {"flat_minor": 50}),
        ("limit", {"fact": "metres", "most": 90_000}),
        ("pay", {"per_km_minor": 300}),
        ("commission", {"most_bp": 1_500}),
    ]
    for n in range(POLICIES):
        kind, said = terms[n % 5]
        scope: dict[str, Any] = {"verticals": ["mobility"]}
        if n < 300:
            north, east = places[n // 5]
            scope["zones"] = [f"z-{north}-{east}"]
        elif n < 350:
            scope["classes"] = [("large", "accessible", "premium")[n % 3]]
        elif n < 400:
            scope["providers"] = [provider.pk + n]
        else:
            scope |= {"weekdays": [n % 7], "hour_from": f"{n % 24:02}:00", "hour_to": "23:59"}
        enforced(kind, said, city=city, scope=scope, at=at - timedelta(days=1))

    def decide(n: int) -> Any:
        north, east = places[n % ZONES]
        point = Point(-29.949 + north * 0.01, -71.299 + east * 0.01)
        asked = case(
            provider,
            act=Act.BOOK if n % 2 else Act.QUOTE,
            city=city,
            vertical="mobility",
            moment=at + timedelta(hours=n % 168),
            kind="standard",
            points={"pickup": point, "dropoff": point},
            counts={"rides": 1},
            facts={"metres": 4_000},
        )
        return regulation.decide(asked, by=factories.ADA, at=at)

    return decide, PolicyVersion.objects.in_force(at).count()


def verifying(here: Ground, count: int, times: int) -> None:
    """Seal and export so many records, and verify them like somebody from outside."""
    from apps.audit import exporting, keys
    from apps.audit import operations as audit
    from apps.kernel import clock

    tell(f"{count:,} records")
    record(here, count)
    began = time.perf_counter()
    audit.seal_all(at=clock.now())
    sealed = time.perf_counter() - began
    folder = ROOT / ".data" / "bench-data" / "evidence"
    shutil.rmtree(folder, ignore_errors=True)
    began = time.perf_counter()
    rows = exporting.export(folder, ["audit.record"], at=clock.now())
    exported = time.perf_counter() - began
    assert rows == {"audit.record": count}, rows
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    key = keys.public(keys.signing_key())
    found = [seconds_to_verify(folder, key) for _ in range(times)]
    shutil.rmtree(folder)
    say(
        "verify_1m_rows",
        median(found),
        unit="s",
        note=f"{count} rows, {size:.0f} MB; sealed in {sealed:.1f} s, exported in {exported:.1f} s",
    )


def record(here: Ground, count: int) -> None:
    """Records such as a ride leaves, as many transactions wrote them."""
    with here.superuser() as line:
        for begin in range(1, count + 1, IN_EACH):
            line.execute(
                "INSERT INTO audit_record (event, topic, body, by, happened_at, source)"
                " SELECT n, 'orders.advanced', jsonb_build_object('order', n, 'ref',"
                "  md5(n::text)::uuid, 'step', 'drop_off'), 'worker:' || n %% 999, now(),"
                "  '/api/v1/orders' FROM generate_series(%s::bigint, %s::bigint) AS n",
                [begin, min(begin + IN_EACH - 1, count)],
            )
            line.commit()


def seconds_to_verify(folder: Path, key: str) -> float:
    """Wall seconds of the whole command, its start included."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "apps.audit.verifying", str(folder), "--key", key],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stdout + done.stderr
    tell(f"verified in {seconds:.1f} s")
    return seconds


if __name__ == "__main__":
    main()
