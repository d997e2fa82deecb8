"""Sealing: what was written to a log is signed, so that it cannot be bent unseen."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.audit import keys, merkle, queries
from apps.audit.evidence import digest_of, packed
from apps.audit.models import Seal
from apps.audit.seals import Stream, names, statement_of, stream_named
from apps.audit.transactions import horizon
from apps.bus import operations as bus
from apps.kernel.actors import Actor

AUDIT = Actor.system("audit")
# How many rows one seal covers at most, unless a single transaction wrote more.
LONGEST = 10_000
# So long without a seal, and no money leaves and no personal data are handed out: what was done
# meanwhile could not be proven.  X-Road stops its exchange after the same time.
PATIENCE = timedelta(hours=4)

logger = logging.getLogger(__name__)


class NotSealed(Exception):
    """Nothing has been sealed for so long that this waits until it is."""


@transaction.atomic
def seal(*, stream: str, at: datetime, by: Actor = AUDIT) -> Seal | None:
    """Sign what was written to a log since its last seal.  Return the seal; None if nothing was.

    Only rows of transactions that are over are sealed, and none of an older one can come later.
    Of several who seal at once, one does.  Raises `NoSuchStream` and `keys.NoKey`.
    """
    log = stream_named(stream)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"seal {stream}"])
    last = queries.last_seal(stream)
    rows, upto = _unsealed(log, last.upto if last else 0)
    if not rows:
        return None
    key = keys.signing_key()
    leaves = [merkle.leaf(log.row_bytes(row)) for row in rows]
    ids = [row.pk for row in rows]
    made = Seal(
        stream=stream,
        number=last.number + 1 if last else 1,
        upto=upto,
        first_id=min(ids),
        last_id=max(ids),
        rows=len(rows),
        position=queries.rows_sealed(last) + 1,
        leaves=b"".join(leaves),
        ids=packed(ids),
        merkle_root=merkle.root(leaves).hex(),
        previous=last.digest if last else "",
        key=keys.public(key),
        sealed_at=at,
    )
    digest = digest_of(statement_of(made))
    made.digest, made.signature = digest.hex(), key.sign(digest).hex()
    made.save(force_insert=True)
    # Told to the stream, the hash is known outside the city's database.
    bus.publish("audit.sealed", by=by, at=at, stream=stream, number=made.number, digest=made.digest)
    return made


def seal_all(*, at: datetime) -> list[Seal]:
    """Seal every log, in as many seals as its rows need.

    One log's trouble is no other's; it is raised when the rest are done.
    """
    made: list[Seal] = []
    trouble: list[Exception] = []
    # What the sealing itself puts on record is for the next time, or there would be no end.
    enough = horizon()
    for stream in names():
        try:
            while found := seal(stream=stream, at=at):
                made.append(found)
                if found.upto >= enough:
                    break
        except Exception as fault:
            logger.exception("%s could not be sealed", stream)
            trouble.append(fault)
    if trouble:
        raise trouble[0]
    return made


def _unsealed(log: Stream, after: int) -> tuple[list[Any], int]:
    """The next rows to seal, and the transaction up to which they are all there is."""
    upto = horizon()
    rows = list(log.between(after, upto)[: LONGEST + 1])
    if len(rows) <= LONGEST:
        return rows, upto
    # Cut between two transactions.  One that wrote more than that is sealed whole.
    cut = rows[-1].tx
    if cut == rows[0].tx:
        return list(log.between(after, cut + 1)), cut + 1
    return [row for row in rows if row.tx < cut], cut


def require_sealed(*, at: datetime) -> None:
    """Raises `NotSealed` when something has stood unsealed for four hours."""
    age = queries.seal_age(at)
    if age > PATIENCE:
        hours = age.total_seconds() / 3600
        raise NotSealed(f"nothing has been sealed for {hours:.1f} hours; see `manage.py seal`")
