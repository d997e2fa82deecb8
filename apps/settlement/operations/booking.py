"""How a payout is made: under the lock of its account, from where the last one ended."""

from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.kernel.money import Money
from apps.ledger import operations as ledger
from apps.ledger import queries as books
from apps.ledger.models import Account, Entry, Journal
from apps.settlement import plans, queries
from apps.settlement.models import Payout, PayoutPlan, Reserve, reserve

SETTLEMENT = Actor.system("settlement")
IN_TRANSIT = "payouts:in-transit"
FEES = "platform:fees"

State, Kind = Payout.State, Payout.Kind


class NotPossible(Exception):
    """The payout is not in a state in which this can be done."""


class SettledSince(Exception):
    """The returned money is part of a later payout already: paying it again would pay it twice."""


def lock(code: str, currency: str) -> Account | None:
    """Nobody books on this account until we commit, and what was booked is there to be seen:
    `ledger_post` locks an account before an entry on it takes its id."""
    return Account.objects.select_for_update().filter(code=code, currency=currency).first()


def pay_provider(
    *,
    provider_id: int,
    account: Account,
    plan: PayoutPlan,
    day: date,
    kind: Payout.Kind,
    key: UUID | None,
    by: Actor,
    at: datetime,
) -> Payout | None:
    """Pay what stands on a provider's locked account, less what the plan keeps back and a fee.

    None when there is nothing to pay, or less than the least payout.
    """
    after = queries.last_entry(account.code, account.currency)
    due = -books.balance(account.code, account.currency, after=after).minor
    earned = queries.earned(books.entries(account.code, account.currency, after=after))
    kept = plans.kept(plan, due, earned)
    fee = plans.fee(plan, due - kept) if kind == Kind.INSTANT and due > kept else 0
    amount = due - kept - fee
    if amount <= 0 or plans.missing(plan, due - kept):
        return None
    ref = uuid4()
    more = {"currency": account.currency, "about": ref, "by": by, "at": at}
    if kept:
        lines = [(account.code, kept), (reserve(provider_id), -kept)]
        ledger.post(key=f"reserve:{ref}", kind="reserve", lines=lines, **more)  # type: ignore[arg-type]
    if fee:
        lines = [(account.code, fee), (FEES, -fee)]
        ledger.post(key=f"payout-fee:{ref}", kind="instant_fee", lines=lines, **more)  # type: ignore[arg-type]
    payout = pay(
        Payout(
            ref=ref,
            provider_id=provider_id,
            account=account.code,
            kind=kind,
            key=key,
            fee_minor=fee,
            amount_minor=amount,
            currency=account.currency,
            day=day,
            after_entry=after,
            settled_at=at,
        ),
        account,
        by,
        at,
    )
    if kept:
        Reserve.objects.create(
            payout=payout,
            provider_id=provider_id,
            amount_minor=kept,
            currency=account.currency,
            until=day + timedelta(days=plan.reserve_days),
        )
    return payout


def pay(payout: Payout, account: Account, by: Actor, at: datetime) -> Payout:
    """Book a payout on its locked account, and keep it with the entry at which it ends."""
    journal = book_payout(f"payout:{payout.ref}", account.code, payout.amount, payout.ref, by, at)
    payout.last_entry = Entry.objects.get(journal=journal, account=account).pk
    payout.save(force_insert=True)
    tell("settled", payout, by, at)
    return payout


def book_payout(key: str, code: str, amount: Money, ref: UUID, by: Actor, at: datetime) -> Journal:
    return ledger.post(
        key=key,
        kind="payout",
        about=ref,
        lines=[(code, amount.minor), (IN_TRANSIT, -amount.minor)],
        currency=amount.currency,
        by=by,
        at=at,
    )


def times(ref: UUID, kind: str) -> int:
    return Journal.objects.filter(about=ref, kind=kind).count()


def tell(what: str, payout: Payout, by: Actor, at: datetime, **facts: str) -> None:
    bus.publish(
        f"settlement.{what}",
        by=by,
        at=at,
        payout=payout.pk,
        ref=str(payout.ref),
        provider=payout.provider_id,
        **facts,
    )
