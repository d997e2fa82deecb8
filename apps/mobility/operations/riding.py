"""A ride under way: from the driver's yes to the drop-off."""

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from apps.dispatch import operations as dispatch
from apps.dispatch.models import Offer
from apps.kernel.actors import Actor
from apps.mobility import mds
from apps.mobility.models import Ride
from apps.mobility.operations.quoting import VERTICAL
from apps.mobility.operations.vehicles import note_event
from apps.orders import operations as orders
from apps.orders import verticals
from apps.orders.models import Order

CODE_TRIES = 5


def write_ride(order: Order) -> None:
    """Keep what a ride has of its own, in the transaction that places the order."""
    asked = order.quote.request
    Ride.objects.create(
        order=order,
        pickup_lat=asked["pickup"]["lat"],
        pickup_lon=asked["pickup"]["lon"],
        pickup_name=asked["pickup"]["name"],
        dropoff_lat=asked["dropoff"]["lat"],
        dropoff_lon=asked["dropoff"]["lon"],
        dropoff_name=asked["dropoff"]["name"],
        metres=asked["metres"],
        seconds=asked["seconds"],
        is_estimate=asked["is_estimate"],
        line=asked["line"],
        code=f"{secrets.randbelow(10_000):04}",
    )


def note_step(
    order: Order, step: verticals.Step, data: verticals.Data, by: Actor, at: datetime
) -> None:
    """What a step of a ride means for the car and for the promised arrival."""
    if step.name == "assign":
        promised = at + timedelta(seconds=int(data.get("eta_seconds", 0)))
        Ride.objects.filter(order=order).update(pickup_eta_at=promised)
    elif step.name == "board":
        ends = at + timedelta(seconds=order.ride.seconds)
        Ride.objects.filter(order=order).update(dropoff_eta_at=ends)
    elif step.name == "give_back":
        Ride.objects.filter(order=order).update(pickup_eta_at=None, code_tries=0)
    if order.worker_id is not None:
        for event in mds.EVENTS_OF_STEP.get(step.name, ()):
            note_event(order.worker_id, event, order, at)


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
