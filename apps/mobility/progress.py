"""How far a ride has come, as the steps of a way."""

from typing import Any

from django.utils.translation import gettext as _

from apps.orders.models import Order
from apps.payments.queries import in_cash

NOW = ["paying", "searching", "on_the_way", "at_pickup", "on_board", "done"]

LATER = ["paying", "scheduled", *NOW[1:]]


def steps_of(order: Order) -> list[dict[str, Any]]:
    """Each stage with its state (done, now, ahead) and the moment it was reached."""
    names = {
        "paying": _("Noted") if in_cash(order.basket.ref) else _("Card checked"),
        "scheduled": _("Search begins"),
        "searching": _("Driver found"),
        "on_the_way": _("Driver at the pick-up"),
        "at_pickup": _("On board"),
        "on_board": _("Arrived"),
    }
    reached = {step.stage: step.taken_at for step in order.steps.order_by("pk")}
    way = LATER if order.ride.pickup_at else NOW
    here = way.index(order.stage) if order.stage in way else -1
    rows = []
    for place, stage in enumerate(way[:-1]):
        done_at = reached.get(way[place + 1])
        is_done = here > place or (here < 0 and done_at is not None)
        state = "done" if is_done else "now" if here == place else "ahead"
        time = f"{order.city.now(done_at):%H:%M}" if is_done and done_at else ""
        rows.append({"name": names[stage], "state": state, "time": time})
    return rows
