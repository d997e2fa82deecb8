"""Logs without a database: rows and seals as they travel, for whoever bends them."""

import json
from functools import cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from apps.audit import merkle
from apps.audit.evidence import Sealed, digest_of, packed, plain

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw().hex()


def row(id, **more):
    return plain(id=id, by=f"consumer:{id % 7}", topic="tests.kept", **more)


def id_of(line):
    return json.loads(line)["id"]


def sign(statement, leaves=b"", ids=b"", key=KEY):
    digest = digest_of(statement)
    return Sealed(statement, digest.hex(), key.sign(digest).hex(), leaves, ids)


def seal(lines, number, position, previous, stream="tests.log", key=KEY):
    """A seal over these rows, as `operations.seal` would make it."""
    leaves, ids = [merkle.leaf(line) for line in lines], [id_of(line) for line in lines]
    statement = {
        "stream": stream,
        "number": number,
        "upto": 1000 + number,
        "first_id": min(ids),
        "last_id": max(ids),
        "rows": len(lines),
        "merkle_root": merkle.root(leaves).hex(),
        "previous": previous,
        "key": key.public_key().public_bytes_raw().hex(),
        "sealed_at": "2027-05-01T12:00:00+00:00",
        "position": position,
        "ids": sha256(packed(ids)).hexdigest(),
    }
    return sign(statement, b"".join(leaves), packed(ids), key)


@cache
def log(count, per_seal):
    """So many rows, and their seals."""
    lines = [row(id) for id in range(1, count + 1)]
    seals, previous = [], ""
    for begin in range(0, count, per_seal):
        seals.append(seal(lines[begin : begin + per_seal], len(seals) + 1, begin + 1, previous))
        previous = seals[-1].digest
    return tuple(lines), tuple(seals)
