"""Asking both on a ride whether all is well, and telling an officer when the rider does not say."""

from datetime import datetime, timedelta

from django.db import transaction

from apps.bus import operations as bus
from apps.dispatch import operations as dispatch
from apps.kernel.actors import Actor
from apps.mobility import queries
from apps.mobility.models import Alert, SafetyCheck, SafetyRules
from apps.mobility.operations.alarm import PARTS, raise_alert
from apps.mobility.operations.quoting import VERTICAL
from apps.mobility.safety import Facts, unusual
from apps.orders.models import Order
from apps.places.geometry import Point
from apps.places.models import City

WELL, HELP = SafetyCheck.Said


def look_after_rides(*, at: datetime) -> int:
    """Ask about every ride that has become unusual, and tell officers what nobody answered.

    Each in a transaction of its own; any number may do it at once.  Return how much was done.
    """
    by = Actor.system(VERTICAL)
    done = 0
    for order_id, ride in queries.rides_under_way(at):
        known = SafetyCheck.objects.filter(order=order_id).values_list("kind", flat=True)
        found = unusual(ride.under_way, ride.rules, at)
        for kind in found.keys() - set(known):
            done += ask_if_well(
                order_id=order_id, kind=kind, facts=found[kind], here=ride.here, by=by, at=at
            )
    for check_id in queries.checks_to_hand_over(at):
        done += hand_over(check_id=check_id, by=by, at=at)
    return done


@transaction.atomic
def ask_if_well(
    *,
    order_id: int,
    kind: SafetyCheck.Kind,
    facts: Facts,
    here: Point | None,
    by: Actor,
    at: datetime,
) -> bool:
    """Ask rider and driver, once for each kind of thing on a ride.  Return whether it was asked.

    A ride that has ended meanwhile is not asked about.
    """
    order = Order.objects.locked().get(pk=order_id)
    if order.stage != "on_board":
        return False
    check, is_new = SafetyCheck.objects.get_or_create(
        order=order,
        kind=kind,
        defaults={
            "facts": facts,
            "lat": here.lat if here else None,
            "lon": here.lon if here else None,
            "asked_at": at,
        },
    )
    if is_new:
        bus.publish(
            "mobility.check_asked",
            by=by,
            at=at,
            ref=order.ref,
            worker=order.worker_id,
            check=check.pk,
            kind=kind,
            facts=facts,
        )
    return is_new


@transaction.atomic
def answer_check(
    *, order_id: int, answer: str, by: Actor, at: datetime, here: Point | None = None
) -> Alert | None:
    """A rider or driver says how things are: it answers whatever their ride was asked so far.

    Whoever needs help has called the city for it, the same as by the button: that call is
    returned.  Answering again, or when nothing was asked, changes no answer.  Raises
    `NobodyToFear` when help is called for long after the ride.
    """
    said = SafetyCheck.Said(answer)
    part = PARTS[by.kind]
    order = Order.objects.locked().get(pk=order_id)
    column = str(part.value).lower()
    asked = SafetyCheck.objects.filter(order=order).unanswered_by(column)
    checks = list(asked.locked().order_by("pk"))
    for check in checks:
        setattr(check, f"{column}_said", said)
        setattr(check, f"{column}_said_at", at)
        check.save(update_fields=[f"{column}_said", f"{column}_said_at"])
    if checks:
        bus.publish(
            "mobility.check_answered",
            by=by,
            at=at,
            ref=order.ref,
            worker=order.worker_id,
            part=part,
            answer=said,
            checks=[check.pk for check in checks],
        )
    if said == HELP:
        return raise_alert(order_id=order_id, by=by, at=at, here=here)
    return None


@transaction.atomic
def hand_over(*, check_id: int, by: Actor, at: datetime) -> bool:
    """Put a check on the officers' worklist: the rider did not answer.  Twice is harmless."""
    check = SafetyCheck.objects.locked().get(pk=check_id)
    if check.escalated_at or check.closed_at or check.rider_said:
        return False
    check.escalated_at = at
    check.save(update_fields=["escalated_at"])
    ref = Order.objects.values_list("ref", flat=True).get(pk=check.order_id)
    bus.publish("mobility.check_unanswered", by=by, at=at, ref=ref, check=check.pk)
    return True


@transaction.atomic
def close_check(*, check_id: int, reason: str, by: Actor, at: datetime) -> None:
    """An officer closes a check, saying what they found.  Twice is harmless."""
    check = SafetyCheck.objects.locked().get(pk=check_id)
    if check.closed_at is not None:
        return
    check.closed_at, check.reason = at, reason
    check.save(update_fields=["closed_at", "reason"])
    ref = Order.objects.values_list("ref", flat=True).get(pk=check.order_id)
    bus.publish("mobility.check_closed", by=by, at=at, ref=ref, check=check.pk, reason=reason)


@transaction.atomic
def set_safety_rules(*, city_id: int, figures: dict[str, int], by: Actor, at: datetime) -> None:
    """Change what a city takes for unusual.  Saying the same again is harmless.

    What was asked already stays asked.  Raises `ValidationError` for a figure out of bounds.
    """
    rules = SafetyRules.objects.select_for_update().filter(city=city_id).first()
    rules = rules or SafetyRules(city_id=city_id)
    changed = {name: value for name, value in figures.items() if getattr(rules, name) != value}
    if not changed and rules.pk:
        return
    for name, value in changed.items():
        setattr(rules, name, value)
    rules.full_clean(validate_unique=False)
    rules.save()
    bus.publish("mobility.safety_rules_set", by=by, at=at, city=city_id, changed=changed)


def forget_ways(*, at: datetime) -> int:
    """Delete the ways of rides that are older than their city keeps them.

    A ride that an officer still looks into keeps its way until they are done.
    """
    looked_into = queries.rides_looked_into()
    return sum(
        dispatch.forget_trails(
            city_id=city.pk,
            before=at - timedelta(days=queries.safety_rules(city).trail_days),
            but=looked_into,
        )
        for city in City.objects.select_related("safety_rules").order_by("pk")
    )
