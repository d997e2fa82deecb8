"""Permits: a provider's leave to offer one kind of service for a while."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.regulation.models import Permit
from apps.regulation.queries_permits import ending

# So many days before a permit ends, its provider hears of it; once each.
REMINDERS = (60, 30, 7)


class NoSuchPermit(Exception):
    """There is no permit of this number."""


class PermitOverlaps(Exception):
    """The provider has another permit for the same service in the same time."""


class NumberTaken(Exception):
    """The registration number belongs to another permit."""


@transaction.atomic
def grant_permit(
    *,
    provider_id: int,
    vertical: str,
    number: str,
    valid_from: datetime,
    valid_until: datetime | None,
    conditions: str = "",
    by: Actor,
    at: datetime,
) -> Permit:
    """Give a provider leave for one kind of service, from a moment up to another (None: for good).

    Granting the same permit again returns it.  Raises `NumberTaken` when the number
    stands on another permit, and `PermitOverlaps` when the time is covered already.
    """
    valid = DateTimeTZRange(valid_from, valid_until)
    if known := Permit.objects.filter(number=number).first():
        if (known.provider_id, known.vertical, known.valid) == (provider_id, vertical, valid):
            return known
        raise NumberTaken(number)
    try:
        with transaction.atomic():
            permit = Permit.objects.create(
                provider_id=provider_id,
                vertical=vertical,
                number=number,
                valid=valid,
                conditions=conditions,
            )
    except IntegrityError as error:
        raise _complaint(error, number) from error
    bus.publish(
        "regulation.permit_granted",
        by=by,
        at=at,
        permit=permit.pk,
        provider=provider_id,
        vertical=vertical,
    )
    return permit


@transaction.atomic
def revoke_permit(*, permit_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Take a permit back, and say why.  What was promised under it is not undone.

    Doing it twice is harmless; the first reason stands.  Raises `NoSuchPermit`, and `ValueError`
    without a reason: whoever loses a permit is owed one.
    """
    if not reason.strip():
        raise ValueError("a permit is not revoked without a reason")
    valid = Permit.objects.filter(pk=permit_id, revoked_at=None)
    if valid.update(revoked_at=at, reason=reason.strip(), revoked_by=str(by)):
        _tell("regulation.permit_revoked", permit_id, reason.strip(), by, at)
    elif not Permit.objects.filter(pk=permit_id).exists():
        raise NoSuchPermit(str(permit_id))


@transaction.atomic
def restore_permit(*, permit_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Give a revoked permit back, and say why.  Doing it twice is harmless.

    Raises `NoSuchPermit`, `ValueError` without a reason, and `PermitOverlaps` when another
    permit has taken its place.
    """
    if not reason.strip():
        raise ValueError("a permit is not restored without a reason")
    revoked = Permit.objects.filter(pk=permit_id, revoked_at__isnull=False)
    try:
        with transaction.atomic():
            is_restored = revoked.update(revoked_at=None, reason="", revoked_by="")
    except IntegrityError as error:
        raise _complaint(error, str(permit_id)) from error
    if is_restored:
        _tell("regulation.permit_restored", permit_id, reason.strip(), by, at)
    elif not Permit.objects.filter(pk=permit_id).exists():
        raise NoSuchPermit(str(permit_id))


@transaction.atomic
def suspend_permit(
    *, permit_id: int, reason: str, until: datetime | None, by: Actor, at: datetime
) -> None:
    """Take a permit out of force for a while: until a moment, or until what the reason names.

    The same again is harmless; another moment or reason changes it.  Raises `NoSuchPermit`, and
    `ValueError` without a reason or for a moment that is over.
    """
    if not reason.strip():
        raise ValueError("a permit is not suspended without a reason")
    if until is not None and until <= at:
        raise ValueError("this suspension is over before it begins")
    permit = Permit.objects.locked().filter(pk=permit_id, revoked_at=None).first()
    if permit is None:
        raise NoSuchPermit(str(permit_id))
    if permit.is_suspended(at) and (permit.suspended_until, permit.suspended_for) == (
        until,
        reason.strip(),
    ):
        return
    permit.suspended_at, permit.suspended_until = at, until
    permit.suspended_for, permit.suspended_by = reason.strip(), str(by)
    permit.save(update_fields=["suspended_at", "suspended_until", "suspended_for", "suspended_by"])
    _tell("regulation.permit_suspended", permit_id, reason.strip(), by, at)


@transaction.atomic
def lift_suspension(*, permit_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Put a suspended permit in force again, and say why.  Doing it twice is harmless.

    Raises `NoSuchPermit`, and `ValueError` without a reason.
    """
    if not reason.strip():
        raise ValueError("a suspension is not lifted without a reason")
    suspended = Permit.objects.filter(pk=permit_id, suspended_at__isnull=False)
    if suspended.update(suspended_at=None, suspended_until=None, suspended_for="", suspended_by=""):
        _tell("regulation.permit_resumed", permit_id, reason.strip(), by, at)
    elif not Permit.objects.filter(pk=permit_id).exists():
        raise NoSuchPermit(str(permit_id))


def remind_of_permits(*, at: datetime) -> int:
    """Tell of every permit that ends soon and that none follows, once at each threshold.

    Return how many were told.  Any number may remind at once.
    """
    by, told = Actor.system("regulation"), 0
    for permit in Permit.objects.filter(ending(at, REMINDERS[0])).order_by("pk"):
        left = (permit.valid.upper - at).days
        due = min(days for days in REMINDERS if left <= days)
        told += _remind(permit, due, by, at)
    return told


@transaction.atomic
def _remind(permit: Permit, days: int, by: Actor, at: datetime) -> bool:
    untold = Q(reminded_days=None) | Q(reminded_days__gt=days)
    if not Permit.objects.filter(untold, pk=permit.pk).update(reminded_days=days):
        return False
    bus.publish(
        "regulation.permit_runs_out",
        by=by,
        at=at,
        permit=permit.pk,
        provider=permit.provider_id,
        vertical=permit.vertical,
        days=days,
    )
    return True


def _tell(topic: str, permit_id: int, reason: str, by: Actor, at: datetime) -> None:
    permit = Permit.objects.get(pk=permit_id)
    bus.publish(
        topic,
        by=by,
        at=at,
        permit=permit.pk,
        provider=permit.provider_id,
        vertical=permit.vertical,
        reason=reason,
    )


def _complaint(error: IntegrityError, number: str) -> Exception:
    if "regulation_one_permit_at_a_time" in str(error):
        return PermitOverlaps(number)
    return NumberTaken(number) if "number" in str(error) else error
