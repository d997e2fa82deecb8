"""When somebody is paid, and how much of it: the rules, which know no table."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from apps.kernel.money import share_of

if TYPE_CHECKING:
    from apps.settlement.models import Payee, PayoutPlan


def kept(plan: "PayoutPlan", due: int, earned: int) -> int:
    """What is kept back of a payout: a share of what was earned, as far as it is not owed."""
    if not plan.reserve_days:
        return 0
    return max(0, min(earned, due)) * plan.reserve_bp // 10_000


def missing(plan: "PayoutPlan", payable: int) -> int:
    """How much is missing to the least payout."""
    return max(0, plan.minimum_minor - payable) if plan.minimum_minor else 0


def fee(plan: "PayoutPlan", payable: int) -> int:
    """What paying at once costs, rounded half up."""
    return share_of(payable, plan.instant_bp)


def is_due(plan: "PayoutPlan", day: date) -> bool:
    """Whether the night of this day settles with them.  A night that was missed is made up for."""
    match plan.schedule:
        case "MANUAL":
            return False
        case "WEEKLY":
            latest = day - timedelta(days=(day.weekday() - plan.weekday) % 7)
            return plan.settled_on is None or plan.settled_on < latest
    return True


def next_day(plan: "PayoutPlan", today: date) -> date | None:
    """The day of the next payout; None for those who are paid when they ask."""
    if plan.schedule == "MANUAL":
        return None
    tomorrow = today + timedelta(days=1)
    if plan.schedule == "WEEKLY":
        return tomorrow + timedelta(days=(plan.weekday - tomorrow.weekday()) % 7)
    return tomorrow


def is_payees_turn(payee: "Payee", day: date) -> bool:
    """Whether the night of this day settles with a payee; the first of a month is made up for."""
    if payee.schedule == "NIGHTLY":
        return True
    return payee.settled_on is None or payee.settled_on < day.replace(day=1)


def last_month(day: date) -> tuple[date, date]:
    """The first day of the month before this one, and the first of this one."""
    first = day.replace(day=1)
    return (first - timedelta(days=1)).replace(day=1), first
