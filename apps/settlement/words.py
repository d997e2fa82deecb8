"""What the pages say of a payout, in words."""

from datetime import date, datetime, time

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.places.models import City
from apps.settlement.models import Payout

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
