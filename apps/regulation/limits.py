"""Limits as they stand: which facts a city's rules ask for, and how far each may go."""

from collections.abc import Iterator

from apps.regulation import in_force
from apps.regulation.rules import Case, Limit, Rule, ask
from apps.regulation.rules.asking import EXEMPT


def facts_asked(city_id: int, vertical: str) -> frozenset[str]:
    """The facts on which some limit rules in a kind of service: whoever asks states these."""
    rules = in_force.book(city_id).rules(vertical, {})
    return frozenset(rule.terms.fact for rule in rules if isinstance(rule.terms, Limit))


def most_of(case: Case, fact: str) -> int | None:
    """The strictest upper limit on a fact for whoever this case is of; None where there is none.

    The case states the fact; whoever is exempt from a limit is not bound by it.
    """
    found = (
        terms.most
        for rule in _that_bind(case, fact)
        if isinstance(terms := rule.terms, Limit) and terms.most is not None
    )
    return min(found, default=None)


def _that_bind(case: Case, fact: str) -> Iterator[Rule]:
    book = in_force.book(case.city_id)
    zones = book.zones(case.points)
    limits = [
        rule
        for rule in book.rules(case.vertical, zones)
        if isinstance(rule.terms, Limit) and rule.terms.fact == fact
    ]
    now = case.moment.astimezone(book.zone_info)
    answer = ask(limits, case, zones=zones, now=now, exemptions=book.exemptions)
    return (one.rule for one in answer.findings if one.says != EXEMPT)
