"""Permits: a provider's leave to offer one kind of service for a while."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.regulation.models import Permit


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
                provider_id=provider_id, vertical=vertical, number=number, valid=valid
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
