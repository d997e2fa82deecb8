"""Merkle trees as in RFC 6962, section 2.1 (Certificate Transparency), with SHA-256.

A leaf and a node are hashed with different prefixes, so that neither passes for the other.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

LENGTH = 32


def leaf(row: bytes) -> bytes:
    """The hash that stands for one row."""
    return sha256(b"\x00" + row).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees beside one another."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """The hash of a whole tree, from its leaves in order."""
    level = list(leaves)
    if not level:
        return sha256(b"").digest()
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """What must be known beside one leaf to come to the root: section 2.1.1, from below."""
    level, found = list(leaves), []
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            found.append(level[beside])
        level, index = _above(level), index // 2
    return found


def root_by(path: Sequence[bytes], leaf: bytes, index: int, size: int) -> bytes | None:
    """The root to which a path leads from the leaf at this index of so many; None if to none.

    The check of RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return None
    last, found, steps = size - 1, leaf, iter(path)
    while last:
        # The last one of an odd row has nobody beside it, and goes up as it is.
        if index % 2 or index < last:
            beside = next(steps, None)
            if beside is None:
                return None
            found = node(beside, found) if index % 2 else node(found, beside)
        index, last = index // 2, last // 2
    return found if next(steps, None) is None else None


def _above(level: list[bytes]) -> list[bytes]:
    """The hashes of each two beside one another.

    One left over goes up alone, which is RFC 6962's split at the largest power of two.
    """
    above = [node(*level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
    return above + level[-1:] if len(level) % 2 else above
