"""What a notice says, in the language of whoever reads it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import override

from apps.kernel import formats
from apps.kernel.money import Money
from apps.notifications import kinds
from apps.notifications.models import Notice

# What a context holds: words that need no translation, and the sums, moments and lengths below.
type Context = dict[str, str | int | dict[str, str | int]]


def money(sum: Money) -> dict[str, str | int]:
    """A sum, for a context."""
    return {"minor": sum.minor, "currency": sum.currency}


def moment(at: datetime, zone: str) -> dict[str, str | int]:
    """A moment by the clocks of a place, for a context."""
    return {"moment": at.isoformat(), "zone": zone}


def day(date: date) -> dict[str, str | int]:
    """A day, for a context."""
    return {"day": date.isoformat()}


def seconds(count: int) -> dict[str, str | int]:
    """How long something takes, for a context."""
    return {"seconds": count}


def metres(count: int) -> dict[str, str | int]:
    """How far something is, for a context."""
    return {"metres": count}


@dataclass(frozen=True, slots=True)
class Said:
    """A notice in words."""

    title: str
    text: str
    icon: str
    over: str


def said(notice: Notice, *, language: str, now: datetime) -> Said:
    """Fill the words of its kind.  A kind that is gone since is told by its name alone."""
    try:
        kind = kinds.get(notice.kind)
    except kinds.NoSuchKind:
        return Said(notice.kind, "", "bell", "")
    filled = {name: _fill(value, language, now) for name, value in notice.context.items()}
    with override(language):
        return Said(
            str(kind.title) % filled, str(kind.text) % filled, kind.icon, str(kind.over) % filled
        )


def _fill(value: Any, language: str, now: datetime) -> str:
    match value:
        case {"minor": minor, "currency": currency}:
            return formats.money(minor, currency, language=language)
        case {"moment": at, "zone": zone}:
            there = ZoneInfo(zone)
            return formats.when(datetime.fromisoformat(at), there, now=now, language=language)
        case {"day": text}:
            noon = datetime.combine(date.fromisoformat(text), time(12), UTC)
            return formats.day(noon, ZoneInfo("UTC"), now=now, language=language)
        case {"seconds": count}:
            return formats.minutes(count)
        case {"metres": count}:
            return formats.distance(count, language=language)
    return str(value)
