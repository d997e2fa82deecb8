"""The key that seals the logs.  It lives in a file outside the database."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from apps.kernel.files import write_once


class NoKey(Exception):
    """There is no key to seal with."""


def signing_key() -> Ed25519PrivateKey:
    """Read the key from `SEAL_KEY_FILE`.  A demo or test without one makes one.

    Raises `NoKey` in production when the file is absent, and everywhere when it holds none.
    """
    path = Path(settings.SEAL_KEY_FILE)
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        if settings.MODE == "production":
            raise NoKey(f"SEAL_KEY_FILE: there is no {path}") from None
        pem = _make(path)
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except ValueError as error:
        raise NoKey(f"SEAL_KEY_FILE: {path} holds no private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise NoKey(f"SEAL_KEY_FILE: {path} holds no Ed25519 key")
    return key


def public(key: Ed25519PrivateKey) -> str:
    """The public half, in hexadecimal: what a seal names and everybody may know."""
    return key.public_key().public_bytes_raw().hex()


def trusted() -> set[str]:
    """The public keys whose seals count: today's, and those that `SEAL_FORMER_KEYS` lists."""
    return {public(signing_key()), *getattr(settings, "SEAL_FORMER_KEYS", ())}


def _make(path: Path) -> bytes:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return write_once(path, pem)
