"""What an officer looks at: reads of every app, writes of none."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Count, F, Max, Min, Q, Sum
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.bus.models import Delivery
from apps.dispatch.models import Job, Position, Run, Shift
from apps.dispatch.queries import FRESH_FOR
from apps.ledger.models import Entry
from apps.orders.models import Order, Step
from apps.payments.models import Attempt
from apps.places.models import City
from apps.regulation import queries as regulation
from apps.regulation.models import Decision, Paper, Permit
from apps.settlement.models import Payout

RUNS_OUT_WITHIN = timedelta(days=30)
WAITS_TOO_LONG = timedelta(minutes=3)
STUCK_AFTER = timedelta(minutes=2)
# Fewer than so many are not shown: a median of two is nobody's wait.
FEWEST = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, what it counts, and the rows behind it."""

    label: str | Promise
    value: int | str
    url: str
    is_urgent: bool = False


def worklists(at: datetime) -> list[Figure]:
    """What waits for an officer.  Nought is good news, and still says where the rows would be."""
    in_force = Permit.objects.filter(revoked_at=None, valid__contains=at)
    ending = in_force.filter(valid__endswith__lt=at + RUNS_OUT_WITHIN).count()
    to_check = Paper.objects.filter(regulation.to_check()).count()
    old = Paper.objects.filter(regulation.running_out(at)).count()
    papers = _list("regulation_paper")
    waiting = Job.objects.searching().filter(searching_since__lte=at - WAITS_TOO_LONG).count()
    stuck = Attempt.objects.filter(answered_at=None, noted_at__lte=at - STUCK_AFTER).count()
    failed = Payout.objects.filter(state=Payout.State.FAILED).count()
    held = Payout.objects.filter(state=Payout.State.HELD).count()
    dead = Delivery.objects.dead().count()
    return [
        _figure(_("Rides unanswered for 3 minutes"), waiting, "dispatch_job", "state=SEARCHING"),
        _figure(_("Permits that run out in 30 days"), ending, "regulation_permit"),
        Figure(_("Papers to check"), to_check, f"{papers}?worklist=to_check", to_check > 0),
        Figure(_("Papers that run out in 30 days"), old, f"{papers}?worklist=running_out", old > 0),
        _figure(_("Payouts that the bank returned"), failed, "settlement_payout", "state=FAILED"),
        _figure(_("Payouts held by an officer"), held, "settlement_payout", "state=HELD"),
        _figure(_("Questions to the bank without an answer"), stuck, "payments_attempt"),
        _figure(_("News that could not be delivered"), dead, "bus_delivery"),
    ]


def today(city: City, at: datetime) -> list[Figure]:
    """The day so far, by the city's clock."""
    since = city.now(at).replace(hour=0, minute=0, second=0, microsecond=0)
    orders = Order.objects.filter(city=city, placed_at__gte=since)
    by = orders.aggregate(
        placed=Count("pk"),
        done=Count("pk", filter=Q(state=Order.State.COMPLETED)),
        live=Count("pk", filter=~Q(state__in=[Order.State.COMPLETED, Order.State.CANCELLED])),
        unserved=Count("pk", filter=Q(stage="unserved")),
        taken=Sum("charged_minor"),
    )
    on_line = Shift.objects.on_line(at).filter(city=city).count()
    refused = Decision.objects.filter(decided_at__gte=since).exclude(refusal="").count()
    waits = pickup_waits(city, since)
    wait = _("fewer than 5") if len(waits) < FEWEST else f"{median(waits) / 60:.1f} min"
    return [
        Figure(_("Drivers on line"), on_line, _list("dispatch_shift")),
        Figure(_("Orders under way"), by["live"], _list("orders_order")),
        Figure(_("Orders placed today"), by["placed"], _list("orders_order")),
        Figure(_("Rides done today"), by["done"], _list("orders_order", "state=COMPLETED")),
        Figure(_("Nobody was free"), by["unserved"], _list("orders_order", "stage=unserved")),
        Figure(_("Median wait for the car"), str(wait), _list("orders_step", "name=arrive")),
        Figure(_("Refused by a rule"), refused, _list("regulation_decision")),
    ]


def pickup_waits(city: City, since: datetime) -> list[float]:
    """Seconds from the bank's yes to the car at the kerb, for each ride that got that far."""
    steps = (
        Step.objects.filter(order__city=city, order__placed_at__gte=since)
        .values("order")
        .annotate(
            asked=Min("taken_at", filter=Q(name="authorise")),
            came=Max("taken_at", filter=Q(name="arrive")),
        )
        .filter(asked__isnull=False, came__isnull=False)
    )
    return [(row["came"] - row["asked"]).total_seconds() for row in steps]


def by_hour(city: City, at: datetime) -> list[dict[str, Any]]:
    """Orders placed in each hour of the day so far; the last hour is still open."""
    now = city.now(at)
    since = now.replace(hour=0, minute=0, second=0, microsecond=0)
    counts = [0] * (now.hour + 1)
    placed = Order.objects.filter(city=city, placed_at__gte=since)
    for moment in placed.values_list("placed_at", flat=True):
        counts[min(city.now(moment).hour, now.hour)] += 1
    top = max(counts) or 1
    return [
        {"hour": hour, "count": count, "share": round(100 * count / top)}
        for hour, count in enumerate(counts)
    ]


def money() -> list[dict[str, Any]]:
    """What every account holds, the sum of all of them being nought."""
    rows = (
        Entry.objects.values(code=F("account__code"), unit=F("currency"))
        .annotate(balance=Sum("amount_minor"))
        .order_by("code", "unit")
    )
    return [dict(row) for row in rows]


def live_map(city: City, at: datetime) -> dict[str, Any]:
    """Every car that was heard of in the last minute, and every ride that waits or is under way."""
    busy = set(Run.objects.live().values_list("worker", flat=True))
    on_line = Shift.objects.on_line(at).filter(city=city).values("worker")
    cars = Position.objects.filter(worker__in=on_line, seen_at__gte=at - FRESH_FOR)
    jobs = Job.objects.filter(city=city).exclude(state=Job.State.RELEASED)
    return {
        "at": at.isoformat(),
        "cars": [
            {
                "id": car.worker_id,
                "lat": car.lat,
                "lon": car.lon,
                "heading": car.heading,
                "busy": car.worker_id in busy,
            }
            for car in cars.order_by("pk")
        ],
        "rides": [
            {
                "ref": str(job.holder),
                "lat": job.pickup_lat,
                "lon": job.pickup_lon,
                "state": job.state,
                "says": job.get_state_display(),
                "since": (job.searching_since or job.held_at).isoformat(),
            }
            for job in jobs.order_by("held_at")[:500]
        ],
    }


def _figure(label: str | Promise, value: int, model: str, query: str = "") -> Figure:
    return Figure(label, value, _list(model, query), is_urgent=value > 0)


def _list(model: str, query: str = "") -> str:
    url = reverse(f"admin:{model}_changelist")
    # A filter by field alone: the admin calls it `name__exact`.
    return f"{url}?{query.replace('=', '__exact=')}" if query else url
