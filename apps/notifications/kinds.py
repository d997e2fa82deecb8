"""What kinds of news there are.  The app that knows of one registers it, in its module `notices`.

    kinds.register(Kind(slug="payout_paid", part=Part.PROVIDER, name=_("A payout"),
                        title=_("%(sum)s are on the way to your account")))

Title and text are filled with the notice's context in the language of whoever reads them, when
they read it or when it is sent: see `words`.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.utils.functional import Promise

from apps.kernel.actors import Kind as Part
from apps.notifications.models import Channel

EVERYWHERE = frozenset(Channel)
PHONE = frozenset({Channel.SCREEN, Channel.PUSH})


class NoSuchKind(Exception):
    """No app has registered this kind of news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of news: whom it is for, what it says, and how it reaches them unless they choose.

    `always` are the channels that nobody can turn off.  Urgent news breaks into quiet hours and
    waits for no other queue.  Fleeting news is a ring at the phone and nothing else: whoever has
    no phone with us gets none, and no list keeps it; `over` is what the phone says when its time
    has run out.
    """

    slug: str
    part: Part
    name: str | Promise
    title: str | Promise
    text: str | Promise = ""
    icon: str = "bell"
    channels: frozenset[Channel] = PHONE
    always: frozenset[Channel] = frozenset()
    lasts: timedelta = timedelta(days=1)
    is_urgent: bool = False
    is_fleeting: bool = False
    over: str | Promise = ""

    @property
    def possible(self) -> list[Channel]:
        """The channels it can take at all: fleeting news takes only the phone."""
        return [Channel.PUSH] if self.is_fleeting else list(Channel)


_kinds: dict[str, Kind] = {}


def register(*kinds: Kind) -> None:
    for kind in kinds:
        _kinds[kind.slug] = kind


def get(slug: str) -> Kind:
    """Raises `NoSuchKind`."""
    if slug not in _kinds:
        raise NoSuchKind(slug)
    return _kinds[slug]


def of(part: Part) -> list[Kind]:
    """What is told to people in one of their parts, in the order in which apps registered it."""
    return [kind for kind in _kinds.values() if kind.part == part]
