"""What the pages of a person listen on, for news."""

from apps.bus import lines


def line_of(user_id: int) -> str:
    """The name of a person's line."""
    return f"person-{user_id}"


def tell(user_id: int) -> None:
    """Tell the person's pages that their news has changed.  What they show they read anew."""
    lines.ring(line_of(user_id), type="changed")
