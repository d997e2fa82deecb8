"""Web push (RFC 8030, 8188, 8291): sealed words to one browser, through its maker's server."""

import json
import ssl
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import httpx
from pywebpush import WebPusher

from apps.notifications import addresses, keys

SECONDS = 10.0
# Push servers take 4,096 octets with what the seal adds.
MOST_OCTETS = 3_000


class Gone(Exception):
    """The push server knows this browser no more."""


class Refused(Exception):
    """The push server will not have it, now or later."""


class NotNow(Exception):
    """Nobody answered, or not with an answer; another try may do it."""


@dataclass(frozen=True, slots=True)
class Address:
    """A browser: where its push server waits, and the keys with which it opens what we send."""

    endpoint: str
    p256dh: str
    auth: str


def post(
    address: Address,
    message: dict[str, str],
    *,
    ttl: int,
    is_urgent: bool,
    topic: str,
    at: datetime,
) -> None:
    """Seal a message for a browser and hand it to its push server, which keeps it `ttl` seconds.

    A later message of the same topic takes the place of one that still waits there.  Raises
    `Gone`, `Refused` or `NotNow`.
    """
    try:
        server = addresses.find(address.endpoint)
        said = keys.authorization(server.origin, at)
    except (addresses.NotPublic, keys.NoKey) as error:
        raise Refused(str(error)) from error
    body = json.dumps(message, ensure_ascii=False).encode()
    if len(body) > MOST_OCTETS:
        raise Refused(f"{len(body)} octets are too many")
    subscription = {
        "endpoint": address.endpoint,
        "keys": {"p256dh": address.p256dh, "auth": address.auth},
    }
    sealed: bytes = WebPusher(subscription).encode(body)["body"]
    headers = {
        **said,
        "Host": server.name,
        "TTL": str(ttl),
        "Urgency": "high" if is_urgent else "normal",
        "Topic": topic,
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
    }
    # By number, under the name that the certificate must bear; and nowhere else it sends us.
    try:
        with httpx.Client(verify=_trusted(), timeout=SECONDS, trust_env=False) as client:
            answer = client.post(
                server.url,
                content=sealed,
                headers=headers,
                extensions={"sni_hostname": server.host},
            )
    except httpx.HTTPError as error:
        raise NotNow(f"{type(error).__name__}: {error}") from error
    _judge(answer.status_code)


@cache
def _trusted() -> ssl.SSLContext:
    """Whose certificates we believe.  Read once: it takes longer than the call."""
    return httpx.create_ssl_context()


def _judge(status: int) -> None:
    if 200 <= status < 300:
        return
    if status in (404, 410):
        raise Gone
    if status == 429 or status >= 500:
        raise NotNow(f"the push server said {status}")
    raise Refused(f"the push server said {status}")
