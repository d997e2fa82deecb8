from datetime import datetime
from typing import Any
from uuid import UUID

from apps.bus import operations as bus
from apps.inspection import telling


@bus.subscribe("inspection.ended")
def tell_whose_data_were_seen(*, inspection: str, at: datetime, **_: Any) -> None:
    telling.tell(ref=UUID(inspection), at=at)
