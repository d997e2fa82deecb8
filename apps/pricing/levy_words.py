"""Taxes and fees in words: why a line is what it is, and what a rule says, with an example."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import get_day_names
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from apps.kernel import formats
from apps.kernel.money import EXPONENTS
from apps.pricing import levies
from apps.pricing.levies import Direction, Frees, Guest, Kind, Per, Point, Rule
from apps.pricing.lines import Line, Payee, Working

EACH: dict[str, str | Promise] = {
    Per.PERSON_NIGHT: gettext_lazy("for each person and night"),
    Per.NIGHT: gettext_lazy("for each night"),
    Per.PERSON: gettext_lazy("for each person, once"),
    Per.HOUR: gettext_lazy("for each hour"),
    Per.KM: gettext_lazy("for each kilometre"),
    Per.RIDE: gettext_lazy("for each ride"),
    Per.PARCEL: gettext_lazy("for each parcel"),
    Per.ORDER: gettext_lazy("once for each order"),
}
OF_NIGHTS = (Per.PERSON_NIGHT, Per.NIGHT)
# A price that people know, by how many digits follow the point of the currency.
EXAMPLE_PRICES = {0: 40_000, 2: 10_000, 3: 40_000}
EXAMPLE_NIGHTS = 9


def explain(line: Line, currency: str) -> str:
    """How a tax or fee was worked out: "EUR 2.50 × 2 people × 5 nights of 7 …"; else nothing."""
    working = line.working
    if working is None:
        return ""
    return "; ".join(_why(line, working, currency))


def _why(line: Line, working: Working, currency: str) -> Iterator[str]:
    money = _money(currency)
    if working.kind == Kind.PERCENT:
        told = [
            _("%(share)s %% of %(base)s")
            % {"share": percent(working.rate), "base": money(working.base)}
        ]
    else:
        told = [money(working.rate)]
    if working.per in (Per.PERSON_NIGHT, Per.PERSON):
        told.append(_people(working))
    if working.per in OF_NIGHTS and (working.kind == Kind.AMOUNT or _is_part(working)):
        told.append(_nights(working))
    quantity = line.quantity or 0
    match working.per:
        case Per.KM:
            told.append(formats.distance(quantity, language=_language()))
        case Per.HOUR if working.kind == Kind.AMOUNT:
            told.append(formats.minutes(quantity))
        case Per.PARCEL if working.kind == Kind.AMOUNT:
            told.append(ngettext("%d parcel", "%d parcels", quantity) % quantity)
    if working.times_bp != levies.WHOLE_BP:
        told.append(times(working.times_bp))
    yield " × ".join(told)
    caps = working.caps
    if "parts" in caps:
        n = caps["parts"]
        if working.per in OF_NIGHTS:
            yield ngettext("no more than %d night counts", "no more than %d nights count", n) % n
        else:
            yield ngettext("no more than %d hour counts", "no more than %d hours count", n) % n
    if "unit" in caps:
        yield _("at most %s each") % money(caps["unit"])
    if "person" in caps:
        yield _("at most %s a person") % money(caps["person"])
    if "in_all" in caps:
        yield _("at most %s in all") % money(caps["in_all"])
    for name in working.exempt:
        yield _("exempt: %s") % name
    for name in working.unproven:
        yield _("not exempt without proof: %s") % name
    mine, whole = working.share
    if mine != whole:
        yield _("of which %(mine)s of %(whole)s parts") % {"mine": mine, "whole": whole}


def _is_part(working: Working) -> bool:
    return working.parts < working.parts_in_all


def _people(working: Working) -> str:
    if working.people < working.people_in_all:
        return ngettext("%(n)d person of %(all)d", "%(n)d people of %(all)d", working.people) % {
            "n": working.people,
            "all": working.people_in_all,
        }
    return ngettext("%d person", "%d people", working.people) % working.people


def _nights(working: Working) -> str:
    if _is_part(working):
        return ngettext("%(n)d night of %(all)d", "%(n)d nights of %(all)d", working.parts) % {
            "n": working.parts,
            "all": working.parts_in_all,
        }
    return ngettext("%d night", "%d nights", working.parts) % working.parts


def tell(rule: Rule, currency: str, zone: ZoneInfo, zone_name: str = "") -> list[str]:
    """What a rule says, a sentence each, in the reader's language."""
    return [
        *_how_much(rule, _money(currency)),
        *_where(rule, zone_name),
        *_for_whom(rule),
        *_caps(rule, _money(currency)),
        _("Rounded: %(what)s, %(how)s.")
        % {"what": Point(rule.rounded).label, "how": Direction(rule.direction).label},
        _("It goes to: %s.") % ", ".join(_payee(rule, share) for share in rule.shares),
        *_when(rule, zone),
    ]


def _how_much(rule: Rule, money: Callable[[int], str]) -> Iterator[str]:
    told = {"each": EACH[rule.per], "rate": money(rule.rate), "share": percent(rule.rate)}
    if rule.kind == Kind.AMOUNT:
        yield _("%(rate)s %(each)s.") % told
    elif rule.per == Per.PERSON_NIGHT:
        yield _("%(share)s %% of %(base)s, divided by all who come, for each of them who pays.") % (
            told | {"base": " + ".join(rule.base)}
        )
    else:
        yield _("%(share)s %% of %(base)s.") % (told | {"base": " + ".join(rule.base)})
    if rule.most_unit is not None:
        yield _("Each of these is at most %s.") % money(rule.most_unit)
    if rule.times_bp != levies.WHOLE_BP:
        yield _("That is taken times %s.") % times(rule.times_bp)


def _where(rule: Rule, zone_name: str) -> Iterator[str]:
    if rule.vertical:
        yield _("For the service: %s.") % rule.vertical
    if rule.category:
        yield _("For the category: %s.") % rule.category
    if rule.zone:
        yield _("In the zone: %s.") % (zone_name or rule.zone)
    if rule.weekdays:
        names = get_day_names(locale=_language().split("-")[0])
        yield _("On: %s.") % ", ".join(names[day] for day in rule.weekdays)
    if rule.hour_from is not None:
        yield _("From %(from)d:00 until %(until)d:00.") % {
            "from": rule.hour_from,
            "until": rule.hour_until,
        }


def _for_whom(rule: Rule) -> Iterator[str]:
    if rule.age_from is not None:
        yield _("From the age of %d.") % rule.age_from
    if rule.age_below is not None:
        yield _("Below the age of %d.") % rule.age_below
    for one in rule.exemptions:
        told = _("Exempt: %s") % one.name
        if one.frees == Frees.COMPANION:
            told += ", " + _("with one who comes along")
        elif one.frees == Frees.PARTY:
            told += ", " + _("and everybody with them")
        told += "; " + (_("proof: %s") % one.proof if one.proof else _("no proof is asked"))
        yield told + "."


def _caps(rule: Rule, money: Callable[[int], str]) -> Iterator[str]:
    if rule.most_parts is not None:
        n = rule.most_parts
        if rule.per in OF_NIGHTS:
            yield ngettext("No more than %d night counts.", "No more than %d nights count.", n) % n
        else:
            yield ngettext("No more than %d hour counts.", "No more than %d hours count.", n) % n
    if rule.most_person is not None:
        yield _("At most %s for a person.") % money(rule.most_person)
    if rule.most is not None:
        yield _("At most %s in all.") % money(rule.most)


def _payee(rule: Rule, share: levies.Share) -> str:
    name = share.beneficiary or str(Payee(share.to).label)
    whole = sum(one.weight for one in rule.shares)
    return name if len(rule.shares) == 1 else f"{name} ({share.weight}/{whole})"


def _when(rule: Rule, zone: ZoneInfo) -> Iterator[str]:
    def shown(moment: datetime) -> str:
        there = moment.astimezone(zone)
        return (
            f"{there:%Y-%m-%d}" if not (there.hour or there.minute) else f"{there:%Y-%m-%d %H:%M}"
        )

    if rule.begins:
        yield _("In force from %s.") % shown(rule.begins)
    if rule.ends:
        yield _("Until %s.") % shown(rule.ends)


@dataclass(frozen=True, slots=True)
class Example:
    """An order that a rule applies to, and what it comes to: who gets it, how much, and why."""

    order: str
    lines: list[tuple[str, str, str]]
    total: str


def example(rule: Rule, currency: str, zone: ZoneInfo, at: datetime) -> Example | None:
    """Work out what a rule comes to for an order that people know; None if that owes nothing."""
    money = _money(currency)
    price = EXAMPLE_PRICES[EXPONENTS[currency]]
    begins = rule.begins or at
    is_over = rule.ends is not None and rule.ends <= at
    since = (begins if begins > at or is_over else at).astimezone(zone)
    facts = levies.Facts(
        rule.vertical, (), category=rule.category, zones=(rule.zone,) if rule.zone else ()
    )
    if rule.per in (*OF_NIGHTS, Per.PERSON):
        facts = replace(
            facts,
            guests=(Guest(40), Guest(38), Guest(10)),
            parts=levies.nights(
                first=since.date(),
                leaves=since.date() + timedelta(days=EXAMPLE_NIGHTS),
                zone=zone,
                amounts={code: [price] * EXAMPLE_NIGHTS for code in rule.base},
            ),
        )
        order = _("Two grown-ups and a child of 10, %(n)d nights from %(day)s, %(price)s a night")
        told = {"n": EXAMPLE_NIGHTS, "day": since.date(), "price": money(price)}
    else:
        hour = since.replace(minute=0, second=0, microsecond=0)
        hours = [hour + timedelta(hours=n) for n in range(7 * 24 + 1)]
        moment = next((one for one in hours if one >= since and rule.covers(facts, one)), since)
        amounts = dict.fromkeys(rule.base, price)
        facts = replace(facts, parts=(levies.Part(moment, amounts, metres=5_000, seconds=3_600),))
        order = _("One order on %(day)s at %(hour)s: 5 km, one hour, %(price)s")
        told = {
            "day": moment.date(),
            "hour": formats.clock(moment, zone),
            "price": money(price),
        }
    lines = levies.due([rule], facts)
    if not lines:
        return None
    return Example(
        order % told,
        [
            (line.beneficiary or str(line.to.label), money(line.amount), explain(line, currency))
            for line in lines
        ],
        money(sum(line.amount for line in lines)),
    )


def percent(basis_points: int) -> str:
    """A share as people write it: 12.5, in Spanish 12,5."""
    places = 0 if basis_points % 100 == 0 else 1 if basis_points % 10 == 0 else 2
    return formats.number(Decimal(basis_points) / 100, places, language=_language())


def times(basis_points: int) -> str:
    """A factor as people write it: 3.25."""
    value = (Decimal(basis_points) / levies.WHOLE_BP).normalize()
    places = max(0, -int(value.as_tuple().exponent))
    return formats.number(value, places, language=_language())


def _language() -> str:
    return get_language() or "en"


def _money(currency: str) -> Callable[[int], str]:
    return lambda minor: formats.money(minor, currency, language=_language())
