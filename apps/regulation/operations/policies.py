"""Policies: one officer proposes, another approves, and any may stop them at once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.places.models import City, Zone
from apps.regulation.models import Policy, PolicyVersion
from apps.regulation.operations import making
from apps.regulation.operations.editions import new_edition
from apps.regulation.operations.making import BeginsTooLate, FourEyes, NotInTheMaking
from apps.regulation.rules import KINDS, Crisis, Malformed, Scope

__all__ = ["BeginsTooLate", "FourEyes", "NotInTheMaking"]

State = PolicyVersion.State


class AnEmergencyEnds(Exception):
    """An emergency without an end is no emergency."""


@transaction.atomic
def draft_policy(
    *,
    city_id: int,
    kind: str,
    title: str,
    why: str,
    scope: Mapping[str, Any],
    terms: Mapping[str, Any],
    officer_id: int,
    by: Actor,
    at: datetime,
    key: UUID | None = None,
    policy_id: int | None = None,
) -> PolicyVersion:
    """Write a draft: a new policy, or with `policy_id` the next version of one.

    A draft that is there is changed.  The same `key` twice is one policy.  Raises `Malformed` with
    the field that is wrong, and `NotInTheMaking` while a version waits for its second pair of eyes.
    """
    said = _checked(city_id, kind, title, why, scope, terms)
    policy = _policy(city_id, key, policy_id)
    open_one = policy.versions.locked().filter(state__in=[State.DRAFT, State.PROPOSED]).first()
    if open_one and open_one.state == State.PROPOSED:
        raise NotInTheMaking(str(open_one))
    if open_one:
        for name, value in said.items():
            setattr(open_one, name, value)
        open_one.save(update_fields=list(said))
        version = open_one
    else:
        version = PolicyVersion.objects.create(
            policy=policy,
            version=policy.versions.count() + 1,
            drafted_by_id=officer_id,
            drafted_at=at,
            **said,
        )
    _tell("drafted", version, by, at)
    return version


@transaction.atomic
def propose_policy(*, version_id: int, officer_id: int, by: Actor, at: datetime) -> PolicyVersion:
    """Freeze a draft and ask for the second pair of eyes.  Doing it twice is harmless."""
    version = _locked(version_id)
    if making.propose(version, officer_id=officer_id, at=at):
        _tell("proposed", version, by, at)
    return version


@transaction.atomic
def approve_policy(
    *,
    version_id: int,
    officer_id: int,
    begins: datetime | None = None,
    ends: datetime | None = None,
    by: Actor,
    at: datetime,
) -> PolicyVersion:
    """Put a proposed version in force, at once or from `begins` on; the one before ends there.

    Raises `FourEyes` for whoever drafted or proposed it, `AnEmergencyEnds` for a crisis without an
    end, `BeginsTooLate`, and `NotInTheMaking`.  Doing it twice is harmless.
    """
    version = _locked(version_id)
    if not making.may_decide(version, State.APPROVED, officer_id=officer_id):
        return version
    begins = begins or at
    if version.kind == Crisis.kind and ends is None:
        raise AnEmergencyEnds
    if begins < at or (ends is not None and ends <= begins):
        raise BeginsTooLate
    _end_the_one_before(version, begins)
    version.valid = DateTimeTZRange(begins, ends)
    making.decide(version, State.APPROVED, "valid", officer_id=officer_id, at=at)
    new_edition()
    _tell("approved", version, by, at)
    return version


@transaction.atomic
def reject_policy(
    *, version_id: int, officer_id: int, reason: str, by: Actor, at: datetime
) -> PolicyVersion:
    """Say no to a proposed version, and why.  Doing it twice is harmless."""
    version = _locked(version_id)
    if not making.may_decide(version, State.REJECTED, officer_id=officer_id):
        return version
    if not reason.strip():
        raise ValueError("a policy is not rejected without a reason")
    version.reason = reason.strip()
    making.decide(version, State.REJECTED, "reason", officer_id=officer_id, at=at)
    _tell("rejected", version, by, at)
    return version


@transaction.atomic
def stop_policy(
    *, version_id: int, officer_id: int, reason: str, by: Actor, at: datetime
) -> PolicyVersion:
    """End what is in force, or planned, at once: one officer is enough, with a reason.

    Nothing comes back in its place.  Doing it twice is harmless; what has ended is left alone.
    """
    version = _locked(version_id)
    if not reason.strip():
        raise ValueError("a policy is not stopped without a reason")
    if version.state != State.APPROVED:
        raise NotInTheMaking(str(version))
    assert version.valid is not None
    begins, ends = version.valid.lower, version.valid.upper
    if version.stopped_at or (ends is not None and ends <= at):
        return version
    # What never began is over at its own beginning: an empty range, which overlaps nothing.
    version.valid = DateTimeTZRange(begins, max(begins, at))
    version.stopped_by_id, version.stopped_at, version.reason = officer_id, at, reason.strip()
    version.save(update_fields=["valid", "stopped_by", "stopped_at", "reason"])
    new_edition()
    _tell("stopped", version, by, at)
    return version


def _checked(
    city_id: int,
    kind: str,
    title: str,
    why: str,
    scope: Mapping[str, Any],
    terms: Mapping[str, Any],
) -> dict[str, Any]:
    if kind not in KINDS:
        raise Malformed("kind", f"{kind!r} is no kind of rule")
    for name, text, most in (("title", title, 160), ("why", why, 2000)):
        if not 1 <= len(text.strip()) <= most:
            raise Malformed(name, f"has 1 to {most} characters")
    read = Scope.thawed(scope)
    said = KINDS[kind].thawed(terms)
    named = read.zones | (said.shelters if isinstance(said, Crisis) else frozenset())
    known = set(Zone.objects.filter(city=city_id, slug__in=named).values_list("slug", flat=True))
    if missing := named - known:
        raise Malformed("zones", f"{', '.join(sorted(missing))} is no zone of this city")
    return {
        "kind": kind,
        "title": title.strip(),
        "why": why.strip(),
        "scope": read.frozen(),
        "terms": said.frozen(),
    }


def _policy(city_id: int, key: UUID | None, policy_id: int | None) -> Policy:
    if policy_id is not None:
        return Policy.objects.get(pk=policy_id, city=city_id)
    if key and (known := Policy.objects.filter(ref=key).first()):
        return known
    # Numbers are given one after the other.
    City.objects.select_for_update(no_key=True).get(pk=city_id)
    number = f"P-{Policy.objects.filter(city=city_id).count() + 1}"
    return Policy.objects.create(city_id=city_id, number=number, ref=key or uuid4())


def _locked(version_id: int) -> PolicyVersion:
    return PolicyVersion.objects.locked().select_related("policy").get(pk=version_id)


def _end_the_one_before(version: PolicyVersion, begins: datetime) -> None:
    same = PolicyVersion.objects.filter(policy=version.policy_id, state=State.APPROVED)
    if same.filter(valid__startswith__gte=begins, valid__isempty=False).exists():
        raise BeginsTooLate
    for before in same.filter(valid__contains=begins):
        assert before.valid is not None
        before.valid = DateTimeTZRange(before.valid.lower, begins)
        before.save(update_fields=["valid"])


def _tell(what: str, version: PolicyVersion, by: Actor, at: datetime) -> None:
    bus.publish(
        f"regulation.policy_{what}",
        by=by,
        at=at,
        version=version.pk,
        policy=version.policy.number,
        city=version.policy.city_id,
        kind=version.kind,
        reason=version.reason,
    )
