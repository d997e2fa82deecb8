"""Where push servers may stand: at public addresses, and nowhere inside the house.

The address comes from a browser, so somebody could name a machine of ours in it.  It is looked at
when it is given, and again each time before we call it; the call goes to the very address that
was looked at, so that a name which changes its mind in between gains nothing.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

LONGEST = 1_000


class NotPublic(Exception):
    """The name leads into the house, or nowhere."""


@dataclass(frozen=True, slots=True)
class Server:
    """A push server, as we call it: by number, under its name."""

    scheme: str
    host: str
    port: int
    number: str
    path: str

    @property
    def url(self) -> str:
        number = f"[{self.number}]" if ":" in self.number else self.number
        return f"{self.scheme}://{number}:{self.port}{self.path}"

    @property
    def name(self) -> str:
        """What it is called in a request: with its port, unless it is the usual one."""
        return self.host if self.port == 443 else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.name}"


def may_be_push_server(endpoint: str) -> bool:
    """Whether an address looks like one, without asking the network."""
    try:
        parts = urlsplit(endpoint)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        return False
    if len(endpoint) > LONGEST or not endpoint.isascii() or not endpoint.isprintable():
        return False
    if " " in endpoint or not host or parts.username is not None or parts.fragment:
        return False
    if settings.PUSH_TO_THIS_MACHINE:
        return parts.scheme in ("http", "https")
    if parts.scheme != "https" or port not in (None, 443):
        return False
    try:
        return _is_public(host)
    except ValueError:
        # A name, then; of a machine in the wide world, which has a dot.
        return "." in host.strip(".") and not host.endswith((".local", ".internal", ".localhost"))


def find(endpoint: str) -> Server:
    """Look up a push server.  Raises `NotPublic` unless every address of its name is public."""
    if not may_be_push_server(endpoint):
        raise NotPublic("not the address of a push server")
    parts = urlsplit(endpoint)
    host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NotPublic(f"nobody knows {host}: {error}") from error
    numbers = [str(one[4][0]) for one in found]
    if not settings.PUSH_TO_THIS_MACHINE and not all(map(_is_public, numbers)):
        raise NotPublic(f"{host} leads into a house")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return Server(parts.scheme, host, port, numbers[0], path or "/")


def _is_public(number: str) -> bool:
    """Raises `ValueError` for what is no number."""
    address = ipaddress.ip_address(number.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            address = inner
    return address.is_global and not address.is_multicast
