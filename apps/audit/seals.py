"""Which logs are sealed, and what a seal says: the same for who seals and who checks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from apps.audit.evidence import Sealed, plain
from apps.audit.models import Look, Record, Seal


class NoSuchStream(Exception):
    """No log of this name is sealed."""


# Whether a row is about the person of this user id, who may then have the proof of it.
type Concern = Callable[[Any, int], bool]


@dataclass(frozen=True)
class Stream:
    """An append-only log: its rows, in the order of their transactions, and each as bytes."""

    name: str
    rows: QuerySet[Any]
    row_bytes: Callable[[Any], bytes]
    concerns: list[Concern] = field(default_factory=list)

    def between(self, after: int, upto: int) -> QuerySet[Any]:
        """The rows that the transactions from `after` up to `upto` wrote."""
        return self.rows.filter(tx__gte=after, tx__lt=upto).order_by("tx", "pk")

    def lines(self, after: int, upto: int, chunk: int = 2_000) -> Iterator[bytes]:
        """The same rows as they are sealed, one after the other."""
        return map(self.row_bytes, self.between(after, upto).iterator(chunk_size=chunk))

    def is_about(self, row: Any, user_id: int) -> bool:
        """Whether a row concerns a person."""
        return any(concern(row, user_id) for concern in self.concerns)


_streams: dict[str, Stream] = {}
# What apps above know of the people a log is about.
_concerns: dict[str, list[Concern]] = {}


def register[Row: Model](
    stream: str, rows: QuerySet[Row], row_bytes: Callable[[Row], bytes]
) -> None:
    """Have a log sealed.  Its model says in a `TransactionField` called `tx` who wrote each row.

    `row_bytes` must say everything that matters about a row, its number as `id` among it, and the
    same for ever: `canonical` is the way to write it.
    """
    _streams[stream] = Stream(stream, rows, row_bytes, _concerns.setdefault(stream, []))


def concern(stream: str, of: Concern) -> None:
    """Let the people whom a row is about have the proof of it.  Apps above may add theirs."""
    _concerns.setdefault(stream, []).append(of)


def canonical(row: Model, *names: str, later: tuple[str, ...] = (), **more: Any) -> bytes:
    """A row as it is sealed: its number, these fields, and what else is told.

    A column that a table is given after its first seal goes into `later`: it is said only where
    it is set, so that the rows from before stay what they were.
    """
    said = {"id": row.pk} | {name: _flat(getattr(row, name)) for name in names} | more
    for name in later:
        value = getattr(row, name)
        if value not in (None, "", [], {}):
            said[name] = _flat(value)
    return plain(**said)


def _flat(value: Any) -> Any:
    """Moments, days and references as text; the rest is JSON already."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def stream_named(name: str) -> Stream:
    """Raises `NoSuchStream`."""
    try:
        return _streams[name]
    except KeyError:
        raise NoSuchStream(name) from None


def names() -> list[str]:
    """The logs that are sealed."""
    return sorted(_streams)


def statement_of(seal: Seal) -> dict[str, Any]:
    """All that a seal says, over which its hash and signature go."""
    said: dict[str, Any] = {
        "stream": seal.stream,
        "number": seal.number,
        "upto": seal.upto,
        "first_id": seal.first_id,
        "last_id": seal.last_id,
        "rows": seal.rows,
        "merkle_root": seal.merkle_root,
        "previous": seal.previous,
        "key": seal.key,
        "sealed_at": seal.sealed_at.isoformat(),
    }
    # The first seals did not say where in the log they begin, nor which rows they cover.
    if seal.position is not None:
        said |= {"position": seal.position, "ids": sha256(bytes(seal.ids)).hexdigest()}
    return said


def as_sealed(seal: Seal, *, whole: bool = True) -> Sealed:
    """A seal as it travels; `whole` brings the leaves."""
    leaves, ids = (bytes(seal.leaves), bytes(seal.ids)) if whole else (b"", b"")
    return Sealed(statement_of(seal), seal.digest, seal.signature, leaves, ids)


def record_bytes(record: Record) -> bytes:
    """A record of the audit, as it is sealed."""
    return canonical(record, "event", "topic", "body", "by", "happened_at", "source")


def did_it(record: Record, user_id: int) -> bool:
    """A record is about whoever did what it says."""
    return record.actor_id == user_id


def look_bytes(look: Look) -> bytes:
    """A look at somebody's data, as it is sealed."""
    said = ("person", "by", "what", "row", "why", "looked_at", "source")
    return canonical(look, *said, later=("inspection",))


def is_theirs(look: Look, user_id: int) -> bool:
    """A look is about the person who was looked at."""
    return look.person == user_id


AUDIT_STREAM = "audit.record"
LOOKS = "audit.look"
register(AUDIT_STREAM, Record.objects.all(), record_bytes)
concern(AUDIT_STREAM, did_it)
register(LOOKS, Look.objects.all(), look_bytes)
concern(LOOKS, is_theirs)
