"""Decisions: the city is asked before anything is promised, and every answer is kept.

Nothing is looked up but permits and what policies say: the caller passes the facts, and what must
be counted is counted here, in the caller's transaction.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import F

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.regulation import in_force, queries
from apps.regulation.models import Allowance, Decision, GivenBack
from apps.regulation.queries import Permits
from apps.regulation.rules import Answer, Case, Per, Rule, Take, ask


class NotPermitted(Exception):
    """The city does not allow this, for the reason given (see `queries.explain`).

    `decision` is the reference under which the refusal is kept, and by which people appeal;
    `rule` the number of what says no.
    """

    def __init__(self, refusal: str, decision: UUID | None = None, rule: str = "") -> None:
        super().__init__(refusal)
        self.decision = decision
        self.rule = rule

    @classmethod
    def by(cls, decision: Decision) -> Self:
        return cls(decision.refusal, decision.ref, decision.rule)


class PapersNotInForce(NotPermitted):
    """The worker lacks a paper that the city asks for."""


class _Full(Exception):
    """A cap has no room left."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule


def decide(case: Case, *, by: Actor, at: datetime) -> Decision:
    """Say whether the city allows it, count it against every cap, and keep the answer.

    A refusal is an answer, not an error: the caller commits it, then complains.  The fact `papers`
    says what the worker's papers lack (see `queries.refusal_of_papers`).  `bounds` of the
    decision are what the policies say of its price.
    """
    return decide_all([case], by=by, at=at)[0]


@transaction.atomic
def decide_all(cases: Sequence[Case], *, by: Actor, at: datetime) -> list[Decision]:
    """As `decide`, for several cases at once, with no more statements than for one."""
    permits = Permits.of(cases)
    decisions = []
    for case in cases:
        book = in_force.book(case.city_id)
        zones = book.zones(case.points)
        now = case.moment.astimezone(book.zone_info)
        rules = book.rules(case.vertical, zones)
        answer = ask(rules, case, zones=zones, now=now, exemptions=book.exemptions)
        refusal, rule = _refusal(case, answer, permits)
        if not refusal and answer.takes:
            refusal, rule = _count(answer.takes)
        decision = Decision(
            ref=uuid4(),
            act=case.act,
            city_id=case.city_id,
            provider_id=case.provider_id,
            vertical=case.vertical,
            by=str(by),
            facts=case.frozen(zones),
            asked=answer.frozen(),
            taken=[] if refusal else [_kept(take) for take in answer.takes],
            refusal=refusal,
            rule=rule,
            decided_at=at,
        )
        decision.bounds = answer.bounds
        decisions.append(decision)
    _keep(decisions)
    return decisions


# By hand, for the same reason as `queries.HELD`.
KEEP = """
INSERT INTO regulation_decision
    (ref, act, city_id, provider_id, vertical, by, facts, asked, taken, refusal, rule, decided_at)
VALUES {rows}
RETURNING id, tx
"""
ROW = "(%s, %s, %s, %s, %s, %s, %s::jsonb, %s::jsonb, %s::jsonb, %s, %s, %s)"


def _keep(decisions: Sequence[Decision]) -> None:
    """Write them in one statement; the rows come back in the order in which they went in."""
    if not decisions:
        return
    values: list[Any] = []
    for one in decisions:
        values += (one.ref, one.act, one.city_id, one.provider_id, one.vertical, one.by)
        values += map(json.dumps, (one.facts, one.asked, one.taken))
        values += (one.refusal, one.rule, one.decided_at)
    with connection.cursor() as cursor:
        cursor.execute(KEEP.format(rows=", ".join([ROW] * len(decisions))), values)
        for one, (one.pk, one.tx) in zip(decisions, cursor.fetchall(), strict=True):
            one.tx = int(one.tx)
            one._state.adding = False
            one._state.db = connection.alias


@transaction.atomic
def give_back(*, decision_id: int, by: Actor, at: datetime, is_over: bool = False) -> None:
    """Return what a granted decision had counted.  Doing it twice is harmless.

    What `is_over` took place: it gives back only what was counted while it lasted.
    """
    decision = Decision.objects.get(pk=decision_id)
    taken = [one for one in decision.taken if not is_over or one[1] == Per.NOW]
    if not taken:
        return
    _, is_first = GivenBack.objects.get_or_create(decision=decision, defaults={"at": at})
    if is_first:
        for subject, period, fact, amount in taken:
            counted = Allowance.objects.filter(subject=subject, period=period, fact=fact)
            counted.update(used=F("used") - amount)
        bus.publish("regulation.given_back", by=by, at=at, decision=decision_id)


def _refusal(case: Case, answer: Answer, permits: Permits) -> tuple[str, str]:
    """Why not, as a code and the number of the rule; both empty if nothing speaks against it."""
    if answer.needs_permit and not permits.cover(case):
        refusal = queries.refusal_of_permit(case.provider_id, case.vertical, case.moment)
        return refusal, queries.rule_of(refusal)
    if (papers := str(case.facts.get("papers", ""))) in queries.PAPER_RULES:
        return papers, queries.rule_of(papers)
    return _by(answer.refused_by) if answer.refused_by else ("", "")


def _by(rule: Rule) -> tuple[str, str]:
    return queries.policy_refusal(rule), rule.name


# One statement to count: the row is made when it is first needed, and a full one is not touched.
COUNT = """
INSERT INTO regulation_allowance AS allowance (subject, period, fact, cap, used)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (subject, period, fact) DO UPDATE
SET used = allowance.used + excluded.used, cap = excluded.cap
WHERE allowance.used + excluded.used <= excluded.cap
"""


def _count(takes: Sequence[Take]) -> tuple[str, str]:
    """Count all of it or nothing, and return why not.  Sorted, so that nobody waits in a ring."""
    try:
        with transaction.atomic():
            for take in takes:
                _count_one(take)
    except _Full as full:
        return _by(full.rule)
    return "", ""


def _count_one(take: Take) -> None:
    if take.amount > take.most:
        raise _Full(take.rule)
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [take.subject, take.period, take.fact, take.most, take.amount])
        if not cursor.rowcount:
            raise _Full(take.rule)


def _kept(take: Take) -> list[str | int]:
    return [take.subject, take.period, take.fact, take.amount]
