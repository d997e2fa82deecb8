"""What one sandbox process needs to know, read once from its arguments and environment."""

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
MODES = ("demo", "test")
FILE = "sandbox.sqlite3"


class Refused(Exception):
    """The sandbox will not start; the sentence says why and what to do."""


@dataclass(frozen=True)
class Config:
    """Where the sandbox listens and keeps its state, and the secrets it shares with the city.

    `pending_seconds` is how long captured money waits before it can be paid out;
    `payout_seconds` how long a payout travels to its bank; `review_seconds` how long the bank of a
    card's holder looks at what was said against a dispute.
    """

    data: Path
    port: int
    api_key: str
    control_password: str
    webhook_url: str = ""
    webhook_secret: str = ""
    public_url: str = ""
    pending_seconds: int = 0
    payout_seconds: int = 86_400
    review_seconds: int = 3 * 86_400

    @property
    def file(self) -> Path:
        return self.data / FILE

    def page(self, path: str) -> str:
        """The address under which a person's browser reaches a page of the sandbox."""
        base = self.public_url or f"http://{HOST}:{self.port}"
        return f"{base.rstrip('/')}{path}"


def read(argv: Sequence[str], env: Mapping[str, str] = os.environ) -> Config:
    """The configuration of this process.

    Raises `Refused` unless MODE is demo or test, the key is a test key, and the secrets are set.
    """
    parser = argparse.ArgumentParser(prog="python -m cityplatform.sandbox", description=__doc__)
    parser.add_argument("--data", default=env.get("SANDBOX_DATA"), help="folder for its state")
    parser.add_argument("--port", type=int, default=env.get("SANDBOX_PORT"), help="loopback port")
    args = parser.parse_args(argv)
    mode = env.get("MODE", "")
    if mode not in MODES:
        raise Refused(f"The sandbox bank runs only with MODE=demo or MODE=test, not {mode!r}.")
    if not args.data or args.port is None:
        raise Refused("Say where to keep state and where to listen: --data DIR --port N.")
    key = env.get("STRIPE_API_KEY", "")
    if not key.startswith("sk_test_") or len(key) < 24:
        raise Refused("STRIPE_API_KEY must be this installation's own key and begin with sk_test_.")
    password = env.get("SANDBOX_CONTROL_PASSWORD", "")
    if len(password) < 16:
        raise Refused("SANDBOX_CONTROL_PASSWORD must be set and have at least 16 characters.")
    url = env.get("SANDBOX_WEBHOOK_URL", "")
    # The city may know several while they are changed; any of them will do for signing.
    secret = env.get("STRIPE_WEBHOOK_SECRET", "").split(",")[0].strip()
    if url and not secret:
        raise Refused("SANDBOX_WEBHOOK_URL needs STRIPE_WEBHOOK_SECRET to sign what is sent there.")
    return Config(
        data=Path(args.data),
        port=int(args.port),
        api_key=key,
        control_password=password,
        webhook_url=url,
        webhook_secret=secret,
        public_url=env.get("SANDBOX_PUBLIC_URL", ""),
        pending_seconds=seconds(env, "SANDBOX_PENDING_SECONDS", 0),
        payout_seconds=seconds(env, "SANDBOX_PAYOUT_SECONDS", 86_400),
        review_seconds=seconds(env, "SANDBOX_REVIEW_SECONDS", 3 * 86_400),
    )


def seconds(env: Mapping[str, str], name: str, usual: int) -> int:
    """A length of time from the environment."""
    given = env.get(name) or str(usual)
    if not re.fullmatch(r"[0-9]{1,9}", given):
        raise Refused(f"{name} must be a whole number of seconds, not {given!r}.")
    return int(given)
