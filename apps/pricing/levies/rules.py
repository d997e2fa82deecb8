"""What a tax or fee says, and what it may ask about an order."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from apps.kernel.money import allocate
from apps.pricing.models import Levy, LevyExemption, Payee

Kind, Per, Point, Direction, Frees = (
    Levy.Kind,
    Levy.Per,
    Levy.Point,
    Levy.Direction,
    LevyExemption.Frees,
)

WHOLE_BP = 10_000
OF_PEOPLE = frozenset({Per.PERSON_NIGHT, Per.PERSON})
OF_NIGHTS = frozenset({Per.PERSON_NIGHT, Per.NIGHT})


@dataclass(frozen=True, slots=True)
class Share:
    """Who gets a part, by weight.  `beneficiary` is the account when the payee has several."""

    to: Payee
    beneficiary: str = ""
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Exemption:
    """Who need not pay, and what they show for it; nothing when `proof` is empty."""

    code: str
    name: str
    proof: str = ""
    frees: str = Frees.GUEST


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody says that an exemption is theirs; `proof` is the reference of what they showed."""

    code: str
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Guest:
    """A person who comes along.  Without an age they count as grown up."""

    age: int | None = None
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What is sold at one moment: a night, an hour, a ride, a parcel.

    `at` stands in the city's time zone, since weekdays and hours are read from it; `amounts` are
    the lines of the price that fall on this part, in minor units by code.
    """

    at: datetime
    amounts: Mapping[str, int] = field(default_factory=dict)
    pieces: int = 1
    metres: int = 0
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What a levy may ask about an order.  Parts in their order; zones from the smallest up.

    A claim made here, not by a guest, is one for everybody.
    """

    vertical: str
    parts: tuple[Part, ...]
    guests: tuple[Guest, ...] = ()
    category: str = ""
    zones: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One version of a tax or fee.  Raises `ValueError` when it makes no sense.

    `code` is the levy and the code of its lines, `number` this version of it.

    *Where and when*: `vertical`, `category` and `zone` narrow it ("" means all, and the narrowest
    rule of a levy holds); `begins` and `ends` are moments, the end excluded, None for open; a night
    is judged at noon of the date on which it begins.  `weekdays` (Monday is 0) and the hours on the
    city's clock, from 22 until 6 over midnight.

    *How much*: an AMOUNT is `rate` minor units for each `per`; a PERCENT is `rate` hundredths of a
    percent of the lines in `base`, which may name other levies.  For each person and night that is
    of the night's price divided by all guests, whether they pay or not.  A unit is held at
    `most_unit` and then multiplied by `times_bp`.

    *For whom*: ages from `age_from` and under `age_below`, without those who are exempt.

    *Caps*: the first `most_parts` nights or hours that the levy counts; `most_person` and `most`
    over the whole order.  *Rounding*: each unit, each line, or the levy's total.
    """

    number: str
    code: str
    name: str
    shares: tuple[Share, ...]
    kind: str
    rate: int
    per: str
    base: tuple[str, ...] = ()
    times_bp: int = WHOLE_BP
    vertical: str = ""
    category: str = ""
    zone: str = ""
    begins: datetime | None = None
    ends: datetime | None = None
    weekdays: tuple[int, ...] = ()
    hour_from: int | None = None
    hour_until: int | None = None
    age_from: int | None = None
    age_below: int | None = None
    most_parts: int | None = None
    most_unit: int | None = None
    most_person: int | None = None
    most: int | None = None
    exemptions: tuple[Exemption, ...] = ()
    rounded: str = Point.LINE
    direction: str = Direction.HALF_UP

    def __post_init__(self) -> None:
        caps = (self.most_parts, self.most_unit, self.most_person, self.most)
        if self.rate < 0 or self.times_bp <= 0 or any(cap is not None and cap < 0 for cap in caps):
            raise ValueError(f"{self.number}: less than nothing")
        if not self.shares or any(share.weight <= 0 for share in self.shares):
            raise ValueError(f"{self.number}: nobody gets it")
        if (self.kind == Kind.PERCENT) != bool(self.base) or self.code in self.base:
            raise ValueError(f"{self.number}: a share is of something, an amount is not")
        if self.kind == Kind.PERCENT and self.per in (Per.PERSON, Per.KM):
            raise ValueError(f"{self.number}: no share of the price falls on a {self.per}")
        of_people = (self.age_from, self.age_below, self.most_person)
        if self.per not in OF_PEOPLE and of_people != (None, None, None):
            raise ValueError(f"{self.number}: people are not counted")
        if (self.hour_from is None) != (self.hour_until is None):
            raise ValueError(f"{self.number}: hours have two ends")
        if self.hour_from is not None and self.per in OF_NIGHTS:
            raise ValueError(f"{self.number}: a night has no hours")

    def frozen(self) -> dict[str, Any]:
        """The rule as JSON, for whoever must work it out again when it holds no longer."""
        told: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        empty: dict[str, Any] = {one.name: one.default for one in fields(self)}
        return {name: value for name, value in told.items() if value not in (None, [], empty[name])}

    @classmethod
    def thawed(cls, told: Mapping[str, Any]) -> Self:
        """The rule that `frozen` wrote down."""
        made: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in told.items()
        }
        made["shares"] = tuple(
            Share(**share | {"to": Payee(share["to"])}) for share in told["shares"]
        )
        made["exemptions"] = tuple(Exemption(**one) for one in told.get("exemptions", ()))
        for end in ("begins", "ends"):
            if end in told:
                made[end] = datetime.fromisoformat(told[end])
        return cls(**made)

    def covers(self, facts: Facts, at: datetime) -> bool:
        """Say whether it is in force for this, at a moment of the city's clock."""
        if self.vertical not in ("", facts.vertical) or self.category not in ("", facts.category):
            return False
        if self.zone and self.zone not in facts.zones:
            return False
        judged = at.replace(hour=12, minute=0) if self.per in OF_NIGHTS else at
        if (self.begins and judged < self.begins) or (self.ends and judged >= self.ends):
            return False
        if self.weekdays and at.weekday() not in self.weekdays:
            return False
        if self.hour_from is None or self.hour_until is None:
            return True
        after, before = at.hour >= self.hour_from, at.hour < self.hour_until
        return (after and before) if self.hour_from < self.hour_until else (after or before)

    def asks(self, guest: Guest) -> bool:
        """Say whether somebody of this age pays it."""
        if guest.age is None:
            return self.age_below is None
        return (self.age_from or 0) <= guest.age and (
            self.age_below is None or guest.age < self.age_below
        )


def nights(
    *,
    first: date,
    leaves: date,
    zone: ZoneInfo,
    amounts: Mapping[str, Sequence[int] | int],
) -> tuple[Part, ...]:
    """A stay, night by night.  `amounts` are lists, one for each night, or one sum for the stay.

    A sum for the whole stay, such as the cleaning, is spread evenly over the nights.
    """
    count = (leaves - first).days
    if count <= 0:
        raise ValueError(f"no nights from {first} to {leaves}")
    each = {
        code: allocate(told, [1] * count) if isinstance(told, int) else list(told)
        for code, told in amounts.items()
    }
    if any(len(told) != count for told in each.values()):
        raise ValueError(f"{count} nights do not fit {amounts}")
    return tuple(
        Part(
            # Noon, which every clock shows on every day.
            datetime.combine(first + timedelta(days=night), time(12), zone),
            {code: told[night] for code, told in each.items()},
        )
        for night in range(count)
    )


def hours(*, begins: datetime, ends: datetime, amounts: Mapping[str, int]) -> tuple[Part, ...]:
    """A time, cut where the clock strikes; `begins` stands in the city's time zone.

    Sums are spread by the seconds of each piece.
    """
    zone = begins.tzinfo
    if zone is None or ends <= begins:
        raise ValueError("a time has a zone, and two ends")
    marks, end = [begins.timestamp()], ends.timestamp()
    # By seconds gone by, so that an hour that the clocks leap over or repeat is one hour.
    on = begins.replace(minute=0, second=0, microsecond=0).timestamp() + 3_600
    while on < end:
        marks.append(on)
        on += 3_600
    marks.append(end)
    spans = [round(until - since) for since, until in zip(marks, marks[1:], strict=False)]
    each = {code: allocate(told, spans) for code, told in amounts.items()}
    return tuple(
        Part(
            datetime.fromtimestamp(mark, zone),
            {code: told[i] for code, told in each.items()},
            seconds=spans[i],
        )
        for i, mark in enumerate(marks[:-1])
    )
