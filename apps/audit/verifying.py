"""Check evidence as an outsider: `python -m apps.audit.verifying EXPORT --key PUBLIC`.

Needs this file, `evidence.py` and `merkle.py`, the standard library and `cryptography`; no
database, no secret, and nothing of the city's but its public key.  EXPORT is the folder of
`manage.py export_evidence`, or the file that proves one event.
"""

import argparse
import base64
import json
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from apps.audit import merkle
from apps.audit.evidence import (
    EXPORT,
    PROOF,
    Fault,
    Kind,
    Sealed,
    digest_of,
    examine,
    faults_of_seal,
    is_signed,
)


class NotEvidence(Exception):
    """There is no export and no proof here."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words behind the command's name."""
    parser.add_argument("export", type=Path, help="folder of an export, or file of one proof")
    parser.add_argument(
        "--key",
        action="append",
        required=True,
        help="public key of the city, 64 hexadecimal digits; once more for each former key",
    )
    parser.add_argument(
        "--roots",
        type=Path,
        help="roots as the city published them before (/api/v1/evidence/roots), to compare with",
    )


def run(export: Path, key: Collection[str], roots: Path | None, say: Callable[[str], Any]) -> bool:
    """Check an export or a proof and say what was found.  True if all is as it was sealed.

    Raises `NotEvidence`.
    """
    trusted = {one.strip().lower() for one in key}
    published = _published(roots) if roots else []
    if export.is_file():
        return _say(faults_of_proof(export, trusted, published), say, "the proof holds")
    manifest = _manifest(export)
    faults = list(_faults_of_manifest(manifest, trusted))
    is_whole = _say(faults, say, "")
    for log in manifest.statement["streams"]:
        name = f"{log['stream']}: "
        found = faults_of_log(export, log, trusted, published)
        is_whole &= _say(found, say, f"{log['seals']} seals, {log['rows']} rows, as sealed", name)
    return is_whole


def _say(faults: Collection[Fault], say: Callable[[str], Any], else_: str, name: str = "") -> bool:
    for fault in faults:
        say(f"{name}{fault}")
    if not faults and else_:
        say(f"{name}{else_}")
    return not faults


def faults_of_log(
    folder: Path, log: dict[str, Any], trusted: Collection[str], published: list[dict[str, Any]]
) -> list[Fault]:
    """What is wrong with one log of an export."""
    name = str(log["stream"])
    roots = {each["number"]: each for each in published if each["stream"] == name}
    last = _Last()
    faults: list[Fault] = []
    try:
        with (
            (folder / f"{name}.seals.jsonl").open("rb") as seals,
            (folder / f"{name}.rows.jsonl").open("rb") as rows,
        ):
            lines = (row.removesuffix(b"\n") for row in rows)
            faults += examine(last.watch(map(_seal, seals)), lines, trusted, log["last"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [*faults, Fault(Kind.SEAL, f"cannot be read: {error!r}")]
    for number, digest in sorted(last.digests.items()):
        if number in roots and roots[number]["digest"] != digest:
            text = f"seal {number} is not the one that was published"
            faults.append(Fault(Kind.SEAL, text))
    faults += [
        Fault(Kind.SEAL, f"seal {number} was published and is missing")
        for number in sorted(roots)
        if number not in last.digests and number <= last.number
    ]
    return faults


class _Last:
    """Remembers the hashes of the seals that pass."""

    def __init__(self) -> None:
        self.number = 0
        self.digests: dict[int, str] = {}

    def watch(self, seals: Iterator[Sealed]) -> Iterator[Sealed]:
        for one in seals:
            self.number = one.number
            self.digests[one.number] = one.digest
            yield one


def faults_of_proof(
    path: Path, trusted: Collection[str], published: list[dict[str, Any]]
) -> list[Fault]:
    """What is wrong with the proof of one row.  Raises `NotEvidence`."""
    told = _json(path)
    if not isinstance(told, dict) or told.get("format") != PROOF:
        raise NotEvidence(f"{path} is no proof")
    try:
        seal = Sealed(**{name: told["seal"][name] for name in ("statement", "digest", "signature")})
        # Of the seal before, the proof of one row says nothing but the hash.
        faults = list(faults_of_seal(seal, seal.statement["previous"], trusted))
        if seal.statement["stream"] != told["stream"]:
            faults.append(Fault(Kind.PROOF, "the seal is of another log"))
        way = [bytes.fromhex(each) for each in told["path"]]
        leaf = merkle.leaf(told["row"].encode())
        root = merkle.root_by(way, leaf, int(told["index"]), seal.rows)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotEvidence(f"{path} is no whole proof: {error!r}") from None
    if root is None or root.hex() != seal.statement["merkle_root"]:
        faults.append(Fault(Kind.PROOF, "the row is not one of those that were sealed"))
    for each in published:
        same = (each["stream"], each["number"]) == (told["stream"], seal.number)
        if same and each["digest"] != seal.digest:
            text = f"seal {seal.number} is not the one that was published"
            faults.append(Fault(Kind.SEAL, text))
    return faults


def _faults_of_manifest(manifest: Sealed, trusted: Collection[str]) -> Iterator[Fault]:
    digest, key = digest_of(manifest.statement), manifest.statement["key"]
    if key not in trusted:
        yield Fault(Kind.SEAL, "manifest: it was signed with a key that is not trusted")
    elif digest.hex() != manifest.digest or not is_signed(digest, manifest.signature, key):
        yield Fault(Kind.SEAL, "manifest: it does not say what it said when it was signed")


def _manifest(folder: Path) -> Sealed:
    told = _json(folder / "manifest.json")
    try:
        manifest = Sealed(told["statement"], told["digest"], told["signature"])
        if manifest.statement["format"] != EXPORT:
            raise NotEvidence(f"{folder} was made by another version")
        for log in manifest.statement["streams"]:
            if Path(log["stream"]).name != log["stream"]:
                raise NotEvidence(f"{folder}: {log['stream']} is no name of a log")
    except (KeyError, TypeError) as error:
        raise NotEvidence(f"{folder}: the manifest is not whole: {error!r}") from None
    return manifest


def _published(path: Path) -> list[dict[str, Any]]:
    """Roots as they were published, with the hash that each states."""
    told = _json(path)
    try:
        return [
            {
                "stream": each["statement"]["stream"],
                "number": each["statement"]["number"],
                "digest": digest_of(each["statement"]).hex(),
            }
            for each in told["roots"]
        ]
    except (KeyError, TypeError) as error:
        raise NotEvidence(f"{path} does not hold published roots: {error!r}") from None


def _seal(line: bytes) -> Sealed:
    told = json.loads(line)
    leaves, ids = (base64.b64decode(told[name], validate=True) for name in ("leaves", "ids"))
    return Sealed(told["statement"], told["digest"], told["signature"], leaves, ids)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise NotEvidence(f"{path}: {error}") from None


def main() -> int:
    """0 when everything is as it was sealed, 1 when it is not, 2 when there is nothing to check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    add_arguments(parser)
    asked = parser.parse_args()
    try:
        return 0 if run(asked.export, asked.key, asked.roots, print) else 1
    except NotEvidence as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
