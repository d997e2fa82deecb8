"""Run one command beside engines of its own, which end with it.

    python -m cityplatform.engines manage.py makemigrations --check

The data stay in `.data/dev`.  Nothing has to be exported.
"""

import os
import subprocess
import sys
from pathlib import Path

from cityplatform.engines.cluster import Engines
from cityplatform.installation import ROOT, free_ports, take


def main(command: list[str]) -> int:
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    if Path(command[0]).suffix == ".py":
        command = [sys.executable, *command]
    data = ROOT / ".data" / "dev"
    with take(data), Engines(data, mode="test", ports=free_ports()) as engines:
        return subprocess.run(
            command,
            env={**os.environ, **engines.installation.environment(), "DATABASE_ROLE": "owner"},
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
