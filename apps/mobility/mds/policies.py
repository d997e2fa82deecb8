"""The city's policies on rides as MDS tells them.

A rule of MDS says the whole of ours or it does not pretend to: then it is of the type `user`, which
nobody enforces by machine, with the rule's own words.  What ours says exactly stands beside it in
the field `cityplatform`, which is no field of MDS.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID, uuid5

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.mobility.mds import windows
from apps.mobility.mds.windows import Window
from apps.parties.models import Provider
from apps.places import geographies
from apps.places.models import City
from apps.regulation.models import PolicyVersion
from apps.regulation.rules import (
    DROPOFF,
    PICKUP,
    Cap,
    Closed,
    Crisis,
    Fee,
    Hours,
    Of,
    Per,
    Scope,
    Speed,
    Subsidy,
)

MODE = "passenger-services"
VERTICAL = "mobility"
EXTENSION = "cityplatform"

# Where a car is when somebody gets in or out: the state and the event that led to it.
AT_END = {PICKUP: {"on_trip": ["trip_start"]}, DROPOFF: {"available": ["trip_end"]}}
WITH_RIDER: dict[str, list[str]] = {"reserved": [], "stopped": [], "on_trip": []}
ON_LINE: dict[str, list[str]] = {"available": [], **WITH_RIDER}
COUNTED = {"shifts": ON_LINE, "rides": WITH_RIDER}

type Json = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """What MDS can say of one version: its rules, less name and place; or why it cannot."""

    rules: tuple[Json, ...] = ()
    unsaid: tuple[str, ...] = ()


@dataclass(frozen=True)
class Names:
    """What the feed calls things: geographies by slug ("" is the city), providers by their row."""

    zones: Mapping[str, UUID]
    providers: Mapping[int, UUID]

    @classmethod
    def of(cls, city: City, found: Iterable[PolicyVersion]) -> Self:
        named = {provider for one in found for provider in one.rule.scope.providers}
        providers = Provider.objects.filter(pk__in=named) if named else Provider.objects.none()
        return cls(geographies.refs(city), dict(providers.values_list("pk", "ref")))


def stamp(at: datetime) -> int:
    """A moment as MDS writes it: milliseconds since 1970."""
    return round(at.timestamp() * 1000)


def versions(
    city: City,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    ref: UUID | None = None,
    lasting_at: datetime | None = None,
) -> list[PolicyVersion]:
    """The approved policies that concern rides, in the order in which they begin.

    Those in force at some moment from `since` up to `until`, or the one with this `ref`; with
    `lasting_at` only those that are not over by then.
    """
    approved = PolicyVersion.objects.filter(
        policy__city=city, state=PolicyVersion.State.APPROVED, valid__isempty=False
    ).select_related("policy")
    if ref:
        approved = approved.filter(ref=ref)
    else:
        approved = approved.filter(valid__overlap=DateTimeTZRange(since, until))
    if lasting_at:
        approved = approved.filter(valid__overlap=DateTimeTZRange(lasting_at, None))
    found = [one for one in approved if concerns_rides(one.rule.scope)]
    return sorted(found, key=lambda one: (one.rule.begins, one.pk))


def concerns_rides(scope: Scope) -> bool:
    """Whether a ride can fall under it: a ride has two ends, and no place where it simply is."""
    if scope.verticals and VERTICAL not in scope.verticals:
        return False
    return not scope.zones or bool(scope.ends & {PICKUP, DROPOFF})


def last_updated(city: City) -> datetime:
    """When something in the feed last changed: a policy, or the edge of a zone."""
    approved = PolicyVersion.objects.filter(
        policy__city=city, state=PolicyVersion.State.APPROVED
    ).values_list("decided_at", "stopped_at")
    changed = [moment for both in approved for moment in both if moment]
    return max([*changed, geographies.last_drawn(city)])


def told(found: Iterable[PolicyVersion], city: City) -> list[Json]:
    """Policies as MDS tells them; one whose zones are all gone concerns nowhere and is left out."""
    found = list(found)
    names = Names.of(city, found)
    before = _before(found)
    documents = (policy(one, city, names, before.get(one.pk)) for one in found)
    return [one for one in documents if one]


def policy(
    version: PolicyVersion, city: City, names: Names, replaces: UUID | None = None
) -> Json | None:
    """One version of a policy as MDS tells it."""
    rule, scope = version.rule, version.rule.scope
    where = [str(names.zones[slug]) for slug in sorted(scope.zones or {""}) if slug in names.zones]
    if not where:
        return None
    said = what_is_said(version)
    rules = [*said.rules, *([_words()] if said.unsaid else [])]
    assert version.decided_at is not None
    document: Json = {
        "policy_id": str(version.ref),
        "name": rule.name,
        "description": version.title,
        "mode_id": MODE,
        "published_date": stamp(version.decided_at),
        "start_date": stamp(rule.begins),
        "rules": [
            {
                "rule_id": str(uuid5(version.ref, str(place))),
                "name": version.title,
                "geographies": where,
                "messages": {city.locale: version.title},
                **one,
            }
            for place, one in enumerate(rules)
        ],
        EXTENSION: {
            "number": rule.number,
            "version": rule.version,
            "why": version.why,
            "kind": version.kind,
            "scope": _scope(scope, names),
            "terms": version.terms,
            "unsaid": list(said.unsaid),
        },
    }
    if rule.ends:
        document["end_date"] = stamp(rule.ends)
    if any("rate_amount" in one for one in said.rules):
        document["currency"] = city.currency
    if scope.providers:
        document["provider_ids"] = _providers(scope, names)
    if replaces:
        document["prev_policies"] = [str(replaces)]
    return document


def what_is_said(version: PolicyVersion) -> Said:
    """What a machine that knows MDS alone may hold cars to, and what it cannot know."""
    rule, scope = version.rule, version.rule.scope
    unsaid = [word for word in ("season_from", "classes") if getattr(scope, word)]
    if unsaid:
        return Said(unsaid=tuple(unsaid))
    when = windows.of_scope(scope)
    match rule.terms:
        case Closed():
            return Said(_none(_ends(scope), when))
        case Hours() as hours:
            return Said(_none(_ends(scope), windows.shared(when, windows.closed(hours))))
        case Crisis():
            only = _none(AT_END[DROPOFF], when) if scope.zones else ()
            return Said(only, ("no surge anywhere", "ways to the shelters are free"))
        case Speed(kmh=kmh):
            speed = {"rule_type": "speed", "rule_units": "kph", "maximum": kmh, "states": ON_LINE}
            return Said(tuple(speed | one.told() for one in when))
        case Cap(fact=fact, most=most, per=Per.NOW, of=Of.PROVIDER) if fact in COUNTED:
            if scope.zones or not scope.is_timeless:
                return Said(unsaid=("what was counted elsewhere or before",))
            return Said((_count(COUNTED[fact], maximum=most),))
        case Fee(flat_minor=flat, share_bp=0):
            return _rate(flat, scope, when)
        case Subsidy(flat_minor=flat, share_bp=0, most_minor=most):
            return _rate(-min(flat, flat if most is None else most), scope, when)
        case _:
            return Said(unsaid=(version.kind,))


def _ends(scope: Scope) -> dict[str, list[str]]:
    """Without zones a rule does not ask which end: what must not begin is not begun."""
    ends = scope.ends & set(AT_END) if scope.zones else {PICKUP}
    return {state: events for end in sorted(ends) for state, events in AT_END[end].items()}


def _count(states: Mapping[str, list[str]], **rest: Any) -> Json:
    return {"rule_type": "count", "rule_units": "devices", "states": dict(states), **rest}


def _none(states: Mapping[str, list[str]], when: Iterable[Window]) -> tuple[Json, ...]:
    return tuple(_count(states, maximum=0) | one.told() for one in when)


def _rate(amount: int, scope: Scope, when: Iterable[Window]) -> Said:
    """So much for each ride.  With both ends of a ride in its zones MDS would count it twice."""
    if scope.zones and {PICKUP, DROPOFF} <= scope.ends:
        return Said(unsaid=("once for both ends",))
    rate = _count(
        _ends(scope),
        minimum=1,
        rate_amount=amount,
        rate_recurrence="once_on_match",
        rate_applies_when="in_bounds",
    )
    return Said(tuple(rate | one.told() for one in when))


def _words() -> Json:
    return {"rule_type": "user", "states": ON_LINE}


def _providers(scope: Scope, names: Names) -> list[str]:
    return sorted(str(names.providers[one]) for one in scope.providers if one in names.providers)


def _scope(scope: Scope, names: Names) -> Json:
    """As it is kept, but providers by the numbers that others know them by."""
    kept = scope.frozen()
    return kept | ({"providers": _providers(scope, names)} if scope.providers else {})


def _before(found: Iterable[PolicyVersion]) -> dict[int, UUID]:
    """For each version the one that it replaced: the last approved before it of the same policy."""
    all_of = PolicyVersion.objects.filter(
        policy__in={one.policy_id for one in found},
        state=PolicyVersion.State.APPROVED,
        valid__isempty=False,
    ).order_by("policy", "version")
    before: dict[int, UUID] = {}
    last: PolicyVersion | None = None
    for one in all_of:
        if last and last.policy_id == one.policy_id:
            before[one.pk] = last.ref
        last = one
    return before
