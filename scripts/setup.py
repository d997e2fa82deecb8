"""Install what the platform needs into this folder.  Free when nothing changed.

Runs on nothing but Python: a virtual environment from the lock of its version, the pinned
files of the front end, and the message catalogues.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import frontend

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


def fingerprint(paths: Iterable[Path], *more: str) -> str:
    """Changes when one of these files does."""
    told = hashlib.sha256("\0".join(more).encode())
    for path in sorted(paths):
        told.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return told.hexdigest()


def is_done(stamp: Path, state: str) -> bool:
    return stamp.exists() and stamp.read_text() == state


def run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], cwd=ROOT, stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"setup stopped: {Path(command[0]).name} ended with {done.returncode}")


def environment_version() -> str:
    """The version of the environment's Python, empty when there is none that runs."""
    try:
        asked = subprocess.run(
            [PYTHON, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
        )
    except OSError:
        return ""
    return asked.stdout.strip()


def install_packages() -> None:
    version = environment_version() or f"{sys.version_info.major}.{sys.version_info.minor}"
    locks = [ROOT / "requirements" / f"py{version}.txt", ROOT / "requirements" / "network.txt"]
    if not locks[0].exists():
        sys.exit(f"{VENV} has Python {version}, for which there is no lock: remove it, run again")
    stamp, state = VENV / ".installed", fingerprint(locks, version)
    if environment_version() and is_done(stamp, state):
        return
    if not environment_version():
        print(f"setup: making .venv with Python {version}", flush=True)
        try:
            run(sys.executable, "-m", "venv", "--clear", VENV)
        except SystemExit:
            sys.exit("Python's venv module did not work. On Debian: apt install python3-venv")
    print("setup: installing packages from the lock, about a minute the first time", flush=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-input"]
    pip.append("--disable-pip-version-check")
    run(*pip, "-r", locks[0])
    run(*pip, "--no-deps", "-r", locks[1])
    stamp.write_text(state)


def compile_messages() -> None:
    catalogues = [*ROOT.glob("locale/**/*.po"), *ROOT.glob("apps/*/locale/**/*.po")]
    stamp, state = ROOT / ".data" / "setup" / "messages", fingerprint(catalogues)
    compiled = all(path.with_suffix(".mo").exists() for path in catalogues)
    if compiled and is_done(stamp, state):
        return
    for path in catalogues:
        domain = ("-i", path, "-o", path.with_suffix(".mo"))
        run(PYTHON, "-m", "babel.messages.frontend", "--quiet", "compile", *domain)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(state)


def find_browser() -> None:
    """Make sure of a Chromium for the tests that drive one."""
    named = [os.environ.get("CHROMIUM") or "", "chromium", "chromium-browser", "google-chrome"]
    if any(shutil.which(name) for name in named if name):
        return
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("setup: installing Chromium for the browser journeys", flush=True)
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        run("apt-get", "update", "-q")
        run(*install)
        return
    sys.exit(
        "The browser journeys need Chromium and there is none. Type: sudo " + " ".join(install)
    )


def main() -> None:
    if "--browser" in sys.argv[1:]:
        find_browser()
        return
    os.environ.pop("VIRTUAL_ENV", None)
    install_packages()
    stamp = ROOT / ".data" / "setup" / "frontend"
    state = fingerprint([*frontend.PINNED.glob("*.json"), Path(frontend.__file__)])
    if not (is_done(stamp, state) and frontend.is_complete()):
        print("setup: fetching the front end's files", flush=True)
        run(PYTHON, ROOT / "scripts" / "frontend.py")
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(state)
    compile_messages()


if __name__ == "__main__":
    main()
