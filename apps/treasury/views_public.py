"""Where each coin goes, for everybody: one city, one month, whole groups of payments only."""

import csv
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.kernel import clock
from apps.places.current import current_city
from apps.places.models import City
from apps.treasury.flows import LABELS, SHARES, Followed, follow
from apps.treasury.sankey import drawn

# Nobody's own price is to be read from the picture.
BY = 5
KEPT_SECONDS = 300
# So far back we look for everybody; the office looks as far as the books go.
MONTHS = 24


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose month is looked at: its first day, and the current one."""

    city: City
    month: date
    current: date

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """From its first moment up to, and without, the next month's, on the city's clocks."""
        zone = self.city.zone_info
        first = datetime.combine(self.month, time(), zone)
        return first, datetime.combine(_next(self.month), time(), zone)


@require_safe
def money(request: HttpRequest) -> HttpResponse:
    """A month as picture and table."""
    asked = _asked(request)
    followed = _followed(asked)
    bars, ribbons = drawn(followed.flows)
    return render(
        request,
        "treasury/public.html",
        {
            "here": asked.city,
            "month": asked.month,
            "before": _before(asked),
            "after": _next(asked.month) if asked.month < asked.current else None,
            "followed": followed,
            "bars": bars,
            "ribbons": ribbons,
            "lines": _lines(followed),
            "shares": _shares(followed),
            "by": BY,
        },
    )


@require_safe
def sheet(request: HttpRequest) -> HttpResponse:
    """The same as CSV: minor units, with the places' own names in the books."""
    asked = _asked(request)
    name = f"{asked.city.slug}-money-{asked.month:%Y-%m}.csv"
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    writer = csv.writer(response)
    writer.writerow(("from", "to", "amount_minor", "currency"))
    for one in _followed(asked).flows:
        writer.writerow((one.source, one.target, one.amount.minor, one.amount.currency))
    return response


def _asked(request: HttpRequest) -> Asked:
    """The month that was asked for, else the current one.  Raises `Http404` for no such month."""
    city = current_city()
    if city is None:
        raise Http404
    current = clock.now().astimezone(city.zone_info).date().replace(day=1)
    told = request.GET.get("month")
    try:
        month = date.fromisoformat(f"{told}-01") if told else current
    except ValueError as error:
        raise Http404 from error
    asked = Asked(city, month, current)
    if not _first(current) <= month <= current:
        raise Http404
    return asked


def _followed(asked: Asked) -> Followed:
    """Followed at most every few minutes, however many look."""
    key = f"treasury.public.{asked.city.pk}.{asked.month:%Y-%m}"
    kept: Followed | None = cache.get(key)
    if kept is None:
        kept = follow(asked.city, *asked.moments, by=BY)
        cache.set(key, kept, KEPT_SECONDS)
    return kept


def _lines(followed: Followed) -> list[dict[str, Any]]:
    return [
        {"source": LABELS[one.source], "target": LABELS[one.target], "amount": one.amount}
        for one in followed.flows
    ]


def _shares(followed: Followed) -> list[tuple[Any, str]]:
    """Who got how much, and how much of each hundred that is, with one decimal."""
    total = followed.taken.minor
    parts = {
        place: sum(one.amount.minor for one in followed.flows if one.target == place)
        for place in SHARES
    }
    return [
        (LABELS[place], f"{100 * minor / total:.1f}") for place, minor in parts.items() if minor
    ]


def _next(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def _first(current: date) -> date:
    months = current.year * 12 + current.month - 1 - MONTHS
    return date(months // 12, months % 12 + 1, 1)


def _before(asked: Asked) -> date | None:
    before = (asked.month - timedelta(days=1)).replace(day=1)
    return before if before >= _first(asked.current) else None
