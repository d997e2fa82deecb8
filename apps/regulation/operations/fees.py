"""The fee of an application: paid and given back, as whoever takes money tells it."""

from datetime import datetime
from uuid import NAMESPACE_OID, uuid5

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.regulation.models import Application, CaseEvent
from apps.regulation.operations.applications import locked
from apps.regulation.operations.cases import tell_side

What = CaseEvent.What


class NothingOwed(Exception):
    """There is no fee, or another payment settled it."""


@transaction.atomic
def note_fee_paid(
    *, case_id: int, payment: str, reason: str = "", person_id: int, by: Actor, at: datetime
) -> None:
    """Say that the fee of an application is paid, under which receipt.

    Called by whoever takes money, above, and by the officer who took it at the counter, who says
    in `reason` how.  The same receipt again is harmless.  Raises `NothingOwed`, `CaseClosed`,
    `NoSuchCase`, and `ValueError` without a receipt.
    """
    receipt = payment.strip()
    if not receipt:
        raise ValueError("no payment without a receipt")
    application = locked(case_id)
    if application.payment == receipt:
        return
    if not application.fee_minor or application.paid_at:
        raise NothingOwed
    application.paid_at, application.payment = at, receipt
    application.save(update_fields=["paid_at", "payment"])
    words = f"{receipt}. {reason.strip()}" if reason.strip() else receipt
    tell_side(case_id=case_id, what=What.PAID, words=words, person_id=person_id, by=by, at=at)
    _tell("paid", application, receipt, by, at, reason=reason.strip())


@transaction.atomic
def note_fee_returned(
    *, case_id: int, payment: str, person_id: int, by: Actor, at: datetime
) -> None:
    """Say that what was paid under a receipt went back to whoever paid it, also when it is closed.

    A receipt that did not settle the fee, because another had, leaves the fee paid.  The same
    again is harmless.  Raises `NoSuchCase`.
    """
    application = locked(case_id, even_closed=True)
    key = uuid5(NAMESPACE_OID, f"{application.case.ref} {payment} returned")
    if application.case.events.filter(ref=key).exists():
        return
    if application.payment == payment:
        application.fee_returned_at = at
        application.save(update_fields=["fee_returned_at"])
    tell_side(
        case_id=case_id,
        what=What.RETURNED,
        words=payment,
        key=key,
        person_id=person_id,
        by=by,
        at=at,
    )
    _tell("returned", application, payment, by, at)


def _tell(
    what: str, application: Application, payment: str, by: Actor, at: datetime, **more: str
) -> None:
    bus.publish(
        f"regulation.permit_fee_{what}",
        by=by,
        at=at,
        case=application.pk,
        amount_minor=application.fee_minor,
        payment=payment,
        **more,
    )
