"""A ride under way: from the driver's yes to the drop-off."""

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from apps.dispatch import operations as dispatch
from apps.dispatch.models import Offer
from apps.kernel.actors import Actor
from apps.mobility import mds, ways
from apps.mobility.models import Ride
from apps.mobility.operations.quoting import VERTICAL, hour_of
from apps.mobility.operations.vehicles import note_event
from apps.orders import operations as orders
from apps.orders import verticals
from apps.orders.models import Order

CODE_TRIES = 5
# How long before the hour of a later ride its driver is looked for, and until when at the longest.
LEAD = timedelta(minutes=20)
GRACE = timedelta(minutes=10)
# So long a driver is looked for, once the bank has promised the money.
SEARCHED_FOR = timedelta(minutes=10)
# Whoever waits no longer than this for the bank has lost nothing of it.
NO_WAIT = timedelta(minutes=1)


def write_ride(order: Order) -> None:
    """Keep what a ride has of its own, in the transaction that places the order."""
    asked, later = order.quote.request, hour_of(order.quote)
    Ride.objects.create(
        order=order,
        pickup_lat=asked["pickup"]["lat"],
        pickup_lon=asked["pickup"]["lon"],
        pickup_name=asked["pickup"]["name"],
        dropoff_lat=asked["dropoff"]["lat"],
        dropoff_lon=asked["dropoff"]["lon"],
        dropoff_name=asked["dropoff"]["name"],
        stops=ways.stops(asked),
        metres=asked["metres"],
        seconds=asked["seconds"],
        is_estimate=asked["is_estimate"],
        line=asked["line"],
        needs=asked.get("needs", []),
        pickup_at=later,
        search_at=later and later - LEAD,
        code=f"{secrets.randbelow(10_000):04}",
    )


def note_step(
    order: Order, step: verticals.Step, data: verticals.Data, by: Actor, at: datetime
) -> None:
    """What a step of a ride means for the car and for the promised arrival."""
    if step.name == "assign":
        promised = at + timedelta(seconds=int(data.get("eta_seconds", 0)))
        Ride.objects.filter(order=order).update(pickup_eta_at=promised)
    elif step.name == "authorise" and at - order.placed_at > NO_WAIT:
        # A payer who had to confirm at their bank's page loses none of the time for the search.
        dispatch.search_longer(holder=order.ref, until=at + SEARCHED_FOR, by=by, at=at)
    elif step.name == "board":
        _head_on(order, at)
    elif step.name == "reach_stop":
        order.ride.stop_eta_at = None
        order.ride.save(update_fields=["stop_eta_at"])
    elif step.name == "go_on":
        order.ride.stops_passed += 1
        _head_on(order, at)
    elif step.name == "give_back":
        Ride.objects.filter(order=order).update(pickup_eta_at=None, code_tries=0)
    elif step.name == "search" or step.state == Order.State.CANCELLED:
        Ride.objects.filter(order=order).update(search_at=None)
    if order.worker_id is not None:
        for event in mds.EVENTS_OF_STEP.get(step.name, ()):
            note_event(order.worker_id, event, order, at)


def _head_on(order: Order, at: datetime) -> None:
    """Say anew when the next stop and the destination are reached.  The order is locked."""
    ride, asked = order.ride, order.quote.request
    ahead = at + timedelta(seconds=ways.next_seconds(asked, ride.stops_passed))
    ride.stop_eta_at = ahead if ride.stops_ahead else None
    ride.dropoff_eta_at = at + timedelta(seconds=ways.seconds_ahead(asked, ride.stops_passed))
    ride.save(update_fields=["stops_passed", "stop_eta_at", "dropoff_eta_at"])


def begin_searches(*, at: datetime) -> int:
    """Look for drivers for the later rides whose hour is near.  Return how many.

    Each in a transaction of its own; any number may do it at once, and each search begins once.
    """
    due = Order.objects.filter(stage="scheduled", ride__search_at__lte=at)
    by = Actor.system(VERTICAL)
    order_ids = due.order_by("ride__search_at", "pk").values_list("pk", flat=True)
    return sum(_begin_search(order_id, by, at) for order_id in list(order_ids))


@transaction.atomic
def _begin_search(order_id: int, by: Actor, at: datetime) -> bool:
    if not Order.objects.locked().filter(pk=order_id, stage="scheduled").exists():
        return False
    orders.advance(order_id=order_id, step="search", by=by, at=at)
    return True


@transaction.atomic
def accept_offer(*, offer_id: int, worker_id: int, by: Actor, at: datetime) -> Order:
    """A driver says yes: the job is theirs and the ride is confirmed in one step.

    Saying it twice is harmless, however far the ride has come meanwhile.  Raises what
    `dispatch.accept` raises, and `dispatch.TooLate` when the rider has just called it off.
    """
    offer = Offer.objects.filter(pk=offer_id, worker=worker_id).select_related("job").first()
    if offer is None:
        raise dispatch.NoSuchOffer
    # The order first, then the job: whoever cancels locks them in the same turn.
    order = Order.objects.locked().filter(ref=offer.job.holder).first()
    if order is None or not order.is_live:
        raise dispatch.TooLate
    if order.worker_id == worker_id and offer.state == Offer.State.ACCEPTED:
        return order  # Said before, and the ride may be further on by now.
    dispatch.accept(offer_id=offer_id, worker_id=worker_id, by=by, at=at)
    return confirm_ride(order_id=order.pk, offer_id=offer_id, at=at)


@transaction.atomic
def confirm_ride(*, order_id: int, offer_id: int, at: datetime) -> Order:
    """Put the driver who won the job on the order.  Doing it twice is harmless."""
    offer = Offer.objects.get(pk=offer_id)
    return orders.advance(
        order_id=order_id,
        step="assign",
        by=Actor.system(VERTICAL),
        at=at,
        data={"worker": offer.worker_id, "eta_seconds": offer.eta_seconds},
    )


@transaction.atomic
def count_wrong_code(order: Order, step: verticals.Step, code: str) -> None:
    """Remember that a start code was wrong: after five no code opens the ride."""
    if code == "wrong_code":
        Ride.objects.filter(order=order).update(code_tries=F("code_tries") + 1)
