"""Rules that another authority wrote, taken over as drafts that our officers decide on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.kernel.actors import Actor
from apps.mobility.mds import reading
from apps.mobility.mds.reading import Draft, Edge, Known
from apps.parties.models import Provider
from apps.places import geographies
from apps.places import operations as places
from apps.places.models import City, Zone
from apps.regulation import operations as regulation
from apps.regulation.models import Policy, PolicyVersion
from apps.regulation.rules import Malformed

DISTRICTS = {"neighborhood", "council_district"}


@dataclass(frozen=True)
class Taken:
    """What was drawn and drafted, and in words what was not."""

    zones: tuple[str, ...]
    drafts: tuple[PolicyVersion, ...]
    same: int
    unsaid: tuple[str, ...]


@transaction.atomic
def take_mds(
    *,
    city_id: int,
    policies: Any,
    geographies_told: Any = None,
    officer_id: int,
    by: Actor,
    at: datetime,
) -> Taken:
    """Draw the zones and draft the policies of MDS files, as far as our rules can say them.

    Nothing comes into force: each draft is proposed by one officer and approved by another.  The
    same files again change nothing.  Raises `reading.Unsaid` for what is no such file.
    """
    city = City.objects.select_for_update(no_key=True).get(pk=city_id)
    unsaid: list[str] = []
    drawn: Sequence[Edge] = ()
    ours = {
        str(one.ref): [Edge(str(one.ref), one.name, one.kind, one.slug, one.boundary)]
        for one in geographies.current(city)
    }
    named: dict[str, list[Edge]] = {}
    if geographies_told is not None:
        report = reading.edges(geographies_told, city.boundary)
        unsaid += report.unsaid
        for edge in report.edges:
            named.setdefault(edge.ref, []).append(edge)
        drawn = [edge for edge in report.edges if edge.slug and edge.ref not in ours]
        _draw(city, drawn, by, at)
    known = Known(
        named | ours,
        {str(ref): pk for pk, ref in Provider.objects.values_list("pk", "ref")},
        city.currency,
    )
    report = reading.drafts(policies, known)
    unsaid += report.unsaid
    drafted: list[PolicyVersion] = []
    same = 0
    for draft in report.drafts:
        try:
            version = _draft(city, draft, officer_id, by, at)
        except Malformed as error:
            unsaid.append(f"{draft.title}: {error}")
        except regulation.NotInTheMaking as error:
            unsaid.append(f"{draft.title}: {error} waits for its second pair of eyes")
        else:
            same += version is None
            drafted += [version] if version else []
    return Taken(tuple(edge.slug for edge in drawn), tuple(drafted), same, tuple(unsaid))


def _draw(city: City, edges: Sequence[Edge], by: Actor, at: datetime) -> None:
    places.draw_zones(
        city_id=city.pk,
        districts=[
            places.District(
                edge.slug,
                edge.name,
                dict(edge.boundary),
                Zone.Kind.DISTRICT if edge.type in DISTRICTS else Zone.Kind.RULE,
            )
            for edge in edges
        ],
        by=by,
        at=at,
    )


def _draft(
    city: City, draft: Draft, officer_id: int, by: Actor, at: datetime
) -> PolicyVersion | None:
    """Draft it, unless a version of ours says just this; None then."""
    policy = Policy.objects.filter(city=city, versions__ref__in=draft.replaces).first()
    policy = policy or Policy.objects.filter(city=city, ref=draft.key).first()
    if (
        policy
        and policy.versions.filter(
            kind=draft.kind, title=draft.title, scope=draft.scope, terms=draft.terms
        ).exists()
    ):
        return None
    return regulation.draft_policy(
        city_id=city.pk,
        kind=draft.kind,
        title=draft.title,
        why=draft.why,
        scope=draft.scope,
        terms=draft.terms,
        officer_id=officer_id,
        by=by,
        at=at,
        key=draft.key,
        policy_id=policy.pk if policy else None,
    )
