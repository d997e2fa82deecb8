"""The page that everybody may watch: the city as it moves, and the day so far."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.insight import city_now, crowds, day
from apps.insight.day import Hour
from apps.kernel import clock
from apps.places.current import current_city
from apps.places.models import City

# So many hours fit side by side on a phone; the table has them all.
BARS = 12


@require_safe
def city(request: HttpRequest) -> HttpResponse:
    """The city now: whole without the map and without a script."""
    here = current_city()
    return render(request, "insight/city.html", _picture(here, clock.now()) if here else {})


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The parts of the page that change, for the page itself to ask for every few seconds."""
    here = _city()
    return render(request, "insight/city_live.html", _picture(here, clock.now()))


@require_safe
def hours(request: HttpRequest) -> HttpResponse:
    """The hours of the day so far as CSV; waits in seconds, empty where there are too few."""
    here = _city()
    picture = city_now.today(here, at=clock.now())
    rows = (
        (one.hour, one.asked, one.served, *_figures(one.waits), "yes" if one.is_open else "")
        for one in picture.hours
    )
    heads = ("hour", "asked", "served", *FIGURES, "still_open")
    return _sheet(f"{here.slug}-hours", picture.at, heads, rows)


@require_safe
def districts(request: HttpRequest) -> HttpResponse:
    """The waits by district as CSV, in seconds, empty where there are too few."""
    here = _city()
    picture = city_now.today(here, at=clock.now())
    rows = ((one.name, *_figures(one.waits)) for one in picture.districts)
    return _sheet(f"{here.slug}-districts", picture.at, ("district", *FIGURES), rows)


FIGURES = ("waits", "median_seconds", "p90_seconds")


def _figures(waits: day.Waits) -> tuple[str | int, str | int, str | int]:
    """The three columns; a count below the least is no more told than its median."""
    if waits.median is None or waits.p90 is None:
        return (f"fewer than {day.FEWEST}" if waits.count else 0, "", "")
    return (waits.count, round(waits.median), round(waits.p90))


def _sheet(
    name: str, at: datetime, heads: Sequence[str], rows: Iterable[Sequence[object]]
) -> HttpResponse:
    file = f'attachment; filename="{name}-{at:%Y%m%dT%H%MZ}.csv"'
    response = HttpResponse(
        content_type="text/csv; charset=utf-8", headers={"Content-Disposition": file}
    )
    sheet = csv.writer(response)
    sheet.writerow(heads)
    sheet.writerows(rows)
    return response


def _city() -> City:
    here = current_city()
    if here is None:
        raise Http404
    return here


def _picture(here: City, at: datetime) -> dict[str, Any]:
    moving, today = city_now.moving(here, at=at), city_now.today(here, at=at)
    return {
        "here": here,
        "moving": moving,
        "today": today,
        "layers": {"cars": moving.cars.features(), "requests": moving.requests.features()},
        "least": crowds.LEAST,
        "fewest": day.FEWEST,
        "rides_bars": _rides_bars(today.hours),
        "wait_bars": _wait_bars(today.hours),
        "busiest": max(today.hours, key=lambda one: one.asked, default=None),
        "longest": max(
            (one for one in today.districts if one.waits.median is not None),
            key=lambda one: one.waits.median or 0,
            default=None,
        ),
    }


def _rides_bars(some: list[Hour]) -> list[dict[str, Any]]:
    """Asked as a frame, served as what fills it."""
    shown = some[-BARS:]
    top = max((one.asked for one in shown), default=0) or 1
    return [
        {
            "label": f"{one.hour:02}",
            # A narrow screen may break the line after the stroke.
            "text": f"{one.served}/\u200b{one.asked}" if one.asked else "0",
            "state": "open" if one.is_open else "",
            "asked": _bar(one.asked, top),
            "served": _bar(one.served, top),
        }
        for one in shown
    ]


def _bar(value: int, top: int) -> dict[str, str]:
    height = 100 * value / top
    return {"y": f"{100 - height:.1f}", "height": f"{height:.1f}"}


def _wait_bars(some: list[Hour]) -> list[dict[str, Any]]:
    return [
        {
            "label": f"{one.hour:02}",
            "value": one.waits.median or 0,
            # Short in every language: it stands above every hour of a quiet day.
            "text": f"<{day.FEWEST}"
            if one.waits.median is None
            else f"{one.waits.median / 60:.1f}",
            "state": "few" if one.waits.median is None else "open" if one.is_open else "",
        }
        for one in some[-BARS:]
    ]
