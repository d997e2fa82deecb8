from datetime import datetime
from typing import Any

from apps.bus import operations as bus
from apps.dispatch.models import Offer, Shift
from apps.kernel.actors import Actor
from apps.mobility import operations
from apps.orders import operations as orders
from apps.orders.models import Order
from apps.regulation.models import Permit

MOBILITY = Actor.system(operations.VERTICAL)


@bus.subscribe("dispatch.assigned")
def confirm_ride(*, holder: str, worker: int, at: datetime, **_: Any) -> None:
    # Parcels and meals are assigned, too: only a ride is ours to confirm; and the driver's own
    # yes has done it already, unless it came in by another door.
    ride = Order.objects.filter(ref=holder, vertical=operations.VERTICAL, stage="searching").first()
    won = Offer.objects.filter(job__holder=holder, worker=worker, state=Offer.State.ACCEPTED)
    if ride and (offer := won.order_by("-pk").first()):
        operations.confirm_ride(order_id=ride.pk, offer_id=offer.pk, at=at)


@bus.subscribe("dispatch.unserved")
def give_up(*, holder: str, at: datetime, **_: Any) -> None:
    searching = Order.objects.filter(
        ref=holder, vertical=operations.VERTICAL, stage__in=["paying", "searching"]
    )
    if ride := searching.first():
        orders.advance(order_id=ride.pk, step="give_up", by=MOBILITY, at=at)


@bus.subscribe("dispatch.shift_ended")
def take_out_of_service(*, worker: int, at: datetime, **_: Any) -> None:
    if not Shift.objects.open().filter(worker=worker).exists():
        operations.note_end_of_shift(worker_id=worker, at=at)


@bus.subscribe("regulation.permit_revoked")
@bus.subscribe("regulation.permit_suspended")
def end_shifts(*, permit: int, at: datetime, **_: Any) -> None:
    """Whoever may not use the permit now is off line; a ride under way is finished first."""
    lost = Permit.objects.filter(pk=permit, vertical=operations.VERTICAL).first()
    if lost is None:
        return
    operations.stop_offering(provider_id=lost.provider_id, by=MOBILITY, at=at)


@bus.subscribe("regulation.paper_accepted")
@bus.subscribe("regulation.paper_revoked")
def follow_papers(*, holder: int, vertical: str, at: datetime, **_: Any) -> None:
    """A renewed paper lets a shift last longer; one that is taken back ends it."""
    if vertical == operations.VERTICAL:
        operations.limit_to_papers(user_id=holder, by=MOBILITY, at=at)
