"""Making a city's streets ready: OSRM's files for the routes, tiles for the map.

Files only.  Every version is made beside the one in force and named by what it is made of, so
that making it again costs nothing; the change-over is one rename (`activate`).
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

from apps.places import engines, routing

# Part of every version: raise it when the same extract would give other files.
RECIPE = "1"

# The next to last version stays: a process may be about to load it.
KEPT_VERSIONS = 2

# The streets that the versions are made of, kept beside them for speed limits to come.
SOURCE = "streets.osm.pbf"
# Beside OSRM's files, while they are made.
SPEEDS = "speeds.csv"

type Say = Callable[[str], None]


class Failed(Exception):
    """OSRM could not make the streets ready; the message is what it said last."""


def digest(*parts: Path | str | bytes | None) -> str:
    """Return 12 hex digits that change when any part, a file's content or a text, does."""
    total = hashlib.sha256(RECIPE.encode())
    for part in parts:
        total.update(b"\0")
        if isinstance(part, Path):
            with part.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
        elif part is not None:
            total.update(part if isinstance(part, bytes) else part.encode())
    return total.hexdigest()[:12]


def build(pbf: Path, city_slug: str, *, say: Say = lambda line: None) -> str:
    """Make OSRM's files for the extract's streets and return their version.

    Nothing is in force yet.  Raises `Failed`.
    """
    return _built(digest(pbf), pbf, city_slug, speeds="", say=say)


def build_limited(city_slug: str, base: str, speeds: str) -> str:
    """Make another version of the same streets, where `speeds` says how fast (see `limits`)."""
    pbf = routing.folder(city_slug) / SOURCE
    version = f"{base}-{digest(speeds)}"
    return _built(version, pbf, city_slug, speeds=speeds, say=lambda line: None)


def _built(version: str, pbf: Path, city_slug: str, *, speeds: str, say: Say) -> str:
    target = routing.folder(city_slug) / version
    if target.exists():
        return version
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".building-") as folder:
        work = Path(folder) / version
        work.mkdir()
        # OSRM writes beside its input and names its files after it.
        source = work / engines.STREETS.replace(".osrm", ".osm.pbf")
        shutil.copyfile(pbf, source)
        package = _osrm()
        threads = str(os.cpu_count() or 1)
        # Its commands refuse a path with a space in it, so they run where the files are.
        profiles = work / "profiles"
        profiles.symlink_to(package / "share" / "profiles")
        say("reading the streets for the routes")
        extract = [str(package / "bin" / "osrm-extract"), "-t", threads]
        _run([*extract, "-p", "profiles/car.lua", source.name], cwd=work)
        say("finding short cuts for the routes")
        contract = [str(package / "bin" / "osrm-contract"), "-t", threads]
        if speeds:
            (work / SPEEDS).write_text(speeds)
            contract += ["--segment-speed-file", SPEEDS]
        _run([*contract, engines.STREETS], cwd=work)
        profiles.unlink()
        source.unlink()
        # Better to hear of bad files now than from the process that drives people about.
        try:
            engines.InProcess(work)
        except engines.Broken as error:
            raise Failed(str(error)) from error
        if not target.exists():
            work.rename(target)
    return version


def activate(city_slug: str, version: str, *, base: str = "") -> None:
    """Put a version in force: from the next answer on, every process uses it.

    `base` is the version without limits that it was made of, which stays as well.
    """
    folder = routing.folder(city_slug)
    if routing.version(city_slug) != version:
        replace(folder / routing.CURRENT, f"{version}\n".encode())
    sweep(folder, keep={version, base or version})


def sweep(folder: Path, *, keep: Iterable[str]) -> None:
    """Throw away old versions in a folder: all but those to keep and the newest others."""
    kept = set(keep)
    others = [path for path in folder.iterdir() if path.is_dir() and path.name not in kept]
    others = [path for path in others if not path.name.startswith(".")]
    others.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in others[max(0, KEPT_VERSIONS - len(kept)) :]:
        shutil.rmtree(path, ignore_errors=True)


def replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def _osrm() -> Path:
    spec = find_spec("osrm")
    if spec is None or spec.origin is None:
        raise Failed("the package osrm-bindings is not installed")
    return Path(spec.origin).parent


def _run(command: list[str], *, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        program = Path(command[0]).name
        raise Failed(f"{program} gave up: {said[-1] if said else done.returncode}")
