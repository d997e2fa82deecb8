"""Calling the city for help on a ride, and what an officer does about it."""

from datetime import datetime, timedelta

from django.db import transaction

from apps.bus import operations as bus
from apps.dispatch.models import Position
from apps.dispatch.queries import where_is
from apps.kernel.actors import Actor, Kind
from apps.mobility.models import Alert
from apps.orders.models import Order
from apps.places.geometry import Point

ALARMED_AFTER_RIDE = timedelta(minutes=30)
PARTS = {Kind.CONSUMER: Alert.Part.RIDER, Kind.WORKER: Alert.Part.DRIVER}


class NobodyToFear(Exception):
    """No car has come to this ride yet, or it is long over."""


class AlertClosed(Exception):
    """The call for help was closed before."""


@transaction.atomic
def raise_alert(*, order_id: int, by: Actor, at: datetime, here: Point | None = None) -> Alert:
    """Call the city for help, from where somebody is or else from where the car was last seen.

    Called again before an officer has closed it, it is the same call.  Raises `NobodyToFear`.
    """
    order = Order.objects.locked().get(pk=order_id)
    if order.worker_id is None or (order.ended_at and at >= order.ended_at + ALARMED_AFTER_RIDE):
        raise NobodyToFear
    part = PARTS[by.kind]
    if alert := order.alerts.open().filter(part=part).first():
        return alert
    seen: Point | Position | None = here or where_is(order.worker_id)
    alert = Alert.objects.create(
        order=order,
        part=part,
        by=str(by),
        lat=seen.lat if seen else None,
        lon=seen.lon if seen else None,
        raised_at=at,
    )
    bus.publish("mobility.alert_raised", by=by, at=at, ref=order.ref, alert=alert.pk, part=part)
    return alert


@transaction.atomic
def acknowledge_alert(*, alert_id: int, reason: str, by: Actor, at: datetime) -> None:
    """An officer takes a call up.  Twice is harmless.  Raises `AlertClosed`."""
    alert = Alert.objects.locked().get(pk=alert_id)
    if alert.closed_at is not None:
        raise AlertClosed
    if alert.acknowledged_at is None:
        alert.acknowledged_at, alert.answer = at, reason
        alert.save(update_fields=["acknowledged_at", "answer"])
        _tell("mobility.alert_acknowledged", alert, reason, by, at)


@transaction.atomic
def close_alert(*, alert_id: int, reason: str, by: Actor, at: datetime) -> None:
    """An officer closes a call, saying what came of it.  Twice is harmless."""
    alert = Alert.objects.locked().get(pk=alert_id)
    if alert.closed_at is None:
        alert.closed_at, alert.answer = at, reason
        alert.save(update_fields=["closed_at", "answer"])
        _tell("mobility.alert_closed", alert, reason, by, at)


def _tell(topic: str, alert: Alert, reason: str, by: Actor, at: datetime) -> None:
    bus.publish(topic, by=by, at=at, ref=alert.order.ref, alert=alert.pk, reason=reason)
