"""Asking the rules about one case.  Pure: no database, no clock; what is needed is passed in.

So a decision can be recomputed from what was recorded of it, and a draft can be tried on the past.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from apps.places.geometry import Point
from apps.regulation.rules.scope import AT, DROPOFF, Scope
from apps.regulation.rules.terms import (
    WHOLE,
    Act,
    Cap,
    Closed,
    Commission,
    Crisis,
    Fee,
    Hours,
    Limit,
    Of,
    Pay,
    Per,
    PermitNeeded,
    Price,
    Subsidy,
    Terms,
)

type Facts = Mapping[str, str | int]
# The zones of the city in which each end of a service lies, by slug.
type Zones = Mapping[str, Collection[str]]

YES, NO, EXEMPT = "yes", "no", "exempt"


@dataclass(frozen=True, kw_only=True)
class Case:
    """What somebody is about to do, as far as the city's rules may ask.

    `moment` is when it would take place.  `kind` is the class of the service or of the vehicle,
    `points` its ends, `who` the numbers of the listing and the worker.  `counts` is what of it is
    counted against caps: an amount on the day of `moment`, or the days themselves, as for nights,
    so that each falls into its own year.
    """

    act: Act
    city_id: int
    vertical: str
    provider_id: int
    moment: datetime
    kind: str = ""
    points: Mapping[str, Point] = field(default_factory=dict)
    who: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int | Sequence[date]] = field(default_factory=dict)
    facts: Facts = field(default_factory=dict)

    def frozen(self, zones: Zones) -> dict[str, Any]:
        """What is kept of it: the zones, never the points, for the record is kept for good."""
        counts = {
            fact: amount if isinstance(amount, int) else [f"{day:%Y-%m-%d}" for day in amount]
            for fact, amount in self.counts.items()
        }
        kept = {
            "moment": self.moment.isoformat(),
            "kind": self.kind,
            "zones": {end: sorted(slugs) for end, slugs in zones.items() if slugs},
            "who": dict(self.who),
            "counts": counts,
            "facts": dict(self.facts),
        }
        return {name: value for name, value in kept.items() if value}


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a policy that is in force, or is to be tried."""

    number: str
    version: int
    title: str
    scope: Scope
    terms: Terms
    begins: datetime
    ends: datetime | None = None
    # The version's row, by which a refusal finds its words; 0 for none.
    pk: int = 0

    def holds(self, moment: datetime) -> bool:
        return self.begins <= moment and (self.ends is None or moment < self.ends)

    @property
    def name(self) -> str:
        """As people quote it, and as a price line or a refusal names it."""
        return f"{self.number}/{self.version}"


@dataclass(frozen=True, slots=True)
class Exemption:
    """That one rule does not refuse one provider, worker or listing for a while."""

    number: str
    of: Of
    subject: int
    begins: datetime
    ends: datetime | None

    def frees(self, case: Case) -> bool:
        """Say whether the case is theirs, and takes place while it holds."""
        who = case.provider_id if self.of == Of.PROVIDER else case.who.get(self.of)
        in_time = self.begins <= case.moment and (self.ends is None or case.moment < self.ends)
        return in_time and who == self.subject


# By the number of the policy that they are from.
type Exemptions = Mapping[str, Sequence[Exemption]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule said of the case."""

    rule: Rule
    says: str


@dataclass(frozen=True, slots=True)
class Take:
    """What a cap is to count: how much of which fact, for whom, in which period."""

    rule: Rule
    fact: str
    subject: str
    period: str
    amount: int
    most: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the rules say of a price, each with the name of its rule."""

    floor: tuple[int, str] | None = None
    ceiling: tuple[int, str] | None = None
    surge: tuple[int, str] | None = None
    commission: tuple[int, str] | None = None
    pays: tuple[tuple[Pay, str], ...] = ()
    fees: tuple[tuple[Fee, str], ...] = ()
    subsidies: tuple[tuple[Subsidy, str], ...] = ()


# What the rules say of a price where there are none.
UNBOUND = Bounds()


@dataclass(frozen=True)
class Answer:
    """What the rules said of one case, together."""

    findings: tuple[Finding, ...]
    takes: tuple[Take, ...]
    bounds: Bounds
    needs_permit: bool

    @property
    def refused_by(self) -> Rule | None:
        return next((one.rule for one in self.findings if one.says == NO), None)

    def frozen(self) -> list[list[str | int]]:
        """Each rule that was asked, with its version and its word, as a decision keeps it."""
        return [[one.rule.number, one.rule.version, one.says] for one in self.findings]


def ask(
    rules: Iterable[Rule],
    case: Case,
    *,
    zones: Zones,
    now: datetime,
    exemptions: Exemptions = MappingProxyType({}),
) -> Answer:
    """Ask every rule that concerns the case.  `now` is its moment on the city's clock.

    Whoever is exempt from a rule is not refused by it, nor counted against its cap.
    """
    findings: list[Finding] = []
    takes: list[Take] = []
    lifted, needed = False, False
    for rule in rules:
        terms, scope = rule.terms, rule.scope
        if case.act not in terms.acts or not rule.holds(case.moment):
            continue
        if isinstance(terms, Crisis):
            says = _crisis(terms, scope, zones, now)
            if says is None:
                continue
        elif not scope.concerns(now=now, provider_id=case.provider_id, kind=case.kind, zones=zones):
            continue
        else:
            match terms:
                case Cap():
                    mine = takes_of(rule, terms, case, now)
                    if not mine:
                        continue
                    if exemptions and _is_exempt(rule, case, exemptions):
                        says = EXEMPT
                    else:
                        takes += mine
                        says = YES
                case Limit():
                    stated = case.facts.get(terms.fact)
                    if not isinstance(stated, int):
                        continue
                    says = YES if _within(terms, stated) else NO
                case Closed():
                    says = NO
                case Hours():
                    says = YES if terms.is_open(now.time()) else NO
                case PermitNeeded():
                    needed, lifted = needed or terms.needed, lifted or not terms.needed
                    says = YES
                case _:
                    says = YES
        if says == NO and exemptions and _is_exempt(rule, case, exemptions):
            says = EXEMPT
        findings.append(Finding(rule, says))
    return Answer(
        findings=tuple(findings),
        takes=tuple(sorted(takes, key=lambda one: (one.subject, one.period, one.fact))),
        bounds=bounds_of([one.rule for one in findings], zones),
        needs_permit=needed or not lifted,
    )


def _is_exempt(rule: Rule, case: Case, exemptions: Exemptions) -> bool:
    return any(one.frees(case) for one in exemptions.get(rule.number, ()))


def _within(terms: Limit, stated: int) -> bool:
    return (terms.most is None or stated <= terms.most) and (
        terms.least is None or stated >= terms.least
    )


def _crisis(terms: Crisis, scope: Scope, zones: Zones, now: datetime) -> str | None:
    """A crisis concerns every case of the city: there is no surge anywhere while it lasts."""
    if not scope.is_on(now):
        return None
    leads = set(zones.get(DROPOFF, ())) | set(zones.get(AT, ()))
    if leads & terms.shelters:
        return YES
    return NO if leads & scope.zones else YES


def takes_of(rule: Rule, terms: Cap, case: Case, now: datetime) -> list[Take]:
    """What this cap is to count of the case, period by period; nothing if it is not concerned."""
    counted = case.counts.get(terms.fact)
    owner = {Of.PROVIDER: case.provider_id, Of.CITY: case.city_id}.get(
        terms.of, case.who.get(terms.of)
    )
    if not counted or owner is None:
        return []
    periods: dict[str, int] = {}
    if isinstance(counted, int):
        periods[_period(now.date(), terms.per)] = counted
    else:
        for day in counted:
            period = _period(day, terms.per)
            periods[period] = periods.get(period, 0) + 1
    subject = f"{rule.number}:{terms.of}:{owner}"
    return [
        Take(rule, terms.fact, subject, period, amount, terms.most)
        for period, amount in periods.items()
    ]


def _period(day: date, per: Per) -> str:
    match per:
        case Per.DAY:
            return f"{day:%Y-%m-%d}"
        case Per.MONTH:
            return f"{day:%Y-%m}"
        case Per.YEAR:
            return f"{day:%Y}"
        case Per.NOW:
            return "now"


def bounds_of(rules: Iterable[Rule], zones: Zones) -> Bounds:
    """The strictest of each kind of bound; fees, subsidies and least pays stand side by side."""
    floors: list[tuple[int, str]] = []
    ceilings, surges, commissions = list(floors), list(floors), list(floors)
    pays, fees, subsidies = [], [], []
    for rule in rules:
        match rule.terms:
            case Price() as price:
                if price.floor_minor is not None:
                    floors.append((price.floor_minor, rule.name))
                if price.ceiling_minor is not None:
                    ceilings.append((price.ceiling_minor, rule.name))
                if price.surge_most_bp is not None:
                    surges.append((price.surge_most_bp, rule.name))
            case Commission() as commission:
                commissions.append((commission.most_bp, rule.name))
            case Pay() as pay:
                pays.append((pay, rule.name))
            case Fee() as fee:
                fees.append((fee, rule.name))
            case Subsidy() as subsidy:
                subsidies.append((subsidy, rule.name))
            case Crisis() as crisis:
                surges.append((WHOLE, rule.name))
                leads = set(zones.get(DROPOFF, ())) | set(zones.get(AT, ()))
                if leads & crisis.shelters:
                    subsidies.append((Subsidy(share_bp=WHOLE), rule.name))
            case _:
                pass
    return Bounds(
        floor=max(floors, default=None),
        ceiling=min(ceilings, default=None),
        surge=min(surges, default=None),
        commission=min(commissions, default=None),
        pays=tuple(pays),
        fees=tuple(fees),
        subsidies=tuple(subsidies),
    )
