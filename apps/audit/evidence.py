"""What a seal says, and how to find what is not as it was sealed.

Needs nothing but the standard library and `cryptography`: an outsider checks with this very code,
and so does the city.  A log is its rows in the order in which they were sealed, each as one line of
canonical JSON with its number as `id`.
"""

import json
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import chain as chain_of
from itertools import islice
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from apps.audit import merkle

# What files that travel call themselves.
EXPORT = "cityplatform evidence 1"
PROOF = "cityplatform proof 1"
# A row's number in `Sealed.ids`: 64 bits, the highest first.
NUMBER = 8


def plain(**what: Any) -> bytes:
    """JSON in one way only: keys in order, no spaces."""
    return json.dumps(what, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def is_signed(message: bytes, signature: str, key: str) -> bool:
    """Whether the signature over a message was made with this public key."""
    try:
        public_key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public_key.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


class Kind(StrEnum):
    """What can be wrong."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    MOVED = "moved"
    SEAL = "seal"
    PROOF = "proof"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was sealed: what kind, which row, and in words."""

    kind: Kind
    text: str
    row: int | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Sealed:
    """A seal: what it states, the hash and signature over that, and the leaves under its root.

    `ids` are the numbers of the rows in the same order, so that one that is gone still has a name.
    """

    statement: dict[str, Any]
    digest: str
    signature: str
    leaves: bytes = b""
    ids: bytes = b""

    @property
    def number(self) -> int:
        return int(self.statement["number"])

    @property
    def rows(self) -> int:
        return int(self.statement["rows"])

    def told(self) -> dict[str, Any]:
        """The seal without its leaves, as JSON: what a proof and the public page say of it."""
        return {
            "statement": self.statement,
            "digest": self.digest,
            "signature": self.signature,
        }

    def leaf_list(self) -> list[bytes]:
        length = merkle.LENGTH
        return [self.leaves[at : at + length] for at in range(0, len(self.leaves), length)]

    def id_of(self, index: int) -> int | None:
        """The number of one of its rows; None for a seal from before the numbers were kept."""
        told = self.ids[index * NUMBER : (index + 1) * NUMBER]
        return int.from_bytes(told) if told else None


def packed(ids: Iterable[int]) -> bytes:
    """Numbers of rows as a seal keeps them."""
    return b"".join(id.to_bytes(NUMBER) for id in ids)


def digest_of(statement: dict[str, Any]) -> bytes:
    """The hash of all that a seal says, and with it of every seal before."""
    return sha256(plain(**statement)).digest()


def faults_of_seal(one: Sealed, before: str, trusted: Collection[str]) -> Iterator[Fault]:
    """What is wrong with a seal by itself and after the one before, whose hash is given."""

    def fault(text: str) -> Fault:
        return Fault(Kind.SEAL, f"seal {one.number}: {text}")

    if one.statement["previous"] != before:
        yield fault("it does not follow from the seal before")
    digest = digest_of(one.statement)
    if digest.hex() != one.digest:
        yield fault("it does not say what it said when it was sealed")
    elif one.statement["key"] not in trusted:
        yield fault("it was sealed with a key that is not trusted")
    elif not is_signed(digest, one.signature, one.statement["key"]):
        yield fault("its signature is not of its key")


def faults_of_leaves(one: Sealed) -> Iterator[Fault]:
    """What is wrong with the leaves and numbers that come with a seal."""
    if merkle.root(one.leaf_list()).hex() != one.statement["merkle_root"]:
        yield Fault(Kind.SEAL, f"seal {one.number}: its leaves do not make its root")
    if sha256(one.ids).hexdigest() != one.statement.get("ids", sha256(b"").hexdigest()):
        yield Fault(Kind.SEAL, f"seal {one.number}: its numbers of rows are not those it sealed")


def examine(
    seals: Iterable[Sealed],
    lines: Iterable[bytes],
    trusted: Collection[str],
    last: str | None = None,
) -> Iterator[Fault]:
    """Compare a whole log with its seals, and name every row and seal that is not as sealed.

    `last` is the hash of the last seal, where it is known.

    As long as all is well nothing is kept but one seal and its rows.  From the first row on that
    does not fit, the hashes of the rest are held in memory and compared as a whole.
    """
    rows, line = iter(lines), 0
    chain = _Chain(trusted)
    seals = iter(seals)
    for one in seals:
        yield from chain.faults_of(one)
        rows, skipped = _beyond(rows, chain.gap, one)
        line += skipped
        read = list(islice(rows, one.rows))
        if not _is_as_sealed(one, read):
            rest = _Rest(line)
            rest.expect(one, chain.begins)
            for other in seals:
                yield from chain.faults_of(other)
                if chain.gap:
                    rest.leave_out()
                rest.expect(other, chain.begins)
            rows = chain_of(read, rows)
            break
        line += one.rows
    else:
        rest = _Rest(line)
    if last is not None and chain.digest != last:
        yield Fault(Kind.SEAL, f"the seals after {chain.number} are missing")
        rest.leave_out()
    rest.hear(rows)
    yield from rest.faults()


def _beyond(rows: Iterator[bytes], gap: int, one: Sealed) -> tuple[Iterator[bytes], int]:
    """Pass over the rows of missing seals, unless these rows are missing, too."""
    if not gap:
        return rows, 0
    passed = list(islice(rows, gap))
    if passed and merkle.leaf(passed[0]) == one.leaves[: merkle.LENGTH]:
        return chain_of(passed, rows), 0
    return rows, len(passed)


def _is_as_sealed(one: Sealed, read: list[bytes]) -> bool:
    leaves = [merkle.leaf(row) for row in read]
    if len(leaves) != one.rows:
        return False
    # Leaves that came bent with the seal prove nothing; its root does.
    return leaves == one.leaf_list() or merkle.root(leaves).hex() == one.statement["merkle_root"]


class _Chain:
    """Seals in their order, each checked against the one before."""

    def __init__(self, trusted: Collection[str]) -> None:
        self.trusted = trusted
        self.number, self.digest, self.position = 0, "", 1
        # Where the present seal begins, and how many rows before it are in seals that are missing.
        self.begins, self.gap = 1, 0

    def faults_of(self, one: Sealed) -> Iterator[Fault]:
        self.begins = one.statement.get("position", self.position)
        self.gap = max(0, self.begins - self.position)
        if one.number != self.number + 1:
            missing = range(self.number + 1, one.number)
            for number in missing:
                yield Fault(Kind.SEAL, f"seal {number} is missing{self._of_rows()}")
            if not missing:
                yield Fault(Kind.SEAL, f"seal {one.number} is out of its place")
            # With what the missing one said, this one follows from nothing that could be known.
            yield from faults_of_seal(one, one.statement["previous"], self.trusted)
        else:
            yield from faults_of_seal(one, self.digest, self.trusted)
        yield from faults_of_leaves(one)
        self.number, self.digest = one.number, one.digest
        self.position = self.begins + one.rows

    def _of_rows(self) -> str:
        if not self.gap:
            return ""
        return f" (rows {self.position} to {self.position + self.gap - 1} of the log are in none)"


@dataclass(frozen=True, slots=True)
class _Stranger:
    """A line that no seal knows: what it calls itself, where it stands, after which sealed row."""

    id: int | None
    line: int
    after: int


class _Rest:
    """The part of a log in which something does not fit: what was sealed, and what is there."""

    def __init__(self, line: int) -> None:
        self.leaves: list[bytes] = []
        # The seal, the number and the place in the log of each row, in the order of the seals.
        self.seals: list[int] = []
        self.ids: list[int | None] = []
        self.positions: list[int] = []
        # After these of them come rows whose seal is missing.
        self.unsealed: set[int] = set()
        self.where: dict[bytes, int] = {}
        # Which of them stands on which line, and the other way round.
        self.found: dict[int, int] = {}
        self.line_of: dict[int, int] = {}
        self.strangers: list[_Stranger] = []
        self.line = line

    def expect(self, one: Sealed, begins: int) -> None:
        """Add the rows of a seal to what should be there."""
        for index, leaf in enumerate(one.leaf_list()):
            self.where[leaf] = len(self.leaves)
            self.leaves.append(leaf)
            self.seals.append(one.number)
            self.ids.append(one.id_of(index))
            self.positions.append(begins + index)

    def leave_out(self) -> None:
        """Rows come here of which nothing is known, because their seal is missing."""
        self.unsealed.add(len(self.leaves) - 1)

    def hear(self, rows: Iterable[bytes]) -> None:
        """Take in the lines that are there."""
        last = -1
        for row in rows:
            self.line += 1
            index = self.where.get(merkle.leaf(row))
            if index is None or not self._is_the_one(index, last):
                self.strangers.append(_Stranger(_id_of(row), self.line, last))
                continue
            self.found[self.line] = last = index
            self.line_of[index] = self.line

    def _is_the_one(self, index: int, last: int) -> bool:
        """Whether this line is the sealed row, and not a copy of it.

        Of two, it is the one that stands behind the row that it was sealed behind.
        """
        if index not in self.line_of:
            return True
        if index != last + 1:
            return False
        copy = self.line_of[index]
        before = self.found.get(copy - 1, -1)
        if before == index - 1:
            return False
        del self.found[copy]
        self.strangers.append(_Stranger(self.ids[index], copy, before))
        return True

    def faults(self) -> Iterator[Fault]:
        """Name each row that was changed, removed, inserted or moved, in the order of the log."""
        told: list[tuple[int, Fault]] = []
        for line, index in _out_of_order(self.found):
            text = f"{self._name(index)} was moved to line {line}"
            told.append((line, Fault(Kind.MOVED, text, self.ids[index])))
        strangers = self.strangers
        by_id = {one.id: one for one in strangers if one.id is not None}
        by_place = {one.after: one for one in reversed(strangers)}
        explained: set[_Stranger] = set()
        missing = [index for index in range(len(self.leaves)) if index not in self.line_of]
        for index in missing:
            id = self.ids[index]
            one = None if id is None else by_id.get(id)
            if one is not None and one not in explained:
                explained.add(one)
                text = f"{self._name(index)} was changed"
                told.append((one.line, Fault(Kind.CHANGED, text, self.ids[index])))
        changed = {fault.row for _, fault in told if fault.kind == Kind.CHANGED}
        for index in missing:
            if self.ids[index] in changed and self.ids[index] is not None:
                continue
            one, place = by_place.get(index - 1), self.positions[index]
            if one is not None and one not in explained:
                explained.add(one)
                named = "no number" if one.id is None else f"number {one.id}"
                text = f"{self._name(index)} was changed, and has {named} now"
                told.append((one.line, Fault(Kind.CHANGED, text, self.ids[index])))
            else:
                text = f"{self._name(index)} was removed"
                told.append((place, Fault(Kind.REMOVED, text, self.ids[index])))
        for one in strangers:
            if one not in explained and one.after not in self.unsealed:
                named = "something that is no row" if one.id is None else f"row {one.id}"
                fault = Fault(Kind.INSERTED, f"{named} was inserted at line {one.line}", one.id)
                told.append((one.line, fault))
        yield from (fault for _, fault in sorted(told, key=lambda each: each[0]))

    def _name(self, index: int) -> str:
        place = f"line {self.positions[index]}, seal {self.seals[index]}"
        id = self.ids[index]
        return f"the row of {place}" if id is None else f"row {id} ({place})"


def _id_of(row: bytes) -> int | None:
    """What a line calls itself; None if it is no row at all."""
    try:
        id = json.loads(row)["id"]
    except (ValueError, TypeError, KeyError):
        return None
    return id if isinstance(id, int) else None


def _out_of_order(found: dict[int, int]) -> list[tuple[int, int]]:
    """The fewest that stand elsewhere than in order: all but the longest rising sequence."""
    lines = sorted(found)
    order = [found[line] for line in lines]
    if all(one < other for one, other in zip(order, order[1:], strict=False)):
        return []
    # Patience: the lowest end of a rising sequence of each length, and who stood before whom.
    ends: list[int] = []
    at_end: list[int] = []
    before: list[int] = []
    for place, index in enumerate(order):
        length = bisect_left(ends, index)
        before.append(at_end[length - 1] if length else -1)
        ends[length : length + 1] = [index]
        at_end[length : length + 1] = [place]
    stays, place = set(), at_end[-1]
    while place >= 0:
        stays.add(place)
        place = before[place]
    return [(lines[place], index) for place, index in enumerate(order) if place not in stays]
