"""Whoever was looked at is told, once, when the inspection is over."""

from collections import Counter
from datetime import datetime
from uuid import UUID

from django.urls import reverse

from apps.inspection import queries
from apps.inspection.models import Inspection
from apps.inspection.operations import INSPECTION
from apps.notifications import operations as notifications


def tell(*, ref: UUID, at: datetime) -> None:
    """Tell everybody who got a line of the inspection; where nothing was seen, nobody."""
    inspection = Inspection.objects.select_related("officer", "person", "case").get(ref=ref)
    seen = Counter(queries.looks_of(inspection).values_list("person", flat=True))
    for person, pages in sorted(seen.items()):
        notifications.notify(
            to=person,
            kind="inspected",
            about=f"inspection:{inspection.ref}",
            link=reverse("audit:looks"),
            context={"officer": str(inspection.officer), "why": inspection.why, "pages": pages},
            by=INSPECTION,
            at=at,
        )
