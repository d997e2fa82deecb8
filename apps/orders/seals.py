"""Whom the city's sealed logs are about, as far as orders know it."""

from apps.audit import operations as audit
from apps.audit.models import Record
from apps.audit.seals import AUDIT_STREAM
from apps.orders.models import Order
from apps.regulation.models import Decision
from apps.regulation.seals import STREAM


def is_of_their_order(record: Record, user_id: int) -> bool:
    """What happened to an order is about whoever placed it."""
    order = record.body.get("order") if isinstance(record.body, dict) else None
    return isinstance(order, int) and Order.objects.filter(pk=order, consumer=user_id).exists()


def allowed_their_order(decision: Decision, user_id: int) -> bool:
    """What the city said of an order is about whoever placed it."""
    return Order.objects.filter(decision=decision, consumer=user_id).exists()


def register() -> None:
    audit.concern(AUDIT_STREAM, is_of_their_order)
    audit.concern(STREAM, allowed_their_order)
