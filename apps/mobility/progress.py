"""How far a ride has come, as the steps of a way."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from apps.mobility import queries
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
    taken = list(order.steps.order_by("pk"))
    # Going on from a stop is no second boarding.
    reached = {step.stage: step.taken_at for step in taken if step.name != "go_on"}
    way = LATER if order.ride.pickup_at else NOW
    stage = "on_board" if order.stage == "at_stop" else order.stage
    here = way.index(stage) if stage in way else -1
    rows = []
    for place, stage in enumerate(way[:-1]):
        done_at = reached.get(way[place + 1])
        is_done = here > place or (here < 0 and done_at is not None)
        state = "done" if is_done else "now" if here == place else "ahead"
        time = f"{order.city.now(done_at):%H:%M}" if is_done and done_at else ""
        rows.append({"name": names[stage], "state": state, "time": time})
    rows[-1:-1] = stops = _stops(order, [one.taken_at for one in taken if one.name == "reach_stop"])
    if any(row["state"] != "done" for row in stops) and rows[-1]["state"] == "now":
        rows[-1]["state"] = "ahead"
    return rows


def _stops(order: Order, reached: list[datetime]) -> list[dict[str, Any]]:
    """The stops between the boarding and the arrival; at one of them the car waits."""
    rows = []
    for n, stop in enumerate(queries.stops(order)):
        row = {"name": stop["name"], "state": "ahead", "time": "", "more": ""}
        if stop["state"] in ("passed", "here"):
            row["time"] = f"{order.city.now(reached[n]):%H:%M}" if n < len(reached) else ""
        if stop["state"] in ("here", "next"):
            row["state"] = "now"
        elif stop["state"] == "passed":
            row["state"] = "done"
        if stop["state"] == "here" and (until := queries.stop_wait_until(order)):
            clock = f"{order.city.now(until):%H:%M}"
            row["more"] = _("The car waits here until %(hour)s; the price holds.") % {"hour": clock}
        elif stop["state"] == "next" and order.ride.stop_eta_at:
            row["time"] = f"{order.city.now(order.ride.stop_eta_at):%H:%M}"
        rows.append(row)
    return rows
