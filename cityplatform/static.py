"""Whether the files of pages were collected since they last changed."""

import hashlib
from pathlib import Path

from cityplatform.installation import ROOT


def fingerprint() -> str:
    """Changes with the name, size or time of any static file of ours, or with a package."""
    told = hashlib.sha256()
    folders = [ROOT / "static", *ROOT.glob("apps/*/static"), ROOT / "requirements"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    files += [Path(__file__), Path(__file__).with_name("files.py")]
    for path in sorted(files):
        found = path.stat()
        told.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
    return told.hexdigest()


def is_collected(data: Path) -> bool:
    stamp = data / "static.stamp"
    return (
        stamp.exists()
        and stamp.read_text() == fingerprint()
        and (data / "static" / "staticfiles.json").exists()
    )


def note_collected(data: Path) -> None:
    (data / "static.stamp").write_text(fingerprint())
