"""Audit: who did what, when, and through which door; and seals over logs that must not bend."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.audit import keys, merkle
from apps.audit.models import Record, Seal
from apps.audit.seals import NoSuchStream, Stream, digest_of, names, register, stream_named
from apps.audit.transactions import horizon
from apps.bus import operations as bus
from apps.kernel.actors import Actor

__all__ = ["NoSuchStream", "Verdict", "keep", "names", "register", "seal", "seal_all", "verify"]

AUDIT = Actor.system("audit")
# How many rows one seal covers at most, unless a single transaction wrote more.
LONGEST = 10_000


@transaction.atomic
def keep(*, events: list[bus.Told]) -> None:
    """Put events on record, in one statement.  Keeping one twice is harmless."""
    Record.objects.bulk_create([_record(**told) for told in events], ignore_conflicts=True)


def _record(*, event: int, topic: str, by: Actor, at: datetime, source: str, **body: Any) -> Record:
    return Record(event=event, topic=topic, body=body, by=str(by), happened_at=at, source=source)


@transaction.atomic
def seal(*, stream: str, at: datetime, by: Actor = AUDIT) -> Seal | None:
    """Sign what was written to a log since its last seal.  Return the seal; None if nothing was.

    Only rows of transactions that are over are sealed, and none of an older one can come later.
    Of several who seal at once, one does.  Raises `NoSuchStream` and `keys.NoKey`.
    """
    log = stream_named(stream)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"seal {stream}"])
    last = Seal.objects.filter(stream=stream).order_by("number").last()
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
        leaves=b"".join(leaves),
        merkle_root=merkle.root(leaves).hex(),
        previous=last.digest if last else "",
        key=keys.public(key),
        sealed_at=at,
    )
    digest = digest_of(made)
    made.digest, made.signature = digest.hex(), key.sign(digest).hex()
    made.save(force_insert=True)
    # Told to the stream, the hash is known outside the city's database.
    bus.publish("audit.sealed", by=by, at=at, stream=stream, number=made.number, digest=made.digest)
    return made


def seal_all(*, at: datetime) -> list[Seal]:
    """Seal every log, in as many seals as its rows need."""
    made = []
    # What the sealing itself puts on record is for the next time, or there would be no end.
    enough = horizon()
    for stream in names():
        while found := seal(stream=stream, at=at):
            made.append(found)
            if found.upto >= enough:
                break
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


@dataclass(frozen=True)
class Verdict:
    """What a check of a log found.  `fault` names the first thing that is not as it was sealed."""

    stream: str
    seals: int
    rows: int
    fault: str = ""


@transaction.atomic
def verify(*, stream: str) -> Verdict:
    """Compute every seal of a log anew from its rows, and say what is wrong first, if anything.

    Raises `NoSuchStream`.
    """
    log = stream_named(stream)
    seals = list(Seal.objects.filter(stream=stream).order_by("number"))
    trusted = keys.trusted()
    upto = seals[-1].upto if seals else 0
    rows = log.between(0, upto).iterator(chunk_size=LONGEST)
    kept: list[Any] = []
    checked = 0
    previous = Seal(number=0, upto=0)
    for each in seals:
        fault = _fault_of(each, previous, trusted) or _fault_of_rows(each, log, rows, kept)
        if fault:
            return Verdict(stream, each.number - 1, checked, f"seal {each.number}: {fault}")
        checked += each.rows
        previous = each
    return Verdict(stream, len(seals), checked)


def _fault_of(each: Seal, previous: Seal, trusted: set[str]) -> str:
    """What is wrong with a seal itself."""
    if each.number != previous.number + 1:
        return f"seal {previous.number + 1} is missing"
    if each.previous != previous.digest:
        return "it does not follow from the seal before"
    digest = digest_of(each)
    if digest.hex() != each.digest:
        return "it does not say what it said when it was sealed"
    if each.key not in trusted:
        return "it was sealed with a key that is not ours"
    if not keys.is_signed(digest, each.signature, each.key):
        return "its signature is not of its key"
    if merkle.root(_leaves(each)).hex() != each.merkle_root:
        return "its leaves do not make its root"
    return ""


def _leaves(each: Seal) -> list[bytes]:
    whole = bytes(each.leaves)
    return [whole[i : i + merkle.LENGTH] for i in range(0, len(whole), merkle.LENGTH)]


def _fault_of_rows(each: Seal, log: Stream, rows: Iterator[Any], kept: list[Any]) -> str:
    """What is wrong with the rows that a seal covers.  `kept` is a row read too far."""
    for sealed in _leaves(each):
        row = kept.pop() if kept else next(rows, None)
        if row is None or row.tx >= each.upto:
            kept += [row] if row else []
            return f"a row between {each.first_id} and {each.last_id} is missing"
        if merkle.leaf(log.row_bytes(row)) != sealed:
            return f"row {row.pk} is not what was sealed there"
    row = next(rows, None)
    if row is not None:
        if row.tx < each.upto:
            return f"row {row.pk} was slipped in"
        kept.append(row)
    return ""
