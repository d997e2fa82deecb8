"""Merkle trees as in RFC 6962, section 2.1 (Certificate Transparency), with SHA-256.

A leaf and a node are hashed with different prefixes, so that neither passes for the other.
"""

from collections.abc import Iterable
from hashlib import sha256

LENGTH = 32


def leaf(row: bytes) -> bytes:
    """The hash that stands for one row."""
    return sha256(b"\x00" + row).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees beside one another."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """The hash of a whole tree, from its leaves in order.

    Full subtrees wait on a stack, like the ones of a binary counter; at the end the smaller ones
    hang to the right of the larger ones.  That is RFC 6962's split at the largest power of two.
    """
    waiting: list[tuple[int, bytes]] = []
    for each in leaves:
        size, found = 1, each
        while waiting and waiting[-1][0] == size:
            _, left = waiting.pop()
            size, found = 2 * size, node(left, found)
        waiting.append((size, found))
    if not waiting:
        return sha256(b"").digest()
    _, found = waiting.pop()
    while waiting:
        _, left = waiting.pop()
        found = node(left, found)
    return found
