"""What a rule says: one frozen class for each kind of rule.

Amounts are minor units of the city's money, shares are basis points (hundredths of a percent).
"""

from dataclasses import dataclass, fields
from datetime import time
from enum import StrEnum
from typing import ClassVar

from apps.regulation.rules.frozen import Frozen, Malformed

WHOLE = 10_000


class Act(StrEnum):
    """What somebody is about to do when the city is asked."""

    QUOTE = "quote"
    BOOK = "book"
    GO_ON_LINE = "go_on_line"
    PUBLISH = "publish"


class Per(StrEnum):
    """How long a cap counts before it begins anew."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    # What is under way at this moment: taken when it begins, given back when it ends.
    NOW = "now"


class Of(StrEnum):
    """Whose a cap is."""

    LISTING = "listing"
    WORKER = "worker"
    PROVIDER = "provider"
    CITY = "city"


class Terms(Frozen):
    """What every kind of rule has: its name, and the acts before which it is asked."""

    __slots__ = ()
    kind: ClassVar[str]
    acts: ClassVar[frozenset[Act]]

    def _whole(self, *, at_most: int | None = None) -> None:
        """Hold every number to be at least 0, and shares to at most the whole."""
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, int) and not isinstance(value, bool):
                if value < 0:
                    raise Malformed(field.name, "is not below 0")
                if at_most is not None and field.name.endswith("_bp") and value > at_most:
                    raise Malformed(field.name, f"is at most {at_most}")

    def _something(self) -> None:
        if not self.frozen():
            raise Malformed("", "the rule says nothing")


_EVERY_ACT = frozenset(Act)
_PROMISES = frozenset({Act.QUOTE, Act.BOOK})


@dataclass(frozen=True)
class PermitNeeded(Terms):
    """Whether a provider needs a permit.  Where no rule says so, everybody does."""

    kind = "permit"
    acts = _EVERY_ACT
    needed: bool = True


@dataclass(frozen=True)
class Limit(Terms):
    """A fact that must lie within bounds: guests, hours worked, the share of accessible cars.

    A case that does not state the fact is not concerned.
    """

    kind = "limit"
    acts = _EVERY_ACT
    fact: str
    most: int | None = None
    least: int | None = None

    def __post_init__(self) -> None:
        if not self.fact:
            raise Malformed("fact", "is missing")
        if self.most is None and self.least is None:
            raise Malformed("most", "or least is needed")
        if self.most is not None and self.least is not None and self.most < self.least:
            raise Malformed("most", "is not below the least")


@dataclass(frozen=True)
class Cap(Terms):
    """So much of something, counted; what is counted stands in an allowance."""

    kind = "cap"
    acts = frozenset({Act.BOOK, Act.GO_ON_LINE, Act.PUBLISH})
    fact: str
    most: int
    per: Per = Per.YEAR
    of: Of = Of.LISTING

    def __post_init__(self) -> None:
        if not self.fact:
            raise Malformed("fact", "is missing")
        self._whole()


@dataclass(frozen=True)
class Closed(Terms):
    """Nothing begins, ends or takes place here: which, the scope's `ends` say."""

    kind = "closed"
    acts = _PROMISES


@dataclass(frozen=True)
class Hours(Terms):
    """Open between these hours only; outside of them the answer is no."""

    kind = "hours"
    acts = frozenset({Act.QUOTE, Act.BOOK, Act.GO_ON_LINE})
    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.opens == self.closes:
            raise Malformed("closes", "is not the hour at which it opens")

    def is_open(self, clock: time) -> bool:
        if self.opens < self.closes:
            return self.opens <= clock < self.closes
        return clock >= self.opens or clock < self.closes


@dataclass(frozen=True)
class Price(Terms):
    """What a price may be: at least, at most, and how far above the tariff demand may lift it.

    `surge_most_bp` of 10,000 is the tariff itself: no surge.
    """

    kind = "price"
    acts = frozenset({Act.QUOTE})
    floor_minor: int | None = None
    ceiling_minor: int | None = None
    surge_most_bp: int | None = None

    def __post_init__(self) -> None:
        self._whole()
        if self.frozen() == {}:
            raise Malformed("floor_minor", "or another bound is needed")
        if self.surge_most_bp is not None and self.surge_most_bp < WHOLE:
            raise Malformed("surge_most_bp", f"is at least {WHOLE}: the tariff itself")
        if None not in (self.floor_minor, self.ceiling_minor) and (
            (self.floor_minor or 0) > (self.ceiling_minor or 0)
        ):
            raise Malformed("ceiling_minor", "is not below the floor")


@dataclass(frozen=True)
class Commission(Terms):
    """The most that the platform may add to what the provider gets."""

    kind = "commission"
    acts = frozenset({Act.QUOTE})
    most_bp: int

    def __post_init__(self) -> None:
        self._whole(at_most=WHOLE)


@dataclass(frozen=True)
class Pay(Terms):
    """The least that whoever does the work gets: the sum of these three."""

    kind = "pay"
    acts = frozenset({Act.QUOTE})
    per_order_minor: int = 0
    per_km_minor: int = 0
    per_minute_minor: int = 0

    def __post_init__(self) -> None:
        self._whole()
        self._something()

    def least(self, *, metres: int, seconds: int) -> int:
        """Minor units for a way of so many metres and seconds, each part rounded half up."""
        distance = (self.per_km_minor * metres + 500) // 1_000
        return self.per_order_minor + distance + (self.per_minute_minor * seconds + 30) // 60


@dataclass(frozen=True)
class Fee(Terms):
    """What the city asks on top of the fare: a sum, a share of the fare, or both."""

    kind = "fee"
    acts = frozenset({Act.QUOTE})
    flat_minor: int = 0
    share_bp: int = 0

    def __post_init__(self) -> None:
        self._whole(at_most=WHOLE)
        self._something()


@dataclass(frozen=True)
class Subsidy(Terms):
    """What the city pays of a price: a sum, a share of it, or both, up to a most."""

    kind = "subsidy"
    acts = frozenset({Act.QUOTE})
    flat_minor: int = 0
    share_bp: int = 0
    most_minor: int | None = None

    def __post_init__(self) -> None:
        self._whole(at_most=WHOLE)
        if not (self.flat_minor or self.share_bp):
            raise Malformed("flat_minor", "or a share is needed")


@dataclass(frozen=True)
class Speed(Terms):
    """How fast anybody may drive in the zones; 0 closes their streets to through traffic."""

    kind = "speed"
    acts = frozenset()
    kmh: int

    def __post_init__(self) -> None:
        self._whole()


@dataclass(frozen=True)
class Crisis(Terms):
    """The city's emergency: nobody is driven into the zones, nowhere is there a surge, and ways
    to the shelters are free, whoever pays otherwise."""

    kind = "crisis"
    acts = _PROMISES
    shelters: frozenset[str] = frozenset()


KINDS: dict[str, type[Terms]] = {
    kind.kind: kind
    for kind in (
        Closed,
        Price,
        Commission,
        Pay,
        Fee,
        Subsidy,
        Cap,
        Limit,
        Hours,
        PermitNeeded,
        Speed,
        Crisis,
    )
}
