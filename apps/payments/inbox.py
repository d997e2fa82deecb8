"""The door at which the gateway knocks: who may speak, and what is understood of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stripe
from stripe import WebhookSignature

from apps.kernel import clock

# Bytes.  The largest events of the gateway's have some tens of thousands.
LARGEST = 512 * 1024
# Seconds by which the moment of signing may be away from now, either way.
TOLERANCE = 300
# What a payment, a refund, an account, a payout or a dispute can tell us.
OURS = (
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "refund.",
    "charge.refund.updated",
    "account.updated",
    "payout.failed",
    "charge.dispute.",
)


class Refused(Exception):
    """Nobody we believe said this; the word says why, for the figures and the log."""


@dataclass(frozen=True, slots=True)
class Letter:
    """An event, understood as far as it has to be in order to be kept."""

    event: str
    type: str
    account: str
    about: str
    body: str
    happened_at: datetime

    @property
    def concerns_us(self) -> bool:
        return self.type.startswith(OURS)


def secrets(setting: str) -> list[str]:
    """The secrets that may sign, of a setting that names several while they are changed."""
    return [part.strip() for part in setting.split(",") if part.strip()]


def opened(body: bytes, signature: str, keys: Sequence[str], *, live: bool) -> Letter:
    """The event of a request, when one of the secrets signed exactly these bytes just now.

    Raises `Refused`.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Refused("unreadable") from error
    if not signature:
        raise Refused("unsigned")
    if not (signature.isascii() and any(_signed(text, signature, key) for key in keys)):
        raise Refused("forged")
    age = clock.now().timestamp() - _signed_at(signature)
    if abs(age) > TOLERANCE:
        raise Refused("stale")
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused("unreadable") from error
    return read(told, text, live=live)


def read(told: Any, text: str, *, live: bool) -> Letter:
    """An event's facts.  Raises `Refused` for what is none, or is of the other kind of money."""
    try:
        thing = told["data"]["object"]
        letter = Letter(
            event=_word(told["id"]),
            type=_word(told["type"]),
            account=_word(told.get("account") or ""),
            about=_word(thing.get("id") or ""),
            body=text,
            happened_at=datetime.fromtimestamp(int(told["created"]), UTC),
        )
        is_live = told["livemode"]
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError, OSError) as error:
        raise Refused("unreadable") from error
    if is_live is not live:
        raise Refused("wrong_mode")
    if not letter.event or not letter.type:
        raise Refused("unreadable")
    return letter


def _word(given: Any) -> str:
    if not isinstance(given, str) or len(given) > 100 or "\x00" in given:
        raise ValueError("no word")
    return given


def _signed(text: str, signature: str, key: str) -> bool:
    try:
        # Its age is looked at apart: the SDK minds the past only, and we the future, too.
        return bool(WebhookSignature.verify_header(text, signature, key))
    except (stripe.SignatureVerificationError, ValueError):
        return False


def _signed_at(signature: str) -> int:
    moments = [part[2:] for part in signature.split(",") if part.startswith("t=")]
    return int(moments[0])
