"""What an officer looks at: reads of every app, writes of none.

A number and the list behind it are made from one and the same set of conditions (`counted`), so
that they cannot differ.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, Model, Q, Sum
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.bus.models import Delivery
from apps.dispatch.models import Job, Position, Run, Shift
from apps.dispatch.queries import FRESH_FOR
from apps.insight import day
from apps.insight.day import Asked
from apps.kernel import formats
from apps.ledger.models import Entry
from apps.mobility.models import Alert, LostItem, SafetyCheck
from apps.notifications.models import Sending
from apps.orders.models import Order
from apps.payments.models import Attempt
from apps.places.models import City
from apps.pricing.models import Levy
from apps.regulation import queries as regulation
from apps.regulation import queries_cases as cases
from apps.regulation.models import CaseFile, Decision, Paper, Permit, Policy, PolicyVersion
from apps.regulation.queries_permits import ending
from apps.regulation.rulebook import Standing
from apps.settlement.models import Payout
from apps.treasury.models import Difference

WAITS_TOO_LONG = timedelta(minutes=3)
STUCK_AFTER = timedelta(minutes=2)
DAYS = 7
# An address longer than about this many numbers is refused by browsers and servers.
MOST_ROWS = 1_000

LIVE = [
    state for state in Order.State if state not in (Order.State.COMPLETED, Order.State.CANCELLED)
]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, what it counts, and the rows behind it."""

    label: str | Promise
    value: int | str | Promise
    url: str
    is_urgent: bool = False
    note: str | Promise = ""
    # What it takes to see the rows.
    needs: str = ""


def counted(
    label: str | Promise, model: type[Model], *, urgent: bool = False, **where: object
) -> Figure:
    """How many rows meet the conditions, with the way to the list of exactly these."""
    count = model._default_manager.filter(**where).count()
    url = rows(model, **where)
    return Figure(label, count, url, is_urgent=urgent and count > 0, needs=_view(model))


def for_eyes(figures: list[Figure], may: Callable[[str], bool]) -> list[Figure]:
    """The same figures, with a way to the rows only for whoever may see them."""
    return [one if not one.needs or may(one.needs) else replace(one, url="") for one in figures]


def _view(model: type[Model]) -> str:
    return f"{model._meta.app_label}.view_{model._meta.model_name}"


def rows(model: type[Model], **where: object) -> str:
    """The admin's list of the rows that meet the conditions."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{url}?{urlencode({name: _as_text(value) for name, value in where.items()})}"


def _as_text(value: object) -> str:
    """Write a condition as the admin reads it in an address."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, list):
        return ",".join(str(one) for one in value)
    return str(value)


def worklists(at: datetime) -> list[Figure]:
    """What waits for an officer.  Nought is good news, and still says where the rows would be."""
    return [
        counted(_("Calls for help that are open"), Alert, urgent=True, closed_at__isnull=True),
        counted(_("Lost items that are open"), LostItem, closed_at__isnull=True),
        counted(
            _("News for people that was refused"), Sending, urgent=True, state=Sending.State.FAILED
        ),
        counted(
            _("Safety checks without an answer"),
            SafetyCheck,
            urgent=True,
            escalated_at__isnull=False,
            closed_at__isnull=True,
        ),
        counted(
            _("Rides unanswered for 3 minutes"),
            Job,
            urgent=True,
            state=Job.State.SEARCHING,
            searching_since__lte=at - WAITS_TOO_LONG,
        ),
        _permits(_("Permits that run out in 30 days"), ending(at, 30), "30"),
        _to_approve(),
        _levies_to_approve(),
        _cases(_("Cases past their day"), cases.overdue(at), "overdue"),
        _cases(_("Cases that nobody has taken"), cases.unowned(), "unowned"),
        _papers(_("Papers to check"), regulation.to_check(), "to_check"),
        _papers(_("Papers that run out in 30 days"), regulation.running_out(at), "running_out"),
        counted(
            _("Payouts that the bank returned"), Payout, urgent=True, state=Payout.State.FAILED
        ),
        counted(_("Payouts held by an officer"), Payout, urgent=True, state=Payout.State.HELD),
        counted(
            _("Differences in the money"),
            Difference,
            urgent=True,
            state__in=[Difference.State.OPEN.value, Difference.State.PROPOSED.value],
        ),
        counted(
            _("Questions to the bank without an answer"),
            Attempt,
            urgent=True,
            answered_at__isnull=True,
            noted_at__lte=at - STUCK_AFTER,
        ),
        counted(
            _("News that could not be delivered"),
            Delivery,
            urgent=True,
            dead_at__isnull=False,
            done_at__isnull=True,
        ),
    ]


def _to_approve() -> Figure:
    count = PolicyVersion.objects.to_approve().count()
    url = rows(Policy, worklist=Standing.PROPOSED)
    return Figure(_("Rules to approve"), count, url, is_urgent=count > 0)


def _levies_to_approve() -> Figure:
    count = Levy.objects.filter(state=Levy.State.PROPOSED).count()
    url = rows(Levy, standing="proposed")
    return Figure(
        _("Taxes and fees to approve"), count, url, is_urgent=count > 0, needs=_view(Levy)
    )


def _permits(label: str | Promise, which: Q, worklist: str) -> Figure:
    count = Permit.objects.filter(which).count()
    return Figure(label, count, rows(Permit, worklist=worklist), is_urgent=count > 0)


def _cases(label: str | Promise, which: Q, worklist: str) -> Figure:
    count = CaseFile.objects.filter(which).count()
    return Figure(label, count, rows(CaseFile, worklist=worklist), is_urgent=count > 0)


def _papers(label: str | Promise, which: Q, worklist: str) -> Figure:
    count = Paper.objects.filter(which).count()
    url = rows(Paper, worklist=worklist)
    return Figure(label, count, url, is_urgent=count > 0, needs=_view(Paper))


def today(city: City, at: datetime) -> list[Figure]:
    """The day so far, by the city's clock."""
    since = day.start(city, at)
    here: dict[str, Any] = {"city__id__exact": city.pk}
    on_line = Shift.objects.on_line(at).filter(city=city).values_list("pk", flat=True)
    return [
        _listed(_("Drivers on line"), Shift, list(on_line)),
        counted(_("Orders under way"), Order, state__in=LIVE, **here),
        *_figures(city, since, at),
    ]


def week(city: City, at: datetime) -> list[Figure]:
    """The seven days that end with this one."""
    return _figures(city, day.start(city, at) - timedelta(days=DAYS - 1), at)


def _figures(city: City, since: datetime, at: datetime) -> list[Figure]:
    asked = day.rides(city, since=since, until=at)
    placed: dict[str, Any] = {
        "city__id__exact": city.pk,
        "placed_at__gte": since,
        "placed_at__lte": at,
    }
    return [
        counted(_("Orders placed"), Order, **placed),
        counted(_("Rides done"), Order, state=Order.State.COMPLETED, **placed),
        counted(_("Nobody was free"), Order, stage="unserved", **placed),
        wait(_("Median wait for the car"), asked),
        wait(_("Median wait, step-free"), [one for one in asked if one.is_step_free]),
        counted(
            _("Refused by a rule"), Decision, decided_at__gte=since, decided_at__lte=at,
            refusal__gt="",
        ),
    ]  # fmt: skip


def wait(label: str | Promise, asked: list[Asked]) -> Figure:
    """A median wait with its p90, its count, and the orders that it is of."""
    waits = day.waits(asked)
    listed = _listed(label, Order, [one.order for one in asked if one.waited is not None])
    if waits.median is None or waits.p90 is None:
        return replace(listed, value=_("fewer than 5"), note=_waits(waits.count))
    told = _("p90 %(p90)s, %(waits)s") % {
        "p90": formats.minutes(waits.p90),
        "waits": _waits(waits.count),
    }
    return replace(listed, value=f"{waits.median / 60:.1f} min", note=told)


def _waits(count: int) -> str:
    return ngettext("%d wait", "%d waits", count) % count


def districts(city: City, at: datetime) -> list[Figure]:
    """Today's waits in each district, the name being the label."""
    asked = day.rides(city, since=day.start(city, at), until=at)
    by_order = {one.order: one for one in asked}
    return [
        wait(area.name, [by_order[order] for order in area.orders])
        for area in day.by_district(city, asked)
    ]


def by_hour(city: City, at: datetime) -> list[dict[str, Any]]:
    """Rides asked for in each hour of the day so far, with what came of them."""
    since = day.start(city, at)
    hours = day.by_hour(city, day.rides(city, since=since, until=at), at)
    top = max((one.asked for one in hours), default=0) or 1
    return [
        {
            "hour": one.hour,
            "asked": one.asked,
            "served": one.served,
            "median": None if one.waits.median is None else f"{one.waits.median / 60:.1f}",
            "waits": one.waits.count,
            "is_open": one.is_open,
            "share": round(100 * one.asked / top),
            "served_share": round(100 * one.served / top),
            "url": rows(
                Order,
                city__id__exact=city.pk,
                vertical="mobility",
                placed_at__gte=since + timedelta(hours=one.hour),
                placed_at__lt=min(since + timedelta(hours=one.hour + 1), at + MOMENT),
            ),
        }
        for one in hours
    ]


# What was placed at this very moment counts.
MOMENT = timedelta(microseconds=1)


def _listed(label: str | Promise, model: type[Model], numbers: list[int]) -> Figure:
    """Rows that no condition of the list describes, by their numbers."""
    shown = sorted(numbers)[-MOST_ROWS:]
    return Figure(label, len(numbers), rows(model, pk__in=shown or [0]), needs=_view(model))


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
