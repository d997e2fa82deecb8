"""The key by which push servers know this city (VAPID, RFC 8292)."""

import base64
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from py_vapid import Vapid02

from apps.kernel.files import write_once

# Push servers refuse what is valid for longer than a day.
VALID_FOR = timedelta(hours=12)


class NoKey(Exception):
    """This installation has no key, so it rings no phones."""


def signing_key() -> ec.EllipticCurvePrivateKey:
    """Read the key from `PUSH_KEY_FILE`.  A demo or test without one makes one.

    Raises `NoKey` in production when there is none, and everywhere when the file holds another.
    """
    if not settings.PUSH_KEY_FILE:
        raise NoKey("PUSH_KEY_FILE is unset")
    path = Path(settings.PUSH_KEY_FILE)
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        if settings.MODE == "production":
            raise NoKey(f"PUSH_KEY_FILE: there is no {path}") from None
        pem = write_once(path, _new())
    return _load(pem)


def public_key() -> str:
    """The public half as browsers ask for it: the point, in URL-safe base 64."""
    point = (
        signing_key()
        .public_key()
        .public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    )
    return base64.urlsafe_b64encode(point).decode().rstrip("=")


def is_set() -> bool:
    """Whether this installation can ring phones."""
    try:
        signing_key()
    except NoKey:
        return False
    return True


def authorization(origin: str, at: datetime) -> dict[str, str]:
    """The header that says to a push server who we are and how it reaches us."""
    said: dict[str, str] = Vapid02(signing_key()).sign(
        {
            "aud": origin,
            "sub": f"mailto:{settings.DEFAULT_FROM_EMAIL}",
            "exp": int((at + VALID_FOR).timestamp()),
        }
    )
    return said


@lru_cache(maxsize=4)
def _load(pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except ValueError as error:
        raise NoKey("PUSH_KEY_FILE holds no private key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise NoKey("PUSH_KEY_FILE holds no key on the curve P-256")
    return key


def _new() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
