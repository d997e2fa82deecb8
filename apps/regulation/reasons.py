"""A decision in plain words: what the city was told, which rules it asked, and what it counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from apps.kernel import clock, formats
from apps.parties.models import Provider, Worker
from apps.places.models import City
from apps.regulation import phrases, queries, words
from apps.regulation.models import Allowance, Decision, PolicyVersion
from apps.regulation.rules import AT, DROPOFF, PICKUP, Of, Scope

ENDS = {
    PICKUP: gettext_lazy("Begins in"),
    DROPOFF: gettext_lazy("Leads to"),
    AT: gettext_lazy("Takes place in"),
}
FACTS = {
    "metres": gettext_lazy("Length of the way"),
    "seconds": gettext_lazy("Time of the way"),
    "papers": gettext_lazy("Papers"),
}
SAYS = {"yes": gettext_lazy("does not object"), "no": gettext_lazy("says no")}


@dataclass(frozen=True, slots=True)
class Asked:
    """One version that was asked, and its word."""

    name: str
    says: str
    is_no: bool
    version: PolicyVersion | None
    sentences: Sequence[str]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a cap counted: for whom, in which period, and how it stands now."""

    number: str
    owner: str
    period: str
    amount: str
    used: int | None
    most: int | None


def facts_of(decision: Decision) -> list[tuple[str, str]]:
    """What the city was told, line by line."""
    told, city = decision.facts, decision.city
    lines = [(_("Service"), str(words.SERVICES.get(decision.vertical, decision.vertical)))]
    if told.get("kind"):
        lines.append((_("Class"), str(words.CLASSES.get(told["kind"], told["kind"]))))
    if "moment" in told and city:
        lines.append((_("When it takes place"), _when(told["moment"], city)))
    names = words.Names.of(city).zones if city and told.get("zones") else {}
    for end, slugs in told.get("zones", {}).items():
        zones = [names.get(slug, slug) for slug in slugs]
        lines.append((str(ENDS.get(end, end)), phrases.listed(zones)))
    for of, number in told.get("who", {}).items():
        lines.append((_("Who"), owner(of, number, _people([(of, number)]))))
    currency = city.currency if city else ""
    for fact, amount in told.get("counts", {}).items():
        lines.append((_("Counted"), _amount(fact, amount, currency)))
    for fact, value in told.get("facts", {}).items():
        lines.append((str(FACTS.get(fact, fact.replace("_", " "))), _fact(fact, value, currency)))
    return [(label, value) for label, value in lines if value]


def asked_of(decision: Decision) -> list[Asked]:
    """Every version that was asked, with its words and what it said."""
    wanted = Q(pk__in=[])
    for number, version, _says in decision.asked:
        wanted |= Q(policy__number=number, version=version)
    found = PolicyVersion.objects.filter(wanted, policy__city=decision.city_id)
    versions = {str(one): one for one in found.select_related("policy__city")}
    names = _names(decision, [one.rule.scope for one in versions.values()])
    asked = []
    for number, version, says in decision.asked:
        name = f"{number}/{version}"
        known = versions.get(name)
        said = words.sentences(known.rule.scope, known.rule.terms, names) if known else []
        asked.append(Asked(name, str(SAYS.get(says, says)), says == "no", known, said))
    return asked


def counted_by(decision: Decision) -> list[Counted]:
    """What was counted against which cap."""
    read = [(_subject(subject), *rest) for subject, *rest in decision.taken]
    people = _people([(of, number) for (_policy, of, number), *_rest in read])
    subjects = [subject for subject, *_rest in decision.taken]
    rows = Allowance.objects.filter(subject__in=subjects)
    now = {(row.subject, row.period, row.fact): row for row in rows}
    currency = decision.city.currency if decision.city else ""
    counted = []
    for (subject, period, fact, amount), ((policy, of, number), *_rest) in zip(
        decision.taken, read, strict=True
    ):
        row = now.get((subject, period, fact))
        counted.append(
            Counted(
                number=policy,
                owner=owner(of, number, people),
                period=period_of(period),
                amount=_amount(fact, amount, currency),
                used=row.used if row else None,
                most=row.cap if row else None,
            )
        )
    return counted


def policy_of(subject: str) -> str:
    """The number of the policy that counts an allowance."""
    return _subject(subject)[0]


def owner_of(subject: str) -> str:
    """Whose an allowance is."""
    _policy, of, number = _subject(subject)
    return owner(of, number, _people([(of, number)]))


def owner(of: str, number: int, people: Mapping[tuple[str, int], str]) -> str:
    """Whoever a cap is counted for, by name where one is known."""
    said = {
        Of.LISTING: _("listing %(name)s"),
        Of.WORKER: _("worker %(name)s"),
        Of.PROVIDER: _("provider %(name)s"),
        Of.CITY: _("the whole city"),
    }
    name = people.get((of, number), f"#{number}")
    return said[Of(of)] % {"name": name} if of in set(Of) else f"{of} {name}"


def period_of(period: str) -> str:
    """A period in words: a day, a month or a year as it is kept, or this moment."""
    return _("at the same time") if period == "now" else period


def _subject(subject: str) -> tuple[str, str, int]:
    """Read what a cap is counted under: the policy, whose it is, and their number."""
    policy, of, number = (subject.split(":") + ["", ""])[:3]
    return policy, of, int(number) if number.isdecimal() else 0


def _people(owners: Sequence[tuple[str, int]]) -> dict[tuple[str, int], str]:
    workers = {number for of, number in owners if of == Of.WORKER}
    providers = {number for of, number in owners if of == Of.PROVIDER}
    named: dict[tuple[str, int], str] = {}
    if workers:
        for worker in Worker.objects.filter(pk__in=workers).select_related("user"):
            named[Of.WORKER, worker.pk] = str(worker.user)
    if providers:
        for provider in Provider.objects.filter(pk__in=providers):
            named[Of.PROVIDER, provider.pk] = provider.name
    return named


def _names(decision: Decision, scopes: Sequence[Scope]) -> words.Names:
    return words.Names.of(decision.city, scopes) if decision.city else words.Names("")


def _when(moment: str, city: City) -> str:
    language = get_language() or "en"
    read = datetime.fromisoformat(moment)
    return formats.when(read, city.zone_info, now=clock.now(), language=language)


def _amount(fact: str, amount: Any, currency: str) -> str:
    if isinstance(amount, list):
        days = ngettext("%(n)s day: %(days)s", "%(n)s days: %(days)s", len(amount))
        return f"{fact}, {days % {'n': len(amount), 'days': ', '.join(amount)}}"
    return phrases.quantity(fact, amount, currency)


def _fact(fact: str, value: Any, currency: str) -> str:
    if fact == "papers":
        return queries.explain(str(value)) or _("all in force")
    return phrases.quantity(fact, value, currency) if isinstance(value, int) else str(value)
