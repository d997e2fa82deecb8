"""The seals, read: how far they reach, whether a log is as it was sealed, the proof of one row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet, Sum

from apps.audit import evidence, keys, merkle
from apps.audit.evidence import Fault, Sealed
from apps.audit.models import Look, Record, Seal
from apps.audit.seals import AUDIT_STREAM, as_sealed, names, stream_named
from apps.kernel.actors import Actor

# From so long without a seal on, somebody is told: seals are made each minute.
LATE = timedelta(minutes=15)
# So many roots an answer tells.
PAGE = 500


class NotYetSealed(Exception):
    """The row is there, but its seal is not made yet."""


class NoSuchRow(Exception):
    """The log has no row of this number."""


def last_seal(stream: str) -> Seal | None:
    """The newest seal of a log."""
    return Seal.objects.filter(stream=stream).order_by("number").last()


def rows_sealed(last: Seal | None) -> int:
    """How many rows of a log are sealed, by its last seal."""
    if last is None:
        return 0
    if last.position is not None:
        return last.position + last.rows - 1
    found = Seal.objects.filter(stream=last.stream).aggregate(rows=Sum("rows"))["rows"]
    return int(found or 0)


def seals_of(stream: str) -> Iterator[Sealed]:
    """The seals of a log from the first on, one by one."""
    found = Seal.objects.filter(stream=stream).order_by("number")
    return map(as_sealed, found.iterator(chunk_size=1))


@dataclass(frozen=True)
class Verdict:
    """What a check of a log found: how much of it is sealed, and what is not as it was."""

    stream: str
    seals: int
    rows: int
    faults: tuple[Fault, ...] = ()


@transaction.atomic
def verify(stream: str) -> Verdict:
    """Compare a log with its seals, and name every row and seal that is not as it was sealed.

    Raises `NoSuchStream`.
    """
    log = stream_named(stream)
    last = last_seal(stream)
    lines = log.lines(0, last.upto if last else 0)
    faults = tuple(evidence.examine(seals_of(stream), lines, keys.trusted()))
    count = Seal.objects.filter(stream=stream).count()
    return Verdict(stream, count, rows_sealed(last), faults)


def proof_for(stream: str, pk: int, user_id: int) -> dict[str, Any]:
    """The proof of a row, for somebody whom it is about.

    Raises `NoSuchStream`, `NotYetSealed`, and `NoSuchRow` also where it is not about them.
    """
    row = stream_named(stream).rows.filter(pk=pk).first()
    if row is None or not stream_named(stream).is_about(row, user_id):
        raise NoSuchRow(f"{stream} {pk}")
    return proof(stream, pk)


def proof(stream: str, pk: int) -> dict[str, Any]:
    """The proof that a row stands in a log: the row, the way to the root, and the signed root.

    Raises `NoSuchStream`, `NoSuchRow`, and `NotYetSealed`.
    """
    log = stream_named(stream)
    row = log.rows.filter(pk=pk).first()
    if row is None:
        raise NoSuchRow(f"{stream} {pk}")
    seal = Seal.objects.filter(stream=stream, upto__gt=row.tx).order_by("upto").first()
    if seal is None:
        raise NotYetSealed(f"{stream} {pk}")
    whole = as_sealed(seal)
    line, leaves = log.row_bytes(row), whole.leaf_list()
    try:
        index = leaves.index(merkle.leaf(line))
    except ValueError:
        raise NoSuchRow(f"{stream} {pk} is not what was sealed") from None
    return {
        "format": evidence.PROOF,
        "stream": stream,
        "row": line.decode(),
        "index": index,
        "path": [each.hex() for each in merkle.path(leaves, index)],
        "seal": whole.told(),
    }


def seal_age(at: datetime) -> timedelta:
    """How long something has stood unsealed, or how long ago the audit was sealed at all.

    The audit's own log always has news: each seal is an event that is put on record.
    """
    last = last_seal(AUDIT_STREAM)
    if last:
        ages = [at - last.sealed_at]
    else:
        first = Record.objects.order_by("pk").first()
        ages = [at - first.happened_at] if first else []
    ages += [at - left for stream in names() if (left := _left_behind_since(stream))]
    return max([*ages, timedelta(0)])


def _left_behind_since(stream: str) -> datetime | None:
    """When the audit's seals passed the oldest row of a log that is not sealed itself."""
    last = Seal.objects.filter(stream=stream).order_by("number").only("upto").last()
    unsealed = stream_named(stream).rows.filter(tx__gte=last.upto if last else 0)
    tx = unsealed.order_by("tx").values_list("tx", flat=True).first()
    if tx is None:
        return None
    passed = Seal.objects.filter(stream=AUDIT_STREAM, upto__gt=tx).order_by("upto")
    return passed.values_list("sealed_at", flat=True).first()


@dataclass(frozen=True)
class Log:
    """A sealed log, by its newest seal."""

    stream: str
    rows: int
    last: Seal | None


def logs() -> list[Log]:
    """Every log that is sealed, and how far."""
    newest = [(stream, last_seal(stream)) for stream in names()]
    return [Log(stream, rows_sealed(last), last) for stream, last in newest]


def published_keys() -> list[str]:
    """The public keys whose seals count; none where there is no key to seal with."""
    try:
        return sorted(keys.trusted())
    except keys.NoKey:
        return []


def published(stream: str = "", before: int | None = None) -> dict[str, Any]:
    """What everybody may know of the newest seals, of one log or of all."""
    found = Seal.objects.defer("leaves").order_by("-pk")
    if stream:
        found = found.filter(stream=stream)
    if before is not None:
        found = found.filter(pk__lt=before)
    seals = list(found[:PAGE])
    return {
        "keys": published_keys(),
        "roots": [as_sealed(seal, whole=False).told() for seal in seals],
        "before": seals[-1].pk if len(seals) == PAGE else None,
    }


@dataclass(frozen=True)
class Seen:
    """A look in words: who it was and what kind of thing they looked at."""

    look: Look
    who: str
    what: str


def looks_at(user_id: int) -> QuerySet[Look]:
    """Who looked at a person's data, the newest first."""
    return Look.objects.filter(person=user_id).order_by("-pk")


def in_words(looks: Sequence[Look]) -> list[Seen]:
    """Looks with the names of those who looked."""
    actors = [Actor.parse(look.by) for look in looks]
    people = get_user_model()._default_manager.in_bulk(
        {int(actor.id) for actor in actors if actor.id.isdecimal()}
    )
    return [
        Seen(look, _name(actor, people), _kind(look.what))
        for look, actor in zip(looks, actors, strict=True)
    ]


def _name(actor: Actor, people: Mapping[int, Any]) -> str:
    person = people.get(int(actor.id)) if actor.id.isdecimal() else None
    return str(person or actor)


def _kind(what: str) -> str:
    """What a kind of row is called."""
    try:
        return str(apps.get_model(what)._meta.verbose_name)
    except (LookupError, ValueError):
        return what
