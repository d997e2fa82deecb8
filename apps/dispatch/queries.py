from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from apps.dispatch.models import Position, Run, Shift
from apps.places.geometry import Point, metres_between
from apps.places.models import City

# A position older than this is no longer where anybody is.
FRESH_FOR = timedelta(seconds=60)
# Straight lines are shorter than streets, and city streets are slow.
DETOUR, METRES_A_SECOND = 1.3, 24 / 3.6


def where_is(worker_id: int) -> Position | None:
    """Where a worker was last heard of, however long ago."""
    return Position.objects.filter(worker=worker_id).first()


def eta_to(
    city: City, point: Point, *, needs: Sequence[str] = (), seats: int = 1, at: datetime
) -> int | None:
    """Seconds until the nearest free worker who can do it could be there; None if nobody is free.

    Measured in a straight line: good enough to choose by, and marked as such on the screen.
    """
    busy = Run.objects.live().filter(worker=OuterRef("worker"))
    free = Shift.objects.on_line().filter(
        ~Exists(busy),
        city=city,
        worker__seats__gte=seats,
        worker__abilities__contains=list(needs),
        worker__position__seen_at__gte=at - FRESH_FOR,
    )
    places = free.values_list("worker__position__lat", "worker__position__lon")
    metres = (metres_between(point, Point(lat, lon)) for lat, lon in places)
    nearest = min(metres, default=None)
    return None if nearest is None else round(nearest * DETOUR / METRES_A_SECOND)
