"""Disputes: a payer's bank takes money back, and the city says what speaks against it.

All follows from how the dispute stands with the gateway (`heed`), never from the order in which
the news of it came: each movement of money is booked once, by the gateway's own name for it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Sum

from apps.bus import operations as bus
from apps.disputes import proposing
from apps.disputes.models import Dispute, Evidence
from apps.kernel.actors import Actor
from apps.ledger import operations as ledger
from apps.orders.models import Order
from apps.payments import operations as payments
from apps.payments.models import Attempt, Payment

OPEN = "disputes:open"
FEES = "gateway:fees"
# The team and the officers are reminded each day that is as near to the last one as this.
REMIND = timedelta(days=4)

State = Dispute.State
Wish = Dispute.Wish

# An inquiry is a dispute for which the bank has taken nothing yet; closed, it never will.
STATES = {
    "warning_needs_response": State.NEEDS_RESPONSE,
    "warning_under_review": State.UNDER_REVIEW,
    "warning_closed": State.WON,
    "prevented": State.WON,
    "needs_response": State.NEEDS_RESPONSE,
    "under_review": State.UNDER_REVIEW,
    "won": State.WON,
    "lost": State.LOST,
}
RANK = {State.NEEDS_RESPONSE: 0, State.UNDER_REVIEW: 1, State.WON: 2, State.LOST: 2}


class NotPossible(Exception):
    """The dispute is decided, or with the bank, and takes nothing more."""


class TooLate(NotPossible):
    """The day until which the bank listens has passed."""


class NothingToSay(Exception):
    """There is no evidence to send."""


class UnknownPayment(LookupError):
    """The gateway tells of a payment that we do not know, or not yet."""


@transaction.atomic
def heed(*, facts: Mapping[str, Any], by: Actor, at: datetime) -> Dispute:
    """Bring a dispute up to how it stands with the gateway, and the books with it.

    `facts` may be old: what is known already does not go back.  Raises `UnknownPayment`.
    """
    payment = Payment.objects.locked().filter(reference=facts["intent"]).first()
    if payment is None or not facts["intent"]:
        raise UnknownPayment(facts["intent"])
    dispute, is_new = _found(payment, facts)
    if is_new:
        _propose(dispute, at)
        _tell("opened", dispute, by, at)
    for movement in facts["movements"]:
        _book(dispute, movement, by, at)
    state = STATES.get(facts["status"], State.NEEDS_RESPONSE)
    if RANK[state] > RANK[State(dispute.state)]:
        dispute.state = state
        if state == State.UNDER_REVIEW:
            dispute.submitted_at = at
        else:
            dispute.closed_at = at
        dispute.wish, dispute.error = "", ""
        _tell({State.UNDER_REVIEW: "answered"}.get(state, state.lower()), dispute, by, at)
    if dispute.state == State.LOST and dispute.taken_minor:
        _book_loss(dispute, by, at)
    dispute.save()
    disputed = payment.disputes.exclude(state__in=[State.WON, State.LOST])
    total = disputed.aggregate(total=Sum("amount_minor"))["total"] or 0
    payments.withhold(payment_id=payment.pk, amount_minor=total)
    return dispute


def _found(payment: Payment, facts: Mapping[str, Any]) -> tuple[Dispute, bool]:
    taken = payment.attempts.filter(kind=Attempt.Kind.CAPTURE).first()
    order = Order.objects.filter(ref=taken.about).first() if taken and taken.about else None
    due = facts["due_by"]
    dispute, is_new = Dispute.objects.get_or_create(
        reference=facts["reference"],
        defaults={
            "payment": payment,
            "order": order,
            "provider": order.provider if order else None,
            "amount_minor": facts["amount_minor"],
            "currency": facts["currency"],
            "reason": facts["reason"][:50],
            "due_by": datetime.fromtimestamp(due, UTC) if due else None,
            "opened_at": datetime.fromtimestamp(facts["opened"], UTC),
        },
    )
    return Dispute.objects.locked().get(pk=dispute.pk), is_new


def _propose(dispute: Dispute, at: datetime) -> None:
    if dispute.order is not None:
        for kind, text in proposing.evidence_of(dispute.order):
            Evidence.objects.create(dispute=dispute, kind=kind, text=text, added_at=at)


def _book(dispute: Dispute, movement: Mapping[str, Any], by: Actor, at: datetime) -> None:
    """What a bank took, or gave back, and what the gateway keeps for it: once by its name."""
    if movement["reference"] in dispute.moved:
        return
    amount, fee = movement["amount_minor"], movement["fee_minor"]
    ledger.post(
        key=f"dispute-moved:{movement['reference']}",
        kind="dispute",
        about=_about(dispute),
        lines=[(OPEN, -amount), (FEES, fee), (payments.CLEARING, amount - fee)],
        currency=movement["currency"],
        by=by,
        at=at,
    )
    dispute.moved = [*dispute.moved, movement["reference"]]
    dispute.taken_minor = max(0, dispute.taken_minor - amount)


def _book_loss(dispute: Dispute, by: Actor, at: datetime) -> None:
    """Whoever got the money gives it back, as for a refund: the payer keeps it."""
    split = payments.note_loss(
        payment_id=dispute.payment_id,
        amount_minor=dispute.taken_minor,
        reason=dispute.reference,
        by=by,
        at=at,
    )
    ledger.post(
        key=f"dispute-lost:{dispute.reference}",
        kind="dispute_lost",
        about=_about(dispute),
        lines=[*split, (OPEN, -dispute.taken_minor)],
        currency=dispute.currency,
        by=by,
        at=at,
    )
    dispute.lost_minor, dispute.taken_minor = dispute.taken_minor, 0


@transaction.atomic
def add_evidence(*, dispute_id: int, text: str, user_id: int, by: Actor, at: datetime) -> Evidence:
    """Say something that speaks for whoever was paid.

    Raises `ValueError` for nothing or too much, `TooLate` after the day, `NotPossible` when the
    bank has what there is already.
    """
    text = text.strip()
    if not 0 < len(text) <= 5000:
        raise ValueError("evidence is some text, and at most 5,000 characters of it")
    dispute = _waiting(dispute_id, at)
    added = Evidence.objects.create(
        dispute=dispute, kind=Evidence.Kind.STORY, text=text, added_by_id=user_id, added_at=at
    )
    _tell("evidence_added", dispute, by, at, evidence=added.pk)
    return added


@transaction.atomic
def answer(*, dispute_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Send what there is to the payer's bank.  Wanted twice, it is sent once.

    Raises `NothingToSay`, `TooLate`, `NotPossible`, and `ValueError` without a reason.
    """
    dispute = _waiting(dispute_id, at)
    evidence: dict[str, str] = {}
    for one in dispute.evidence.order_by("pk"):
        before = evidence.get(one.kind, "")
        evidence[one.kind] = f"{before}\n\n{one.text}".strip()[:20_000]
    if not evidence:
        raise NothingToSay(dispute.reference)
    _want(dispute, Wish.ANSWER, reason, evidence, by, at)


@transaction.atomic
def accept(*, dispute_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Let the payer keep the money.  Wanted twice, it is done once.

    Raises `NotPossible`, and `ValueError` without a reason.
    """
    dispute = Dispute.objects.locked().get(pk=dispute_id)
    if dispute.state != State.NEEDS_RESPONSE or dispute.wish:
        raise NotPossible(dispute.state)
    _want(dispute, Wish.ACCEPT, reason, {}, by, at)


def _want(
    dispute: Dispute, wish: str, reason: str, sent: dict[str, str], by: Actor, at: datetime
) -> None:
    if not reason.strip():
        raise ValueError("an officer who steps in says why")
    dispute.wish, dispute.wish_key, dispute.wished_at = wish, uuid4(), at
    dispute.sent, dispute.why, dispute.error = sent, reason.strip()[:500], ""
    dispute.save()
    _tell("wanted", dispute, by, at, wish=str(wish))


@transaction.atomic
def note_refused(*, dispute_id: int, key: UUID, error: str, by: Actor, at: datetime) -> None:
    """The gateway did not take it: the officer sees why, and may want something again."""
    wanted = Dispute.objects.filter(pk=dispute_id, wish_key=key).exclude(wish="")
    if wanted.update(wish="", error=error[:200]):
        _tell("not_taken", Dispute.objects.get(pk=dispute_id), by, at)


@transaction.atomic
def remind(*, dispute_id: int, by: Actor, at: datetime) -> None:
    """Tell those whom it concerns that the day is near, once a day."""
    dispute = Dispute.objects.locked().get(pk=dispute_id)
    if (
        dispute.state == State.NEEDS_RESPONSE
        and dispute.due_by
        and at < dispute.due_by <= at + REMIND
        and dispute.reminded_on != at.date()
    ):
        dispute.reminded_on = at.date()
        dispute.save(update_fields=["reminded_on"])
        _tell("due_soon", dispute, by, at)


def _waiting(dispute_id: int, at: datetime) -> Dispute:
    dispute = Dispute.objects.locked().get(pk=dispute_id)
    if dispute.state != State.NEEDS_RESPONSE or dispute.wish:
        raise NotPossible(dispute.state)
    if dispute.due_by and at >= dispute.due_by:
        raise TooLate(dispute.reference)
    return dispute


def _about(dispute: Dispute) -> UUID | None:
    return dispute.order.ref if dispute.order else None


def _tell(what: str, dispute: Dispute, by: Actor, at: datetime, **facts: Any) -> None:
    bus.publish(
        f"disputes.{what}",
        by=by,
        at=at,
        dispute=dispute.pk,
        payment=dispute.payment_id,
        provider=dispute.provider_id,
        **facts,
    )
