"""News of permits and cases, for those whom they concern."""

from datetime import datetime
from typing import Any

from apps.bus import operations as bus
from apps.regulation import telling


@bus.subscribe("regulation.permit_granted")
@bus.subscribe("regulation.permit_revoked")
@bus.subscribe("regulation.permit_restored")
@bus.subscribe("regulation.permit_suspended")
@bus.subscribe("regulation.permit_resumed")
@bus.subscribe("regulation.permit_runs_out")
def tell_of_permit(*, topic: str, permit: int, event: int, at: datetime, **more: Any) -> None:
    telling.tell_of_permit(
        what=topic.removeprefix("regulation."),
        permit_id=permit,
        reason=str(more.get("reason", "")),
        days=int(more.get("days", 0)),
        event=event,
        at=at,
    )


@bus.subscribe("regulation.case_opened")
@bus.subscribe("regulation.case_asked")
@bus.subscribe("regulation.case_noted")
@bus.subscribe("regulation.case_closed")
def tell_of_case(*, topic: str, told: int, at: datetime, **_: Any) -> None:
    telling.tell_of_case(what=topic.removeprefix("regulation."), event_id=told, at=at)
