"""What the pages say of a payout, in words."""

from datetime import date, datetime, time

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.places.models import City
from apps.settlement.models import Payout, PayoutPlan, Weekday

STATES: dict[str, str | Promise] = {
    Payout.State.DUE: _("Goes to your bank today"),
    Payout.State.HELD: _("Held by the city"),
    Payout.State.SENT: _("On its way to your bank"),
    Payout.State.PAID: _("Sent to your bank"),
    Payout.State.FAILED: _("Your bank returned it"),
}
KINDS: dict[str, str | Promise] = {
    "capture": _("Order"),
    "change": _("Change of an order"),
    "cash_kept": _("Cash you kept"),
    "tip": _("Tip"),
    "refund": _("Refund"),
    "refund_failed": _("Refund that the bank did not take"),
    "dispute_lost": _("Lost in a dispute"),
    "payout_returned": _("Returned by your bank"),
    "payout": _("Payout, sent again"),
    "reserve": _("Kept in reserve"),
    "reserve_released": _("Released from the reserve"),
    "instant_fee": _("Fee for paying at once"),
    "instant_fee_returned": _("Fee for paying at once, given back"),
    "subsidy": _("The city's part of a price"),
    "voucher": _("Paid with a voucher"),
    "subsidy_netted": _("The city's subsidies, taken from its fees"),
    "permit_fee": _("Fee of the application"),
}

# What a line says after its order, where it is not the order's own price.
NOTES: dict[str, str | Promise] = {
    "refund": _("refund"),
    "refund_failed": _("refund that the bank did not take"),
    "dispute_lost": _("lost in a dispute"),
    "cash_kept": _("cash you kept"),
    "tip": _("tip"),
    "change": _("change"),
}


def kind_of(kind: str) -> str:
    """What a line of the books is called on a statement."""
    return str(KINDS.get(kind, _("Other")))


def noon_of(day: date, city: City) -> datetime:
    """A moment within that day of the city, for whoever writes dates from moments."""
    return datetime.combine(day, time(12), tzinfo=city.zone_info)


# What the platform's monthly invoice calls the kinds of its lines.
FEES: dict[str, str | Promise] = {
    "capture": _("Fees of orders, %(month)s"),
    "change": _("Fees of changed orders, %(month)s"),
    "refund": _("Fees given back with refunds, %(month)s"),
    "instant_fee": _("Fees for paying at once, %(month)s"),
    "instant_fee_returned": _("Fees for paying at once, given back, %(month)s"),
}


def fee_of(kind: str, month: str) -> str:
    """A line of the platform's invoice for a month."""
    return str(FEES.get(kind, _("Other fees, %(month)s"))) % {"month": month}


def plan_of(plan: PayoutPlan) -> str:
    """When somebody is paid, in words."""
    if plan.schedule == PayoutPlan.Schedule.WEEKLY:
        day = Weekday(plan.weekday).label
        return str(_("Once a week: %(day)s")) % {"day": day}
    return str(PLANS[plan.schedule])


PLANS: dict[str, str | Promise] = {
    PayoutPlan.Schedule.DAILY: _("Every night"),
    PayoutPlan.Schedule.MANUAL: _("Only when you ask for it"),
}
