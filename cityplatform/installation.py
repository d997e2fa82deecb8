"""What one installation keeps in its data folder: passwords made for it, ports, addresses."""

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

ROOT = Path(__file__).resolve().parent.parent

PREFERRED_PORTS = {
    "web": 8000,
    "sandbox": 8010,
    "nats": 4222,
    "nats_monitor": 8222,
    "valkey": 6379,
}
PASSWORDS = (
    "database",
    "database_owner",
    "database_app",
    "nats",
    "nats_system",
    "valkey",
    "sandbox",
    "people",
    "metrics",
)


class Busy(Exception):
    """Another start of the platform holds this data folder."""


@dataclass(frozen=True)
class Installation:
    """A data folder with its passwords, and the ports of this start."""

    data: Path
    mode: str
    passwords: dict[str, str]
    ports: dict[str, int]
    # The folder whose socket leads to PostgreSQL.
    socket: Path
    database: str = "city"

    @property
    def logs(self) -> Path:
        return self.data / "log"

    def database_url(self, role: str) -> str:
        """The address of the database for `owner` (migrations), `app` (all else)."""
        word = self.passwords[f"database_{role}"]
        return f"postgres://city_{role}:{word}@{quote(str(self.socket), safe='')}/{self.database}"

    def environment(self) -> dict[str, str]:
        """All that settings read, for this start."""
        secret, ports = self.passwords, self.ports
        return {
            "MODE": self.mode,
            "CITY_DATA_DIR": str(self.data),
            "SECRET_KEY": secret["secret_key"],
            "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]" + (",testserver" * (self.mode == "test")),
            "DATABASE_URL": self.database_url("app"),
            "DATABASE_OWNER_URL": self.database_url("owner"),
            "NATS_URL": f"nats://app:{secret['nats']}@127.0.0.1:{ports['nats']}",
            "NATS_MONITOR_URL": f"http://127.0.0.1:{ports['nats_monitor']}",
            "VALKEY_URL": f"redis://:{secret['valkey']}@127.0.0.1:{ports['valkey']}",
            "STRIPE_API_BASE": f"http://127.0.0.1:{ports['sandbox']}",
            "STRIPE_API_KEY": f"sk_test_{secret['stripe']}",
            "STRIPE_PUBLISHABLE_KEY": f"pk_test_{secret['stripe_public']}",
            "STRIPE_WEBHOOK_SECRET": f"whsec_{secret['webhook']}",
            "SANDBOX_CONTROL_PASSWORD": secret["sandbox"],
            "SANDBOX_DATA": str(self.data / "sandbox"),
            "SANDBOX_PORT": str(ports["sandbox"]),
            "METRICS_TOKEN": secret["metrics"],
            "DEMO_PASSWORD": secret["people"],
            "SEAL_KEY_FILE": str(self.data / "keys" / "seal.pem"),
            "PUSH_KEY_FILE": str(self.data / "keys" / "push.pem"),
            "WEB_URL": f"http://127.0.0.1:{ports['web']}",
            "WEB_PORT": str(ports["web"]),
        }

    def serving_environment(self) -> dict[str, str]:
        """The same for processes that serve people, as opposed to tests inside one process."""
        return {
            **self.environment(),
            "CELERY_EAGER": "0",
            "STATIC_HASHED": "1",
            # The sandbox tells of what happens there, as Stripe would.
            "SANDBOX_WEBHOOK_URL": f"http://127.0.0.1:{self.ports['web']}/hooks/stripe/",
            # Where processes keep what they measure, for the web to tell of all of them.
            "PROMETHEUS_MULTIPROC_DIR": str(self.data / "metrics"),
        }

    def write_environment(self) -> None:
        """Leave the addresses where `manage.py` in another terminal finds them."""
        write_private(
            self.data / "env",
            "".join(f"{name}={value}\n" for name, value in self.serving_environment().items()),
        )


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def take(data: Path) -> IO[str]:
    """Hold the data folder until the returned file is closed.  Raise `Busy` if somebody does."""
    data.mkdir(parents=True, exist_ok=True)
    lock = (data / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        who = lock.read().strip()
        lock.close()
        raise Busy(f"{data} is in use by process {who}") from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def load_passwords(data: Path) -> dict[str, str]:
    """Read this installation's passwords, making what is missing."""
    path = data / "passwords.json"
    words: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = {*PASSWORDS, "secret_key", "stripe", "stripe_public", "webhook"} - words.keys()
    if missing:
        for name in sorted(missing):
            words[name] = secrets.token_hex(6 if name == "people" else 24)
        words["secret_key"] = secrets.token_urlsafe(64)
        write_private(path, json.dumps(words, indent=1, sort_keys=True))
    _keep_key(data / "keys" / "seal.pem", Ed25519PrivateKey.generate)
    _keep_key(data / "keys" / "push.pem", lambda: ec.generate_private_key(ec.SECP256R1()))
    return words


def _keep_key(
    path: Path, make: Callable[[], Ed25519PrivateKey | ec.EllipticCurvePrivateKey]
) -> None:
    if not path.exists():
        pem = make().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(path, pem.decode())


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_ports() -> dict[str, int]:
    """Any ports that nobody uses."""
    probes = {name: socket.socket() for name in PREFERRED_PORTS}
    try:
        for probe in probes.values():
            probe.bind(("127.0.0.1", 0))
        return {name: probe.getsockname()[1] for name, probe in probes.items()}
    finally:
        for probe in probes.values():
            probe.close()


def preferred_ports() -> dict[str, int]:
    """The usual ports, each moved up to the next free one."""
    chosen: dict[str, int] = {}
    for name, port in PREFERRED_PORTS.items():
        while port in chosen.values() or not is_free(port):
            port += 1
        chosen[name] = port
    return chosen
