"""The life of a vehicle, event by event."""

from datetime import datetime

from apps.dispatch import queries as at_work
from apps.mobility import mds, queries
from apps.mobility.models import VehicleEvent
from apps.orders.models import Order
from apps.parties.models import Worker


def note_event(worker_id: int, event: str, order: Order | None, at: datetime) -> None:
    """Write what happened to a worker's vehicle.  Raises `mds.Illegal` for what cannot happen."""
    # The worker's row is the lock: events of one car are written one after the other.
    Worker.objects.locked().get(pk=worker_id)
    position = at_work.where_is(worker_id)
    VehicleEvent.objects.create(
        worker_id=worker_id,
        order=order,
        event=event,
        state=mds.follow(queries.vehicle_state(worker_id), event),
        lat=position.lat if position else None,
        lon=position.lon if position else None,
        happened_at=at,
    )
