"""The evidence for outsiders: a folder with every sealed row and every seal, as lines of JSON."""

import base64
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from apps.audit import evidence, keys, queries
from apps.audit.evidence import EXPORT, Sealed, plain
from apps.audit.seals import names, stream_named

MANIFEST = "manifest.json"


def export(folder: Path, streams: Iterable[str] = (), *, at: datetime) -> dict[str, int]:
    """Write the sealed part of logs (all, unless some are named) into an empty folder.

    Rows are read and written one by one, all as they were at one moment.  Returns how many rows
    of each log there are.  Raises `NoSuchStream`, `keys.NoKey`, and `FileExistsError` where
    something stands in the folder already.
    """
    key = keys.signing_key()
    logs = [stream_named(name) for name in streams or names()]
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    contents: list[dict[str, Any]] = []
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for log in logs:
            last = queries.last_seal(log.name)
            seals = _write(
                folder / f"{log.name}.seals.jsonl", map(seal_line, queries.seals_of(log.name))
            )
            rows = _write(folder / f"{log.name}.rows.jsonl", log.lines(0, last.upto if last else 0))
            contents.append(
                {
                    "stream": log.name,
                    "rows": rows,
                    "seals": seals,
                    "last": last.digest if last else "",
                }
            )
    manifest: dict[str, Any] = {
        "format": EXPORT,
        "exported_at": at.isoformat(),
        "key": keys.public(key),
        "streams": contents,
    }
    # Signed, so that nobody cuts the end of a log off.
    digest = evidence.digest_of(manifest)
    whole = Sealed(manifest, digest.hex(), key.sign(digest).hex())
    (folder / MANIFEST).write_text(json.dumps(whole.told(), indent=1, sort_keys=True) + "\n")
    return {each["stream"]: each["rows"] for each in contents}


def seal_line(one: Sealed) -> bytes:
    """A seal with its leaves on one line."""
    leaves, ids = (base64.b64encode(what).decode() for what in (one.leaves, one.ids))
    return plain(**one.told(), leaves=leaves, ids=ids)


def _write(path: Path, lines: Iterator[bytes]) -> int:
    count = 0
    with path.open("wb") as file:
        for line in lines:
            file.write(line + b"\n")
            count += 1
    return count
