"""The one place where the clock is read.  Surfaces read it; operations are told."""

from datetime import UTC, datetime


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)
