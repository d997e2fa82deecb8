"""What the order itself says for whoever was paid: the system's own evidence."""

from collections.abc import Iterator

from django.utils.translation import override

from apps.disputes.models import Evidence
from apps.kernel.actors import Actor
from apps.orders import verticals
from apps.orders.models import Order

PARTS = {
    "consumer": "customer",
    "worker": "driver",
    "provider": "company",
    "officer": "city officer",
    "system": "platform",
}


def evidence_of(order: Order) -> Iterator[tuple[str, str]]:
    """Kinds of evidence with their words, in English, which every gateway's banks read."""
    vertical = verticals.get(order.vertical)
    zone = order.city.zone_info
    with override("en"):
        yield Evidence.Kind.SERVICE, f"{vertical.title}: {vertical.summary(order)}"[:5000]
        day = (order.ended_at or order.placed_at).astimezone(zone)
        yield Evidence.Kind.DAY, day.strftime("%Y-%m-%d")
        lines = [f"{order.placed_at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z} ordered by the customer"]
        for step in order.steps.order_by("pk"):
            at = step.taken_at.astimezone(zone)
            who = PARTS.get(Actor.parse(step.by).kind, "platform")
            stage = str(vertical.stages.get(step.stage, step.stage))
            lines.append(
                f"{at:%Y-%m-%d %H:%M:%S %Z} {step.name.replace('_', ' ')} by the {who}: {stage}"
            )
        yield Evidence.Kind.LOG, "\n".join(lines)[:5000]
