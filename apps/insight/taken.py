"""The rows of a day, taken from the books."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from random import SystemRandom

from django.db.models import Q

from apps.dispatch.models import Offer, Shift
from apps.insight import day as days
from apps.insight.rows import Asked, OnLine, Paid, Rows
from apps.mobility.at_work import pay_of
from apps.orders.models import Order, Step
from apps.places.geometry import Point
from apps.places.models import City, Zone

HOUR = timedelta(hours=1)


def rows(city: City, day: date, *, at: datetime) -> Rows:
    """What was asked, paid and driven on a day of the city's clock, as far as it has come."""
    begins, ends = span(city, day)
    paid = list(_paid(city, begins, ends))
    on_line = list(_on_line(city, begins, min(ends, at)))
    workers = list({one.worker for one in paid} | {one.worker for one in on_line})
    # Another number in every sheet, so that two sheets do not say who drove on both days.
    SystemRandom().shuffle(workers)
    numbers = {worker: number for number, worker in enumerate(workers, start=1)}
    return Rows(
        asked=list(_asked(city, begins, ends)),
        paid=[Paid(one.hour, numbers[one.worker], one.pay_minor) for one in paid],
        on_line=[OnLine(one.hour, numbers[one.worker], one.on_line_ms) for one in on_line],
    )


def span(city: City, day: date) -> tuple[datetime, datetime]:
    """When a day begins and ends by the city's clock."""
    return (
        datetime.combine(day, time(), city.zone_info),
        datetime.combine(day + timedelta(days=1), time(), city.zone_info),
    )


def _asked(city: City, begins: datetime, ends: datetime) -> Iterator[Asked]:
    found = [one for one in days.rides(city, since=begins, until=ends) if one.placed_at < ends]
    orders = [one.order for one in found]
    boarded = set(
        Step.objects.filter(order__in=orders, name="board").values_list("order", flat=True)
    )
    refs = dict(Order.objects.filter(pk__in=orders).values_list("pk", "ref"))
    ways = dict(
        Offer.objects.filter(job__holder__in=refs.values(), state=Offer.State.ACCEPTED)
        .order_by("pk")
        .values_list("job__holder", "eta_metres")
    )
    districts = list(Zone.objects.filter(city=city, kind=Zone.Kind.DISTRICT).order_by("name", "pk"))
    for one in found:
        yield Asked(
            hour=city.now(one.placed_at).hour,
            zone=_zone(districts, one.pickup),
            step_free=one.is_step_free,
            found=one.has_worker,
            unserved=one.is_unserved,
            boarded=one.order in boarded,
            waited_ms=None if one.waited is None else round(one.waited * 1000),
            empty_metres=ways.get(refs[one.order]),
        )


def _zone(districts: list[Zone], point: Point | None) -> str:
    if point is None:
        return ""
    return next((zone.slug for zone in districts if zone.contains(point)), "")


def _paid(city: City, begins: datetime, ends: datetime) -> Iterator[Paid]:
    done = Order.objects.filter(
        city=city, vertical="mobility", worker__isnull=False, ended_at__gte=begins,
        ended_at__lt=ends,
    ).select_related("quote")  # fmt: skip
    for order in done.order_by("ended_at", "pk"):
        if (pay := pay_of(order)) and order.ended_at and order.worker_id:
            yield Paid(city.now(order.ended_at).hour, order.worker_id, pay)


def _on_line(city: City, begins: datetime, ends: datetime) -> Iterator[OnLine]:
    lasting = Q(ended_at__isnull=True) | Q(ended_at__gt=begins)
    shifts = Shift.objects.filter(lasting, city=city, started_at__lt=ends).order_by("pk")
    for shift in shifts:
        on, off = max(shift.started_at, begins), min(shift.ended_at or ends, ends)
        while on < off:
            shown = city.now(on)
            rest = HOUR - timedelta(
                minutes=shown.minute, seconds=shown.second, microseconds=shown.microsecond
            )
            until = min(on + rest, off)
            yield OnLine(shown.hour, shift.worker_id, round((until - on).total_seconds() * 1000))
            on = until
