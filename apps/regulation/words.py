"""Rules in plain words: any scope and terms as sentences in the reader's language.

No text is kept: a rule is read anew each time, so that what people read is what is asked.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.parties.models import Provider
from apps.places.models import City, Zone
from apps.regulation.phrases import (
    between,
    day_of_year,
    either,
    listed,
    money,
    percent,
    quantity,
    shortest,
)
from apps.regulation.rules import (
    AT,
    DROPOFF,
    ENDS,
    PICKUP,
    WHOLE,
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
    Scope,
    Speed,
    Subsidy,
    Terms,
)

# The services of a city, as rules name them.
SERVICES: dict[str, str | Promise] = {
    "mobility": gettext_lazy("rides"),
    "logistics": gettext_lazy("parcels"),
    "lodging": gettext_lazy("stays"),
    "retail": gettext_lazy("shops"),
}
# These go from one place to another, and those stay where they are.
MOVING, STANDING = frozenset({"mobility", "logistics"}), frozenset({"lodging", "retail"})
CLASSES: dict[str, str | Promise] = {
    "standard": gettext_lazy("standard"),
    "accessible": gettext_lazy("accessible"),
    "large": gettext_lazy("large"),
}
WEEKDAYS: tuple[str | Promise, ...] = (
    gettext_lazy("Mondays"),
    gettext_lazy("Tuesdays"),
    gettext_lazy("Wednesdays"),
    gettext_lazy("Thursdays"),
    gettext_lazy("Fridays"),
    gettext_lazy("Saturdays"),
    gettext_lazy("Sundays"),
)
PERIODS: dict[str, str | Promise] = {
    Per.DAY: gettext_lazy("a day"),
    Per.MONTH: gettext_lazy("a month"),
    Per.YEAR: pgettext_lazy("how often", "a year"),
    Per.NOW: gettext_lazy("at the same time"),
}
OWNERS: dict[str, str | Promise] = {
    Of.LISTING: gettext_lazy("for each listing"),
    Of.WORKER: gettext_lazy("for each worker"),
    Of.PROVIDER: gettext_lazy("for each provider"),
    Of.CITY: gettext_lazy("in the whole city"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """What a city calls its zones and the providers in it, and its money."""

    currency: str
    zones: Mapping[str, str] = field(default_factory=dict)
    providers: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, city: City, scopes: Iterable[Scope] = ()) -> Self:
        """Every zone of the city, and the providers of whom these scopes speak."""
        wanted = {one for scope in scopes for one in scope.providers}
        named = Provider.objects.filter(pk__in=wanted).values_list("pk", "name")
        return cls(
            city.currency,
            dict(Zone.objects.filter(city=city).values_list("slug", "name")),
            dict(named) if wanted else {},
        )


def sentences(scope: Scope, terms: Terms, names: Names) -> list[str]:
    """Say a rule in the reader's language: one sentence for each thing that it says."""
    match terms:
        case Closed():
            told = _tail(when(scope), _for(services_of(scope)), *_whom(scope, names))
            return [_sentence(_closed(scope, names), told)]
        case Speed():
            place = _zones(scope.zones, names)
            told = _tail(place and _("in %(zones)s") % {"zones": place}, when(scope))
            return [_sentence(_speed(terms), told)]
        case Crisis():
            told = _tail(when(scope), _for(services_of(scope)))
            return [_sentence(head, told) for head in _crisis(scope, terms, names)]
    told = _tail(_for_where(scope, names), *_whom(scope, names), when(scope))
    return [_sentence(head, told) for head in _heads(terms, names)]


def text(scope: Scope, terms: Terms, names: Names) -> str:
    """The same as one text."""
    return " ".join(sentences(scope, terms, names))


# --- what it says -----------------------------------------------------------------------


def _heads(terms: Terms, names: Names) -> list[str]:
    match terms:
        case PermitNeeded():
            return [_("A permit of the city is needed") if terms.needed else _permit_free()]
        case Limit():
            return [_limit(terms, names)]
        case Cap():
            return [
                _("At most %(amount)s %(per)s %(of)s")
                % {
                    "amount": quantity(terms.fact, terms.most, names.currency),
                    "per": PERIODS[terms.per],
                    "of": OWNERS[terms.of],
                }
            ]
        case Hours():
            return [_("Open %(hours)s only") % {"hours": between(terms.opens, terms.closes)}]
        case Price():
            return _price(terms, names)
        case Commission():
            said = _("The platform adds at most %(share)s to what the provider gets")
            return [said % {"share": percent(terms.most_bp)}]
        case Pay():
            return [_pay(terms, names)]
        case Fee():
            said = _("The city asks a fee of %(sum)s")
            return [said % {"sum": _sum(terms.flat_minor, terms.share_bp, names, _of_fare)}]
        case Subsidy():
            return [_subsidy(terms, names)]
    raise TypeError(f"no words for {type(terms).__name__}")


def _permit_free() -> str:
    return _("No permit of the city is needed")


def _closed(scope: Scope, names: Names) -> str:
    """What does not happen, and where."""
    if not scope.zones:
        return _("Closed everywhere")
    heads = {
        frozenset({PICKUP}): _("No pick-ups"),
        frozenset({DROPOFF}): _("No drop-offs"),
        frozenset({PICKUP, DROPOFF}): _("No pick-ups or drop-offs"),
        frozenset({AT}): _("Nothing takes place"),
        frozenset({PICKUP, AT}): _("Nothing begins or takes place"),
        frozenset({DROPOFF, AT}): _("Nothing ends or takes place"),
        ENDS: _("Nothing begins, ends or takes place"),
    }
    place = _("in %(zones)s") % {"zones": _zones(scope.zones, names)}
    return f"{heads[ends_of(scope)]} {place}"


def _speed(terms: Speed) -> str:
    if terms.kmh == 0:
        return _("The streets are closed to through traffic")
    return _("Nobody drives faster than %(kmh)s km/h") % {"kmh": terms.kmh}


def _crisis(scope: Scope, terms: Crisis, names: Names) -> list[str]:
    said = []
    if scope.zones:
        said.append(
            _("Emergency: nobody is driven into %(zones)s")
            % {"zones": _zones(scope.zones, names, either)}
        )
    said.append(_("However many ask, no fare rises anywhere in the city"))
    if terms.shelters:
        zones = _zones(terms.shelters, names)
        said.append(_("Ways to %(zones)s cost nothing: the city pays") % {"zones": zones})
    return said


def _limit(terms: Limit, names: Names) -> str:
    if terms.least is None:
        return _("At most %(amount)s") % {
            "amount": quantity(terms.fact, terms.most or 0, names.currency)
        }
    if terms.most is None:
        return _("At least %(amount)s") % {
            "amount": quantity(terms.fact, terms.least, names.currency)
        }
    return _("At least %(least)s and at most %(most)s") % {
        "least": quantity(terms.fact, terms.least, names.currency),
        "most": quantity(terms.fact, terms.most, names.currency),
    }


def _price(terms: Price, names: Names) -> list[str]:
    said = []
    floor, ceiling = terms.floor_minor, terms.ceiling_minor
    if floor is not None and ceiling is not None:
        both = {"least": money(floor, names.currency), "most": money(ceiling, names.currency)}
        said.append(_("The price is at least %(least)s and at most %(most)s") % both)
    elif floor is not None:
        said.append(_("The price is at least %(sum)s") % {"sum": money(floor, names.currency)})
    elif ceiling is not None:
        said.append(_("The price is at most %(sum)s") % {"sum": money(ceiling, names.currency)})
    if terms.surge_most_bp == WHOLE:
        said.append(_("However many ask, the fare does not rise"))
    elif terms.surge_most_bp is not None:
        factor = shortest(terms.surge_most_bp, WHOLE)
        said.append(
            _("When many ask, the fare is at most %(factor)s times the tariff") % {"factor": factor}
        )
    return said


def _pay(terms: Pay, names: Names) -> str:
    parts = [
        said % {"sum": money(minor, names.currency)}
        for said, minor in (
            (_("%(sum)s for each order"), terms.per_order_minor),
            (_("%(sum)s for each kilometre"), terms.per_km_minor),
            (_("%(sum)s for each minute"), terms.per_minute_minor),
        )
        if minor
    ]
    return _("Whoever does the work gets at least %(sums)s") % {"sums": listed(parts)}


def _subsidy(terms: Subsidy, names: Names) -> str:
    paid = _sum(terms.flat_minor, terms.share_bp, names, _of_price)
    if terms.most_minor is None:
        return _("The city pays %(sum)s") % {"sum": paid}
    most = money(terms.most_minor, names.currency)
    return _("The city pays %(sum)s, at most %(most)s") % {"sum": paid, "most": most}


# --- whom, where and when ---------------------------------------------------------------


def ends_of(scope: Scope) -> frozenset[str]:
    """The ends that can lie in a zone: a ride is nowhere, and a flat neither begins nor ends."""
    if scope.verticals and scope.verticals <= MOVING:
        return scope.ends - {AT} or scope.ends
    if scope.verticals and scope.verticals <= STANDING:
        return scope.ends & {AT} or scope.ends
    return scope.ends


def services_of(scope: Scope) -> str:
    """Which services it concerns; empty for all of them."""
    return listed(sorted(str(SERVICES.get(one, one)) for one in scope.verticals))


def where(scope: Scope, names: Names) -> str:
    """In, from or to which zones; empty for everywhere."""
    if not scope.zones:
        return ""
    said = {
        frozenset({PICKUP}): _("from %(zones)s"),
        frozenset({DROPOFF}): _("to %(zones)s"),
        frozenset({PICKUP, DROPOFF}): _("from or to %(zones)s"),
        frozenset({AT}): _("in %(zones)s"),
        frozenset({PICKUP, AT}): _("in or from %(zones)s"),
        frozenset({DROPOFF, AT}): _("in or to %(zones)s"),
        ENDS: _("in, from or to %(zones)s"),
    }
    return said[ends_of(scope)] % {"zones": _zones(scope.zones, names)}


def when(scope: Scope) -> str:
    """At which hours of which days; empty for always."""
    parts = []
    days = sorted(scope.weekdays)
    if days == [0, 1, 2, 3, 4]:
        parts.append(_("from Monday to Friday"))
    elif days and len(days) < 7:
        parts.append(_("on %(days)s") % {"days": listed([str(WEEKDAYS[day]) for day in days])})
    if scope.hour_from is not None and scope.hour_to is not None:
        parts.append(between(scope.hour_from, scope.hour_to))
    if scope.season_from:
        season = {"first": day_of_year(scope.season_from), "last": day_of_year(scope.season_to)}
        parts.append(_("every year from %(first)s to %(last)s") % season)
    return " ".join(parts)


def _whom(scope: Scope, names: Names) -> list[str]:
    classes = listed(sorted(str(CLASSES.get(one, one)) for one in scope.classes))
    providers = listed(sorted(names.providers.get(one, f"#{one}") for one in scope.providers))
    return [
        classes and _("in the class %(classes)s") % {"classes": classes},
        providers and _("for what is offered by %(providers)s") % {"providers": providers},
    ]


def _for(services: str) -> str:
    return services and _("for %(services)s") % {"services": services}


def _for_where(scope: Scope, names: Names) -> str:
    return " ".join(part for part in (_for(services_of(scope)), where(scope, names)) if part)


def _sum(minor: int, share_bp: int, names: Names, share: Callable[[str], str]) -> str:
    parts = [money(minor, names.currency)] * bool(minor) + [share(percent(share_bp))] * bool(
        share_bp
    )
    return _(" plus ").join(parts)


def _of_fare(share: str) -> str:
    return _("%(share)s of the fare") % {"share": share}


def _of_price(share: str) -> str:
    return _("%(share)s of the price") % {"share": share}


def _zones(slugs: Iterable[str], names: Names, word: Callable[[str], str] | None = None) -> str:
    return listed(sorted(names.zones.get(slug, slug) for slug in slugs), word=word)


def _tail(*parts: str) -> str:
    return "".join(f", {part}" for part in parts if part)


def _sentence(head: str, tail: str) -> str:
    return f"{head}{tail}."
