"""MDS read: edges that may become zones, and policies that may become drafts of ours.

Nothing is read by halves: what our rules cannot say exactly is not drafted, and the reason is
given in words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from django.utils.text import slugify

from apps.mobility.mds import policies
from apps.mobility.mds.policies import AT_END, COUNTED, EXTENSION, MODE, ON_LINE, Json
from apps.mobility.mds.windows import Window
from apps.places import geometry
from apps.places.geometry import Area
from apps.regulation.rules import (
    KINDS,
    Cap,
    Closed,
    Fee,
    Malformed,
    Of,
    Per,
    Scope,
    Speed,
    Subsidy,
    Terms,
)

KM_IN_MILE = 1.609344
# What a rule may state beyond these we do not know how to obey.
PLAIN = {
    "name", "rule_id", "rule_type", "rule_units", "geographies", "states", "messages",
    "minimum", "maximum", "inclusive_minimum", "inclusive_maximum",
    "rate_amount", "rate_recurrence", "rate_applies_when",
    "start_time", "end_time", "days", "vehicle_types",
}  # fmt: skip


class Unsaid(ValueError):
    """Our rules cannot say this; the message says what."""


@dataclass(frozen=True, slots=True)
class Edge:
    """An area that MDS names; `slug` is the zone that it is or would be, "" for the whole city."""

    ref: str
    name: str
    type: str
    slug: str
    boundary: Area


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy as we would draft it.  `key` makes it the same policy however often it is read."""

    key: UUID
    replaces: tuple[str, ...]
    title: str
    why: str
    kind: str
    scope: Json
    terms: Json


@dataclass
class Report:
    """What a reading found, and in words what it could not take."""

    edges: list[Edge] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Known:
    """What a policy may name: edges, by their number; providers, by theirs; the city's money."""

    edges: Mapping[str, Sequence[Edge]]
    providers: Mapping[str, int]
    currency: str


def edges(document: Any, city: Area) -> Report:
    """Read the geographies of a file: one, a list, or a list of answers with one each."""
    report = Report()
    for told in _geographies(document):
        name = str(told.get("name") or told.get("geography_id"))[:100]
        try:
            boundary = geometry.multipolygon(told["geography_json"])
            ref = str(UUID(str(told["geography_id"])))
        except (KeyError, ValueError) as error:
            report.unsaid.append(f"{name}: {error}")
            continue
        if not geometry.overlap(boundary, city):
            report.unsaid.append(f"{name}: it lies outside the city")
            continue
        slug = "" if boundary == city else _slug(name, ref)
        report.edges.append(Edge(ref, name, str(told.get("geography_type", "")), slug, boundary))
    return report


def drafts(document: Any, known: Known) -> Report:
    """Read the policies of a file."""
    report = Report()
    if not isinstance(document, dict) or not str(document.get("version")).startswith("2."):
        raise Unsaid("the file is no answer of MDS 2")
    for told in _listed(document.get("policies")):
        try:
            _policy(told, known, report)
        except (Unsaid, Malformed, KeyError, TypeError, ValueError, AttributeError) as error:
            named = told.get("name") if isinstance(told, dict) else told
            missing = f"{error} is missing" if isinstance(error, KeyError) else error
            report.unsaid.append(f"{named}: {missing}")
    return report


def _geographies(document: Any) -> Iterable[Json]:
    if not isinstance(document, dict):
        raise Unsaid("the file is no answer of MDS")
    if "geography" in document:
        yield from _geographies(document["geography"])
    elif "geographies" in document:
        for one in _listed(document["geographies"]):
            yield from _geographies(one)
    else:
        yield document


def _listed(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise Unsaid("there is no list of them in the file")
    return found


def _slug(name: str, ref: str) -> str:
    """A name of its own, so that no zone of the city is drawn over."""
    return f"{slugify(name)[:40]}-{ref[:8]}".lstrip("-")


def _policy(told: Json, known: Known, report: Report) -> None:
    if told["mode_id"] != MODE:
        raise Unsaid(f"it is about {told['mode_id']}, not about rides")
    whose = [known.providers.get(str(one)) for one in told.get("provider_ids") or []]
    if None in whose:
        raise Unsaid("it names a provider that we do not know")
    ref = UUID(str(told["policy_id"]))
    replaces = tuple(str(one) for one in told.get("prev_policies") or [])
    if not told["rules"]:
        raise Unsaid("it ends policies and says nothing itself: an officer stops them")
    why = f"From MDS policy {ref}. {told['description']}"[:2000]
    if EXTENSION in told:
        report.drafts.append(_ours(told, ref, replaces, known))
        return
    for place, rule in enumerate(told["rules"]):
        name = str(rule.get("name") or told["name"])[:160]
        try:
            terms, scope = _rule(rule, known, told.get("currency"))
            if any(_comes_before(earlier, rule, known) for earlier in told["rules"][:place]):
                raise Unsaid("an earlier rule of the policy comes before it where both hold")
            scope |= {"providers": sorted(whose)} if whose else {}  # type: ignore[type-var]
            report.drafts.append(
                Draft(
                    key=uuid5(ref, str(rule.get("rule_id", place))),
                    replaces=replaces if len(told["rules"]) == 1 else (),
                    title=name,
                    why=why,
                    kind=terms.kind,
                    scope={"verticals": [policies.VERTICAL]} | Scope.thawed(scope).frozen(),
                    terms=terms.frozen(),
                )
            )
        except (Unsaid, Malformed, KeyError, TypeError, ValueError) as error:
            missing = f"{error} is missing" if isinstance(error, KeyError) else error
            report.unsaid.append(f"{told['name']}, {name}: {missing}")


def _ours(told: Json, ref: UUID, replaces: tuple[str, ...], known: Known) -> Draft:
    """A policy that one of us published: exactly what it said there."""
    said = told[EXTENSION]
    kind, scope = str(said["kind"]), dict(said["scope"])
    if kind not in KINDS:
        raise Unsaid(f"{kind!r} is no kind of rule")
    if "providers" in scope:
        scope["providers"] = [known.providers[one] for one in scope["providers"]]
    terms = KINDS[kind].thawed(said["terms"])
    return Draft(
        key=uuid5(ref, EXTENSION),
        replaces=replaces,
        title=str(told["description"])[:160],
        why=str(said["why"])[:2000],
        kind=kind,
        scope=Scope.thawed(scope).frozen(),
        terms=terms.frozen(),
    )


def _rule(rule: Json, known: Known, currency: str | None) -> tuple[Terms, Json]:
    """One rule as terms and scope of ours.  Raises `Unsaid`."""
    if more := sorted(set(rule) - PLAIN):
        raise Unsaid(f"we have no {', '.join(more)}")
    if (rule.get("vehicle_types") or ["car"]) != ["car"]:
        raise Unsaid("rides are driven in cars")
    if False in (rule.get("inclusive_minimum"), rule.get("inclusive_maximum")):
        raise Unsaid("our bounds are included")
    scope: Json = Window.read(rule).scope()
    slugs = _slugs(rule, known)
    if "" not in slugs:
        scope["zones"] = sorted(slugs)
    match rule["rule_type"]:
        case "speed":
            return _speed(rule), scope
        case "count":
            return _count(rule, scope, known, currency)
        case "user":
            raise Unsaid("words for people, which nobody can enforce")
        case kind:
            raise Unsaid(f"rules on {kind} spent in a state are not ours")


def _speed(rule: Json) -> Speed:
    if "rate_amount" in rule or rule.get("minimum"):
        raise Unsaid("a speed has a maximum and nothing else")
    states = rule["states"]
    if states and ("on_trip" not in states or any(states.values())):
        raise Unsaid("a speed holds whoever is on board")
    in_km = {"kph": 1.0, "mph": KM_IN_MILE}.get(rule["rule_units"])
    if in_km is None:
        raise Unsaid("a speed is so many kph or mph")
    return Speed(kmh=int(rule["maximum"] * in_km))


def _count(rule: Json, scope: Json, known: Known, currency: str | None) -> tuple[Terms, Json]:
    states = {state: list(events or ()) for state, events in rule["states"].items()}
    ends = [end for end, at in AT_END.items() if at.items() <= states.items()]
    is_at_ends = bool(ends) and len(states) == len(ends)
    if amount := rule.get("rate_amount"):
        how = (rule.get("rate_recurrence"), rule.get("rate_applies_when"))
        if how != ("once_on_match", "in_bounds") or "maximum" in rule or not is_at_ends:
            raise Unsaid("our fees and subsidies are for each ride that begins or ends")
        if len(ends) > 1 or rule.get("minimum", 0) > 1:
            raise Unsaid("our fees are asked once for a ride")
        if (currency or known.currency) != known.currency:
            raise Unsaid(f"the city's money is {known.currency}")
        terms = Fee(flat_minor=amount) if amount > 0 else Subsidy(flat_minor=-amount)
        return terms, scope | ({"ends": ends} if "zones" in scope else {})
    if rule.get("minimum"):
        raise Unsaid("we cannot make anybody be there")
    most = rule["maximum"]
    if most == 0 and is_at_ends:
        if "zones" not in scope and ends != ["pickup"]:
            raise Unsaid("in the whole city only pick-ups can be closed")
        return Closed(), scope | ({"ends": ends} if "zones" in scope else {})
    if most == 0:
        raise Unsaid("our closed zones are about pick-ups and drop-offs, not about being there")
    fact = next((fact for fact, at in COUNTED.items() if at == states), None)
    if fact is None or scope:
        raise Unsaid("we count cars on line or with a rider, in the whole city, at all hours")
    return Cap(fact=fact, most=most, per=Per.NOW, of=Of.PROVIDER), scope


def _slugs(rule: Json, known: Known) -> set[str]:
    slugs = set()
    for ref in rule["geographies"]:
        found = known.edges.get(str(ref), ())
        if len(found) != 1:
            what = "two edges have" if found else "no edge has"
            raise Unsaid(f"{what} the number {ref}")
        slugs.add(found[0].slug)
    return slugs


def _comes_before(earlier: Json, later: Json, known: Known) -> bool:
    """In MDS the first rule that matches is the only one; in our city every rule holds."""
    if earlier.get("rule_type") != later["rule_type"] or later["rule_type"] == "user":
        return False
    if not _share(earlier.get("states") or {}, later["states"] or {}):
        return False
    if Window.read(earlier).meets(Window.read(later)) is None:
        return False
    ours, theirs = (
        [one.boundary for ref in rule["geographies"] for one in known.edges.get(str(ref), ())]
        for rule in (earlier, later)
    )
    return any(geometry.overlap(one, other) for one in ours for other in theirs)


def _share(states: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    for state in set(states or ON_LINE) & set(others or ON_LINE):
        one, other = states.get(state), others.get(state)
        if not one or not other or set(one) & set(other):
            return True
    return False
