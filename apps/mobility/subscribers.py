from datetime import datetime
from typing import Any

from apps.bus import operations as bus
from apps.dispatch import live as line
from apps.dispatch.models import Offer, Shift
from apps.kernel.actors import Actor
from apps.mobility import operations, telling
from apps.notifications import operations as notifications
from apps.orders import live as watching
from apps.orders import operations as orders
from apps.orders.models import Order
from apps.regulation import in_force
from apps.regulation.models import Permit
from apps.regulation.rules import Limit

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


@bus.subscribe("mobility.check_asked")
@bus.subscribe("mobility.check_answered")
def tell_both(*, ref: str, worker: int, **_: Any) -> None:
    """Let both phones look again: somebody is asked, or has answered."""
    watching.tell(ref)
    line.tell(worker)


@bus.subscribe("dispatch.shift_ended")
def take_out_of_service(*, worker: int, at: datetime, **_: Any) -> None:
    if not Shift.objects.open().filter(worker=worker).exists():
        operations.note_end_of_shift(worker_id=worker, at=at)


@bus.subscribe("regulation.policy_approved")
@bus.subscribe("regulation.policy_stopped")
def limit_shifts(*, kind: str, city: int, at: datetime, **_: Any) -> None:
    """A limit on hours may have changed for those who are on line."""
    if kind == Limit.kind:
        in_force.forget()
        operations.limit_to_rules(city_id=city, by=MOBILITY, at=at)


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


@bus.subscribe("dispatch.offered")
def ring_at_the_phone(*, offer: int, at: datetime, **_: Any) -> None:
    telling.tell_of_offer(offer_id=offer, by=MOBILITY, at=at)


@bus.subscribe("orders.authorised")
@bus.subscribe("orders.confirmed")
@bus.subscribe("orders.cancelled")
@bus.subscribe("orders.stepped")
def tell_of_ride(*, order: int, step: str, event: int, at: datetime, **_: Any) -> None:
    telling.tell_of_step(order_id=order, step=step, event=event, by=MOBILITY, at=at)


@bus.subscribe("regulation.paper_accepted")
@bus.subscribe("regulation.paper_refused")
@bus.subscribe("regulation.paper_revoked")
@bus.subscribe("regulation.paper_runs_out")
def tell_of_paper(*, topic: str, paper: int, vertical: str, at: datetime, **more: Any) -> None:
    if vertical == operations.VERTICAL:
        kind, days = topic.removeprefix("regulation."), int(more.get("days", 0))
        telling.tell_of_paper(kind=kind, paper_id=paper, days=days, by=MOBILITY, at=at)


@bus.subscribe("mobility.lost_reported")
@bus.subscribe("mobility.lost_not_found")
@bus.subscribe("mobility.lost_found")
@bus.subscribe("mobility.lost_returned")
@bus.subscribe("mobility.lost_withdrawn")
@bus.subscribe("mobility.lost_closed")
def tell_of_lost(*, item: int, state: str, by: Actor, at: datetime, **_: Any) -> None:
    telling.tell_of_lost(item_id=item, state=state, whose=by, by=MOBILITY, at=at)


@bus.subscribe("mobility.alert_raised")
def ring_at_the_desk(*, alert: int, at: datetime, **_: Any) -> None:
    telling.tell_officers(alert_id=alert, by=MOBILITY, at=at)


@bus.subscribe("mobility.alert_acknowledged")
@bus.subscribe("mobility.alert_closed")
def stop_ringing_at_the_desk(*, alert: int, by: Actor, at: datetime, **_: Any) -> None:
    """One officer has it; the others' pages are quiet."""
    notifications.put_away(kind="alert_raised", about=f"alert:{alert}", by=by, at=at)
