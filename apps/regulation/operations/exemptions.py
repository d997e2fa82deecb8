"""Exemptions: that a policy does not refuse somebody for a while.  One officer gives it."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.regulation.models import Exemption
from apps.regulation.operations.editions import new_edition


class AlreadyExempt(Exception):
    """They are exempt from this policy already, in some of that time."""


@transaction.atomic
def give_exemption(
    *,
    policy_id: int,
    subject_kind: str,
    subject: int,
    begins: datetime,
    ends: datetime,
    reason: str,
    officer_id: int,
    case_id: int | None = None,
    by: Actor,
    at: datetime,
) -> Exemption:
    """Let a policy not refuse a provider, worker or listing from a moment up to another.

    The same again is the same exemption.  Raises `AlreadyExempt` for another one in that time, and
    `ValueError` without a reason or where it ends before it begins.
    """
    if not reason.strip():
        raise ValueError("nobody is exempt without a reason")
    if ends <= begins:
        raise ValueError("it ends before it begins")
    who = {"policy_id": policy_id, "subject_kind": subject_kind, "subject": subject}
    valid = DateTimeTZRange(begins, ends)
    if known := Exemption.objects.filter(**who, valid=valid).first():
        return known
    try:
        with transaction.atomic():
            given = Exemption.objects.create(
                **who,
                valid=valid,
                reason=reason.strip(),
                case_id=case_id,
                given_by_id=officer_id,
                given_at=at,
            )
    except IntegrityError as error:
        if "regulation_one_exemption_at_a_time" in str(error):
            raise AlreadyExempt from error
        raise
    new_edition()
    _tell("given", given, reason.strip(), by, at)
    return given


@transaction.atomic
def end_exemption(*, exemption_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Let an exemption hold no longer, and say why.  Twice is harmless; what is over is left."""
    if not reason.strip():
        raise ValueError("an exemption is not ended without a reason")
    given = Exemption.objects.locked().select_related("policy").get(pk=exemption_id)
    begins, ends = given.valid.lower, given.valid.upper
    if given.ended_at or ends <= at:
        return
    given.valid = DateTimeTZRange(begins, max(begins, at))
    given.ended_at, given.end_reason = at, reason.strip()
    # What never began is over at its own beginning: an empty range, which knows no bounds.
    given.save(update_fields=["valid", "ended_at", "end_reason"])
    new_edition()
    _tell("ended", given, reason.strip(), by, at)


def _tell(what: str, given: Exemption, reason: str, by: Actor, at: datetime) -> None:
    bus.publish(
        f"regulation.exemption_{what}",
        by=by,
        at=at,
        exemption=given.pk,
        policy=given.policy.number,
        city=given.policy.city_id,
        subject_kind=given.subject_kind,
        subject=given.subject,
        case=given.case_id,
        reason=reason,
    )
