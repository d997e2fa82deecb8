"""What is owed by the rules, line by line, to the minor unit.  Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from graphlib import TopologicalSorter
from math import ceil, floor, lcm

from apps.kernel.money import allocate
from apps.pricing.levies.rules import (
    OF_PEOPLE,
    WHOLE_BP,
    Direction,
    Facts,
    Frees,
    Kind,
    Part,
    Per,
    Point,
    Rule,
)
from apps.pricing.models import Line, Payee, Working


class Ambiguous(ValueError):
    """Two rules of one levy are in force at once for the same thing."""


def due(rules: Iterable[Rule], facts: Facts) -> list[Line]:
    """What is owed, line by line: one line for each rule that applied and each who gets a share.

    A levy that is part of another's base comes first; for the rest the order of the rules changes
    no amount.  Raises `Ambiguous`, and `ValueError` when levies are based on one another in a
    circle.
    """
    levies: dict[str, list[Rule]] = {}
    for rule in rules:
        levies.setdefault(rule.code, []).append(rule)
    order: TopologicalSorter[str] = TopologicalSorter()
    for code in levies:
        order.add(code)
    for code, versions in levies.items():
        order.add(code, *sorted({one for rule in versions for one in rule.base} & levies.keys()))
    amounts = [Counter[str](part.amounts) for part in facts.parts]
    lines: list[Line] = []
    for code in order.static_order():
        for tally in _counted(levies[code], facts, amounts):
            lines += _lines(tally, facts)
            spread = _spread(tally.owed, list(tally.units.values()))
            for place, amount in zip(tally.units, spread, strict=True):
                amounts[place][code] += amount
    return lines


def difference(before: Iterable[Line], after: Iterable[Line]) -> list[Line]:
    """What is to be given back when an order shrinks: lines of what was paid less what is due.

    Less than nothing where more is due.  What has not changed is left out.
    """
    left: dict[tuple[str, str, Payee, str], Line] = {}
    for sign, lines in ((1, before), (-1, after)):
        for line in lines:
            key = (line.code, line.rule, line.to, line.beneficiary)
            known = left.get(key) or replace(line, amount=0, quantity=None, working=None)
            left[key] = replace(known, amount=known.amount + sign * line.amount)
    return [line for line in left.values() if line.amount]


@dataclass(slots=True)
class _Tally:
    """What one rule has counted: exact amounts by the place of the part, and what held them."""

    rule: Rule
    relief: "_Relief"
    units: dict[int, Fraction] = field(default_factory=dict)
    quantity: int = 0
    base: Fraction = Fraction(0)
    people: set[int] = field(default_factory=set)
    caps: dict[str, int] = field(default_factory=dict)
    owed: int = 0

    @property
    def exact(self) -> Fraction:
        return sum(self.units.values(), Fraction(0))

    def held(self, name: str, cap: int | None, value: Fraction, used: Fraction) -> Fraction:
        """What of a value a cap leaves, of which so much is used."""
        if cap is None or value <= cap - used:
            return value
        self.caps[name] = cap
        return max(cap - used, Fraction(0))


@dataclass(slots=True)
class _Paid:
    """What a levy has come to so far, over all its versions."""

    parts: int = 0
    in_all: Fraction = Fraction(0)
    by: dict[int | None, Fraction] = field(default_factory=dict)


def _counted(
    versions: Sequence[Rule], facts: Facts, amounts: Sequence[Counter[str]]
) -> list[_Tally]:
    """Walk the parts of an order with the versions of one levy, and round what they come to."""
    tallies: dict[str, _Tally] = {}
    paid = _Paid()
    for place, part in enumerate(facts.parts):
        rule = _in_force(versions, facts, part.at)
        if rule is None:
            continue
        tally = tallies.get(rule.number)
        if tally is None:
            tally = tallies[rule.number] = _Tally(rule, _relief(rule, facts))
        if rule.most_parts is not None and paid.parts >= rule.most_parts:
            tally.caps["parts"] = rule.most_parts
            continue
        paid.parts += 1
        tally.units[place] = _part(tally, facts, part, amounts[place], paid)
    _round(list(tallies.values()))
    return list(tallies.values())


def _in_force(versions: Sequence[Rule], facts: Facts, at: datetime) -> Rule | None:
    """The narrowest version that holds: by category, by the smallest zone, by kind of service."""

    def narrow(rule: Rule) -> tuple[bool, int, bool]:
        zone = -facts.zones.index(rule.zone) if rule.zone else -len(facts.zones)
        return bool(rule.category), zone, bool(rule.vertical)

    numbered = sorted(versions, key=lambda rule: rule.number)
    fitting = sorted((rule for rule in numbered if rule.covers(facts, at)), key=narrow)
    if len(fitting) > 1 and narrow(fitting[-1]) == narrow(fitting[-2]):
        raise Ambiguous(f"{fitting[-2].number} and {fitting[-1].number} at {at}")
    return fitting[-1] if fitting else None


@dataclass(frozen=True, slots=True)
class _Relief:
    """Who does not pay by one rule: which guests, or everybody; and who showed nothing for it."""

    guests: frozenset[int]
    is_for_all: bool
    exempt: list[str]
    unproven: list[str]


def _relief(rule: Rule, facts: Facts) -> _Relief:
    claimed = {place: guest.claims for place, guest in enumerate(facts.guests)}
    freed: set[int] = set()
    is_for_all, companions = False, 0
    exempt, unproven = [], []
    for one in rule.exemptions:
        for place, claims in [(None, facts.claims), *claimed.items()]:
            mine = [claim for claim in claims if claim.code == one.code]
            if not mine or (place is not None and not rule.asks(facts.guests[place])):
                continue
            if one.proof and not any(claim.proof for claim in mine):
                unproven.append(one.name)
                continue
            exempt.append(one.name)
            if place is None or one.frees == Frees.PARTY:
                is_for_all = True
            else:
                freed.add(place)
                companions += one.frees == Frees.COMPANION
    others = (
        place for place, guest in enumerate(facts.guests) if place not in freed and rule.asks(guest)
    )
    freed.update(place for place, _ in zip(others, range(companions), strict=False))
    if facts.guests and len(freed) == len(facts.guests):
        is_for_all = True
    return _Relief(frozenset(freed), is_for_all, exempt, unproven)


def _part(tally: _Tally, facts: Facts, part: Part, amounts: Counter[str], paid: _Paid) -> Fraction:
    """What one part comes to by the rule in force, exactly, unless each unit is rounded."""
    rule, whole = tally.rule, Fraction(0)
    base = Fraction(max(0, sum(amounts[code] for code in rule.base)))
    if rule.per == Per.PERSON_NIGHT and facts.guests:
        base /= len(facts.guests)
    for person in _payers(tally, facts, paid):
        unit, times, quantity = _unit(rule, part, base)
        unit = tally.held("unit", rule.most_unit, unit, Fraction(0))
        unit = unit * rule.times_bp / WHOLE_BP
        if rule.rounded == Point.UNIT:
            unit = Fraction(_rounded(unit, rule.direction))
        before = paid.by.get(person, Fraction(0))
        unit = tally.held("person", rule.most_person, unit, before)
        owed = tally.held("in_all", rule.most, unit * times, paid.in_all)
        paid.by[person] = before + owed
        paid.in_all += owed
        whole += owed
        tally.quantity += quantity
        tally.base += base
        if person is not None:
            tally.people.add(person)
    return whole


def _payers(tally: _Tally, facts: Facts, paid: _Paid) -> list[int | None]:
    """Who pays for a part; None is nobody in particular.  Some levies are paid only once."""
    rule = tally.rule
    if tally.relief.is_for_all:
        return []
    is_once = rule.per == Per.PERSON or (rule.per == Per.ORDER and rule.kind == Kind.AMOUNT)
    asked: list[int | None] = [None]
    if rule.per in OF_PEOPLE:
        asked = [
            place
            for place, guest in enumerate(facts.guests)
            if rule.asks(guest) and place not in tally.relief.guests
        ]
    return [one for one in asked if not (is_once and one in paid.by)]


def _unit(rule: Rule, part: Part, base: Fraction) -> tuple[Fraction, int, int]:
    """One unit of a part in minor units, how many times, and the quantity that it is written as."""
    if rule.kind == Kind.PERCENT:
        return base * rule.rate / WHOLE_BP, 1, 1
    match rule.per:
        case Per.KM:
            return Fraction(rule.rate * part.metres, 1_000), 1, part.metres
        case Per.HOUR:
            return Fraction(rule.rate * part.seconds, 3_600), 1, part.seconds
        case Per.RIDE | Per.PARCEL:
            return Fraction(rule.rate), part.pieces, part.pieces
        case _:
            return Fraction(rule.rate), 1, 1


def _round(tallies: Sequence[_Tally]) -> None:
    """Say what each version comes to in whole minor units, never above a cap of the whole."""
    together = [tally for tally in tallies if tally.rule.rounded == Point.TOTAL]
    if together:
        exact = sum((tally.exact for tally in together), Fraction(0))
        whole = _rounded(exact, together[0].rule.direction)
        for tally, owed in zip(
            together, _spread(whole, [tally.exact for tally in together]), strict=True
        ):
            tally.owed = owed
    used, people = 0, set[int]()
    for tally in tallies:
        rule = tally.rule
        if rule.rounded != Point.TOTAL:
            tally.owed = _rounded(tally.exact, rule.direction)
        people |= tally.people
        if rule.most is not None:
            tally.owed = max(0, min(tally.owed, rule.most - used))
        if rule.most_person is not None:
            tally.owed = max(0, min(tally.owed, rule.most_person * len(people) - used))
        used += tally.owed


def _rounded(value: Fraction, direction: str) -> int:
    match direction:
        case Direction.UP:
            return ceil(value)
        case Direction.DOWN:
            return floor(value)
        case Direction.HALF_EVEN:
            return round(value)
        case _:
            return floor(value + Fraction(1, 2))


def _spread(whole: int, weights: Sequence[Fraction]) -> list[int]:
    """Split an amount by exact weights, by the largest remainder."""
    if not whole:
        return [0] * len(weights)
    scale = lcm(*(weight.denominator for weight in weights))
    return allocate(whole, [int(weight * scale) for weight in weights])


def _lines(tally: _Tally, facts: Facts) -> list[Line]:
    """A line for each who gets a share, by the largest remainder."""
    rule = tally.rule
    weights = [share.weight for share in rule.shares]
    is_amount = rule.kind == Kind.AMOUNT
    working = Working(
        kind=str(rule.kind),
        per=str(rule.per),
        rate=rule.rate,
        times_bp=rule.times_bp,
        base=_rounded(tally.base, Direction.HALF_UP) if rule.base else 0,
        people=len(tally.people),
        people_in_all=len(facts.guests),
        parts=len(tally.units),
        parts_in_all=len(facts.parts),
        caps=dict(tally.caps),
        exempt=tally.relief.exempt,
        unproven=tally.relief.unproven,
        share=[0, sum(weights)],
    )
    return [
        Line(
            rule.code,
            amount,
            share.to,
            quantity=tally.quantity if is_amount else None,
            rate=rule.rate,
            beneficiary=share.beneficiary,
            rule=rule.number,
            name=rule.name,
            working=replace(working, share=[share.weight, sum(weights)]),
        )
        for share, amount in zip(rule.shares, allocate(tally.owed, weights), strict=True)
        if amount
    ]
