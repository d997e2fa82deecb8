"""How the queue stands: for the officer's page, for health checks and for alarms."""

from datetime import datetime, timedelta

from apps.bus.models import Delivery, Event


def waiting() -> int:
    """How many deliveries are still to be made, those that were put off included."""
    return Delivery.objects.waiting().count()


def dead() -> int:
    """How many deliveries were given up and wait for a person."""
    return Delivery.objects.dead().count()


def oldest_due_age(at: datetime) -> timedelta:
    """How long the delivery that is due longest has been due; nothing if none is."""
    due = Delivery.objects.due(at).order_by("due_at").values_list("due_at", flat=True).first()
    return at - due if due else timedelta()


def unstreamed() -> int:
    """How many events the stream has not been told of."""
    return Event.objects.filter(streamed_at__isnull=True).count()
