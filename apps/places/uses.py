"""Who needs a zone to stay as it is: apps above say so here, for this one knows none of them."""

from collections.abc import Callable

# Given a city and the slug of one of its zones, name what needs it; empty if nothing does.
type Use = Callable[[int, str], str]

_uses: list[Use] = []


def register(use: Use) -> None:
    """Ask this one, too, before a zone changes.  Twice is once."""
    if use not in _uses:
        _uses.append(use)


def of(city_id: int, slug: str) -> str:
    """Name what needs a zone as it is; empty if nothing does."""
    return next((named for use in _uses if (named := use(city_id, slug))), "")
