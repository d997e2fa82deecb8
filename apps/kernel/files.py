"""Files that are written once: keys that an installation makes for itself."""

import os
import tempfile
from pathlib import Path


def write_once(path: Path, content: bytes) -> bytes:
    """Write a file whole or not at all, for its owner only; return what stands there now.

    Of several that try at the same moment the first wins, and all of them return what it wrote.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Readable by nobody else from the first moment, and a name of its own for each who tries.
    number, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(number, "wb") as file:
        file.write(content)
    try:
        os.link(draft, path)
    except FileExistsError:
        return path.read_bytes()
    finally:
        os.unlink(draft)
    return content
