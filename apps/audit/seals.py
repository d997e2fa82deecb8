"""Which logs are sealed, and what a seal says: the same for who seals and who checks."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.db.models import Model, QuerySet

from apps.audit.models import Record, Seal


class NoSuchStream(Exception):
    """No log of this name is sealed."""


@dataclass(frozen=True)
class Stream:
    """An append-only log: its rows, in the order of their transactions, and each as bytes."""

    name: str
    rows: QuerySet[Any]
    row_bytes: Callable[[Any], bytes]

    def between(self, after: int, upto: int) -> QuerySet[Any]:
        """The rows that the transactions from `after` up to `upto` wrote."""
        return self.rows.filter(tx__gte=after, tx__lt=upto).order_by("tx", "pk")


_streams: dict[str, Stream] = {}


def register[Row: Model](
    stream: str, rows: QuerySet[Row], row_bytes: Callable[[Row], bytes]
) -> None:
    """Have a log sealed.  Its model says in a `TransactionField` called `tx` who wrote each row.

    `row_bytes` must say everything that matters about a row, and the same for ever.
    """
    _streams[stream] = Stream(stream, rows, row_bytes)


def stream_named(name: str) -> Stream:
    """Raises `NoSuchStream`."""
    try:
        return _streams[name]
    except KeyError:
        raise NoSuchStream(name) from None


def names() -> list[str]:
    """The logs that are sealed."""
    return sorted(_streams)


def plain(**what: Any) -> bytes:
    """JSON in one way only: keys in order, no spaces."""
    return json.dumps(what, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(seal: Seal) -> bytes:
    """The hash of all that a seal says, and with it of every seal before."""
    return sha256(
        plain(
            stream=seal.stream,
            number=seal.number,
            upto=seal.upto,
            first_id=seal.first_id,
            last_id=seal.last_id,
            rows=seal.rows,
            merkle_root=seal.merkle_root,
            previous=seal.previous,
            key=seal.key,
            sealed_at=seal.sealed_at.isoformat(),
        )
    ).digest()


def record_bytes(record: Record) -> bytes:
    """A record of the audit, as it is sealed."""
    return plain(
        id=record.pk,
        event=record.event,
        topic=record.topic,
        body=record.body,
        by=record.by,
        happened_at=record.happened_at.isoformat(),
        source=record.source,
    )


register("audit.record", Record.objects.all(), record_bytes)
