"""What the city's rules cost, and how fast an outsider verifies the evidence.

`verify_1m_rows`: seconds in which one process, with nothing but the export and the public key,
verifies a million records of the audit in a hundred seals.  The rows are put into the table,
sealed and exported as the platform does it; how long that took stands in the note.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from cityplatform.installation import ROOT
from tests.benchmarks.ground import Ground, ground
from tests.benchmarks.measures import options, say, tell

ROWS = 1_000_000
IN_EACH = 5_000


def main() -> None:
    asked = options(__doc__)
    with ground() as here:
        verifying(here, ROWS // 20 if asked.quick else ROWS, 1 if asked.quick else 3)


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
