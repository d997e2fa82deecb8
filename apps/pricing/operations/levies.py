"""Taxes and fees: one officer proposes a version, another puts it in force, and any may end it."""

from dataclasses import replace
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.places.models import City, Zone
from apps.pricing import levies
from apps.pricing.models import Levy, LevyExemption, LevyShare
from apps.pricing.queries import rule_of
from apps.regulation.operations import making
from apps.regulation.operations.making import BeginsTooLate, FourEyes, NotInTheMaking

__all__ = ["BeginsTooLate", "FourEyes", "NotInTheMaking"]

State = Levy.State


class LevyOverlaps(Exception):
    """Another version of this tax or fee holds in the same time, or begins later."""


class NumberTaken(Exception):
    """Another tax or fee of the city has this number."""


@transaction.atomic
def propose_levy(
    *, city_id: int, rule: levies.Rule, officer_id: int, by: Actor, at: datetime
) -> Levy:
    """Say what a tax or fee is to be from a moment on, and ask for the second pair of eyes.

    Proposing the same again returns it.  Raises `NumberTaken` when the number says something else,
    and `ValueError` for a rule without a beginning or a zone that is not there.
    """
    if rule.begins is None:
        raise ValueError(f"{rule.number}: it has no beginning")
    numbered = Levy.objects.filter(city_id=city_id, number=rule.number)
    known = numbered.exclude(state=State.REJECTED).first()
    if known:
        if known.withdrawn_at or _said(rule_of(known)) != _said(_as_approved(rule, known)):
            raise NumberTaken(rule.number)
        return known
    zone = Zone.objects.filter(city_id=city_id, slug=rule.zone).first() if rule.zone else None
    if rule.zone and zone is None:
        raise ValueError(f"{rule.number}: there is no zone {rule.zone}")
    try:
        # A savepoint, so that what the caller did stays.
        with transaction.atomic():
            levy = _written(city_id, rule, zone)
    except IntegrityError as error:
        if "pricing_levy_number" in str(error):
            raise NumberTaken(rule.number) from error
        raise
    making.propose(levy, officer_id=officer_id, at=at)
    _tell("proposed", levy, by, at)
    return levy


@transaction.atomic
def approve_levy(*, levy_id: int, officer_id: int, by: Actor, at: datetime) -> Levy:
    """Put a proposed version in force from its beginning on, or from now where that is over.

    The version before it ends there.  Doing it twice is harmless.  Raises `FourEyes` for whoever
    proposed it, `NotInTheMaking`, `LevyOverlaps`, and `BeginsTooLate` when its end is over.
    """
    levy = _locked(levy_id)
    # One after the other in a city: two that overlap would wait for each other.
    City.objects.select_for_update(no_key=True).get(pk=levy.city_id)
    if not making.may_decide(levy, State.APPROVED, officer_id=officer_id):
        return levy
    begins, ends = max(levy.valid.lower, at), levy.valid.upper
    if ends and ends <= begins:
        raise BeginsTooLate
    levy.valid = DateTimeTZRange(begins, ends)
    _end_the_one_before(levy, begins)
    said = ("valid", "follows", "followed_until")
    try:
        with transaction.atomic():
            making.decide(levy, State.APPROVED, *said, officer_id=officer_id, at=at)
    except IntegrityError as error:
        if "pricing_one_levy_at_a_time" in str(error):
            raise LevyOverlaps(levy.number) from error
        raise
    _tell("set", levy, by, at)
    return levy


@transaction.atomic
def reject_levy(*, levy_id: int, officer_id: int, reason: str, by: Actor, at: datetime) -> Levy:
    """Say no to a proposed version, and why; its number is free again.  Twice is harmless.

    Raises `FourEyes` for whoever proposed it, `NotInTheMaking`, and `ValueError`.
    """
    levy = _locked(levy_id)
    if not making.may_decide(levy, State.REJECTED, officer_id=officer_id):
        return levy
    if not reason.strip():
        raise ValueError("a tax or fee is not rejected without a reason")
    levy.reason = reason.strip()
    making.decide(levy, State.REJECTED, "reason", officer_id=officer_id, at=at)
    _tell("rejected", levy, by, at, reason=levy.reason)
    return levy


@transaction.atomic
def end_levy(*, levy_id: int, reason: str, by: Actor, at: datetime) -> Levy:
    """Let a tax or fee hold no longer, from now on, and say why: one officer is enough.

    One that has not begun is called off, and the version that it was to end goes on.  Doing it
    twice is harmless.  Raises `Levy.DoesNotExist`, `ValueError` without a reason, and
    `NotInTheMaking` for one that nobody approved.
    """
    if not reason.strip():
        raise ValueError("a tax or fee does not end without a reason")
    levy = _locked(levy_id)
    if levy.state != State.APPROVED:
        raise NotInTheMaking(str(levy))
    begins, ends = levy.valid.lower, levy.valid.upper
    if levy.withdrawn_at or (ends and ends <= at):
        return levy
    if begins < at:
        levy.valid = DateTimeTZRange(begins, at)
        what = "ended"
    else:
        levy.withdrawn_at = at
        what = "called_off"
    levy.save(update_fields=["valid", "withdrawn_at"])
    if levy.withdrawn_at and levy.follows_id:
        before = Levy.objects.locked().get(pk=levy.follows_id)
        if before.valid.upper == begins:
            before.valid = DateTimeTZRange(before.valid.lower, levy.followed_until)
            before.save(update_fields=["valid"])
    _tell(what, levy, by, at, reason=reason)
    return levy


def _locked(levy_id: int) -> Levy:
    return Levy.objects.locked().get(pk=levy_id)


def _written(city_id: int, rule: levies.Rule, zone: Zone | None) -> Levy:
    levy = Levy.objects.create(
        city_id=city_id,
        number=rule.number,
        code=rule.code,
        name=rule.name,
        vertical=rule.vertical,
        category=rule.category,
        zone=zone,
        weekdays=list(rule.weekdays),
        hour_from=rule.hour_from,
        hour_until=rule.hour_until,
        kind=rule.kind,
        rate=rule.rate,
        per=rule.per,
        base=list(rule.base),
        times_bp=rule.times_bp,
        age_from=rule.age_from,
        age_below=rule.age_below,
        most_parts=rule.most_parts,
        most_unit_minor=rule.most_unit,
        most_person_minor=rule.most_person,
        most_minor=rule.most,
        rounded=rule.rounded,
        direction=rule.direction,
        valid=DateTimeTZRange(rule.begins, rule.ends),
    )
    LevyShare.objects.bulk_create(
        LevyShare(levy=levy, to=one.to, beneficiary=one.beneficiary, weight=one.weight)
        for one in rule.shares
    )
    LevyExemption.objects.bulk_create(
        LevyExemption(levy=levy, code=one.code, name=one.name, proof=one.proof, frees=one.frees)
        for one in rule.exemptions
    )
    return levy


def _end_the_one_before(levy: Levy, begins: datetime) -> None:
    same = Levy.objects.locked().filter(
        city=levy.city_id,
        code=levy.code,
        vertical=levy.vertical,
        category=levy.category,
        zone=levy.zone_id,
        withdrawn_at=None,
        state=State.APPROVED,
    )
    before = same.filter(valid__contains=begins, valid__startswith__lt=begins).first()
    if before is None:
        return
    levy.follows, levy.followed_until = before, before.valid.upper
    before.valid = DateTimeTZRange(before.valid.lower, begins)
    before.save(update_fields=["valid"])


def _said(rule: levies.Rule) -> levies.Rule:
    """What a rule says, whenever it ends and in whichever order its exemptions stand."""
    exemptions = tuple(sorted(rule.exemptions, key=lambda one: one.code))
    return replace(rule, ends=None, exemptions=exemptions)


def _as_approved(rule: levies.Rule, known: Levy) -> levies.Rule:
    """The rule as it was said, from its approval on where that came after its beginning."""
    is_late = known.state == State.APPROVED and known.decided_at == known.valid.lower
    return replace(rule, begins=known.valid.lower) if is_late else rule


def _tell(what: str, levy: Levy, by: Actor, at: datetime, **more: str) -> None:
    bus.publish(
        f"pricing.levy_{what}",
        by=by,
        at=at,
        levy=levy.pk,
        number=levy.number,
        code=levy.code,
        **more,
    )
