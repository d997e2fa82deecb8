"""What a provider decides about their own money: when it is paid, and that it is paid now."""

from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from apps.audit import operations as audit
from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.ledger import queries as books
from apps.settlement import plans, queries
from apps.settlement.models import Payout, PayoutPlan, payable
from apps.settlement.operations.booking import Kind, lock, pay_provider

LARGEST_MINIMUM = 10**12


class NothingToPay(Exception):
    """Nothing stands on the account, or less than the least payout."""


class KeyReused(Exception):
    """This request was made before, and with another body."""


class DearerNow(Exception):
    """Paying at once costs more than was shown, because more has been earned since."""


@transaction.atomic
def pay_now(
    *,
    provider_id: int,
    currency: str,
    is_instant: bool,
    most_fee_minor: int,
    key: UUID,
    day: date,
    by: Actor,
    at: datetime,
) -> Payout:
    """Pay a provider now what stands on their account; at once for a fee, or as fast as banks are.

    The same key is one payout.  `most_fee_minor` is the fee that was shown.  Raises
    `NothingToPay`, `DearerNow`, `KeyReused` and `audit.NotSealed`.
    """
    audit.require_sealed(at=at)
    account = lock(payable(provider_id), currency)
    kind = Kind.INSTANT if is_instant else Kind.ASKED
    if before := Payout.objects.filter(key=key).first():
        if (before.provider_id, before.currency, before.kind) != (provider_id, currency, kind):
            raise KeyReused(key)
        return before
    if account is None:
        raise NothingToPay(currency)
    plan = queries.plan_of(provider_id, currency)
    if is_instant:
        after = queries.last_entry(account.code, currency)
        entries = books.entries(account.code, currency, after=after)
        due = -books.balance(account.code, currency, after=after).minor
        if plans.fee(plan, due - plans.kept(plan, due, queries.earned(entries))) > most_fee_minor:
            raise DearerNow(currency)
    payout = pay_provider(
        provider_id=provider_id,
        account=account,
        plan=plan,
        day=day,
        kind=kind,
        key=key,
        by=by,
        at=at,
    )
    if payout is None:
        raise NothingToPay(currency)
    return payout


@transaction.atomic
def choose_plan(
    *,
    provider_id: int,
    currency: str,
    schedule: PayoutPlan.Schedule,
    weekday: int,
    minimum_minor: int,
    day: date,
    by: Actor,
    at: datetime,
) -> PayoutPlan:
    """Choose when a provider is paid and how much at least.  From `day` on; harmless twice.

    Raises `ValueError` for no day of the week, or a sum below nought or beyond all reason.
    """
    schedule = PayoutPlan.Schedule(schedule)
    if not 0 <= weekday <= 6 or not 0 <= minimum_minor <= LARGEST_MINIMUM:
        raise ValueError(f"weekday {weekday}, least payout {minimum_minor}")
    plan = _plan(provider_id, currency)
    wish = (schedule, weekday, minimum_minor)
    if (plan.schedule, plan.weekday, plan.minimum_minor) != wish:
        plan.schedule, plan.weekday, plan.minimum_minor = wish
        # A day that has begun is over: the new schedule counts from the next.
        plan.settled_on, plan.changed_at = day, at
        plan.save()
        _tell("plan_chosen", plan, by, at)
    return plan


@transaction.atomic
def set_reserve(
    *,
    provider_id: int,
    currency: str,
    reserve_bp: int,
    reserve_days: int,
    instant_bp: int,
    reason: str,
    by: Actor,
    at: datetime,
) -> PayoutPlan:
    """Keep back a share of what a provider earns for some days.  For an officer, who says why.

    Counts from the next payout on.  Raises `ValueError` without a reason or beyond the bounds: half
    of it, a year, a fee of a tenth.
    """
    if not reason.strip():
        raise ValueError("an officer who steps in says why")
    within = 0 <= reserve_bp <= 5_000 and 0 <= reserve_days <= 365 and 0 <= instant_bp <= 1_000
    if not within:
        raise ValueError(f"{reserve_bp} for {reserve_days} days, fee {instant_bp}")
    plan = _plan(provider_id, currency)
    plan.reserve_bp, plan.reserve_days, plan.instant_bp = reserve_bp, reserve_days, instant_bp
    plan.changed_at = at
    plan.save(update_fields=["reserve_bp", "reserve_days", "instant_bp", "changed_at"])
    _tell("reserve_set", plan, by, at, reason=reason[:200])
    return plan


def _plan(provider_id: int, currency: str) -> PayoutPlan:
    PayoutPlan.objects.get_or_create(provider_id=provider_id, currency=currency)
    return PayoutPlan.objects.locked().get(provider=provider_id, currency=currency)


def _tell(what: str, plan: PayoutPlan, by: Actor, at: datetime, **facts: str) -> None:
    bus.publish(
        f"settlement.{what}",
        by=by,
        at=at,
        provider=plan.provider_id,
        currency=plan.currency,
        schedule=plan.schedule,
        weekday=plan.weekday,
        minimum_minor=plan.minimum_minor,
        reserve_bp=plan.reserve_bp,
        reserve_days=plan.reserve_days,
        instant_bp=plan.instant_bp,
        **facts,
    )
