"""A payout's way to the bank, what the bank answers, and officers who step in."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from apps.audit import operations as audit
from apps.kernel.actors import Actor
from apps.kernel.money import Money
from apps.ledger import operations as ledger
from apps.ledger import queries as books
from apps.payments import operations as payments
from apps.payments.models import Transfer
from apps.settlement import queries
from apps.settlement.models import Payee, Payout
from apps.settlement.operations.booking import (
    FEES,
    IN_TRANSIT,
    Kind,
    NotPossible,
    SettledSince,
    State,
    book_payout,
    lock,
    tell,
    times,
)

FEE_RETURNED = "instant_fee_returned"
# A bank that refuses a payout does so within days.
LATEST_REFUSAL = timedelta(days=30)


@transaction.atomic
def send(*, ref: UUID, by: Actor, at: datetime) -> None:
    """Put a payout that is due on its way, unless an officer was faster and holds it.

    A payee whose new bank account the gateway does not know yet waits for it: `keep_reference`
    tells.  Raises `audit.NotSealed`.
    """
    audit.require_sealed(at=at)
    # Locked, so that either we see the new account, or whoever keeps it sees what waits for it.
    payee = Payee.objects.locked().filter(payouts__ref=ref).first()
    if payee is not None and not payee.reference:
        return
    if Payout.objects.filter(ref=ref, state=State.DUE).update(state=State.SENT):
        payout = Payout.objects.get(ref=ref)
        payments.open_transfer(
            holder=ref,
            provider_id=payout.provider_id,
            destination=payee.reference if payee else "",
            # Speed that nobody pays for any more is not bought again.
            is_instant=payout.kind == Kind.INSTANT and not times(ref, FEE_RETURNED),
            amount=payout.amount,
            by=by,
            at=at,
        )
        tell("sent", payout, by, at)


@transaction.atomic
def note_transfer(*, ref: UUID, by: Actor, at: datetime) -> None:
    """Bring a payout up to what its transfer says: paid, or returned and owed again."""
    payout = Payout.objects.locked().filter(ref=ref, state=State.SENT).first()
    if payout is None:
        return
    transfer = Transfer.objects.get(holder=ref)
    if transfer.state == Transfer.State.SENT:
        payout.state, payout.paid_at, payout.failure = State.PAID, at, ""
        payout.save(update_fields=["state", "paid_at", "failure"])
        if transfer.refusal:
            # It is on its way, but not at once.
            _give_fee_back(payout, by, at)
        tell("paid", payout, by, at)
    elif transfer.state == Transfer.State.FAILED:
        payout.state, payout.failure = State.FAILED, transfer.refusal
        payout.save(update_fields=["state", "failure"])
        ledger.post(
            key=f"payout-returned:{ref}:{times(ref, 'payout_returned') + 1}",
            kind="payout_returned",
            about=ref,
            lines=[
                (IN_TRANSIT, payout.amount_minor),
                (payout.account, -payout.amount_minor),
            ],
            currency=payout.currency,
            by=by,
            at=at,
        )
        _give_fee_back(payout, by, at)
        tell("returned", payout, by, at)


@transaction.atomic
def note_bank_refusal(
    *, account: str, amount: Money, error: str, by: Actor, at: datetime
) -> Payout | None:
    """Note that a provider's own bank did not take what had left us.

    The money waits in their account with the gateway, which sends it once more when they have put
    their bank account right: it is not owed again.  Return the payout, when one has that sum.
    """
    payouts = Payout.objects.locked().filter(
        provider__payout_account__reference=account,
        amount_minor=amount.minor,
        currency=amount.currency,
        state=State.PAID,
        failure="",
        paid_at__gte=at - LATEST_REFUSAL,
    )
    payout = payouts.last()
    if payout is None:
        return None
    payout.failure = error[:200] or "refused"
    payout.save(update_fields=["failure"])
    if payout.kind == Kind.INSTANT:
        _give_fee_back(payout, by, at)
    tell("refused_by_bank", payout, by, at)
    return payout


@transaction.atomic
def hold_payout(*, payout_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Keep a payout from leaving.  Holding it twice is harmless.

    Raises `NotPossible` when it has left already, `ValueError` without a reason.
    """
    _step_in(payout_id, State.DUE, State.HELD, reason)
    tell("held", Payout.objects.get(pk=payout_id), by, at, reason=reason)


@transaction.atomic
def release_payout(*, payout_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Let a payout go that an officer held.

    Raises `NotPossible` when nobody holds it, and `audit.NotSealed`.
    """
    audit.require_sealed(at=at)
    _step_in(payout_id, State.HELD, State.DUE, reason)
    payout = Payout.objects.get(pk=payout_id)
    tell("released", payout, by, at, reason=reason)


@transaction.atomic
def retry_payout(*, payout_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Pay once more what the bank returned.

    Raises `SettledSince` when that money is in a later payout, `NotPossible` when the payout did
    not fail or the provider is not owed as much any more, and `audit.NotSealed`.
    """
    audit.require_sealed(at=at)
    payout = Payout.objects.locked().get(pk=payout_id)
    if payout.state != State.FAILED:
        raise NotPossible(payout.state)
    code = payout.account
    lock(code, payout.currency)
    if queries.last_entry(code, payout.currency) > payout.last_entry:
        raise SettledSince(payout.ref)
    _step_in(payout_id, State.FAILED, State.DUE, reason)
    if -books.balance(code, payout.currency).minor < payout.amount_minor:
        raise NotPossible("less than that is owed now")
    turn = times(payout.ref, "payout") + 1
    key = f"payout:{payout.ref}:{turn}"
    book_payout(key, payout.account, payout.amount, payout.ref, by, at)
    tell("released", payout, by, at, reason=reason)


def _give_fee_back(payout: Payout, by: Actor, at: datetime) -> None:
    """Whoever paid for speed and did not get it has the fee back, once."""
    if payout.fee_minor:
        ledger.post(
            key=f"payout-fee-returned:{payout.ref}",
            kind=FEE_RETURNED,
            about=payout.ref,
            lines=[(FEES, payout.fee_minor), (payout.account, -payout.fee_minor)],
            currency=payout.currency,
            by=by,
            at=at,
        )


def _step_in(payout_id: int, before: Payout.State, after: Payout.State, reason: str) -> None:
    if not reason.strip():
        raise ValueError("an officer who steps in says why")
    there = Payout.objects.filter(pk=payout_id)
    if not there.filter(state=before).update(state=after, reason=reason[:200]):
        state = there.values_list("state", flat=True).first()
        raise NotPossible(f"payout {payout_id} is {state}")
