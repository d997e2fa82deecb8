from typing import Any

from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.insight import queries
from apps.kernel import clock
from apps.places.models import City


def first_city() -> City | None:
    return City.objects.order_by("pk").first()


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the officer's first page shows: worklists before charts, each number with its rows."""
    at, city = clock.now(), first_city()
    context["worklists"] = queries.worklists(at)
    context["accounts"] = queries.money()
    if city:
        context |= {
            "city": city,
            "figures": queries.today(city, at),
            "week": queries.week(city, at),
            "districts": queries.districts(city, at),
            "hours": queries.by_hour(city, at),
        }
    return context


@require_safe
@staff_member_required
def live_map(request: HttpRequest) -> HttpResponse:
    """The whole city as it moves, for officers; the same rows stand below as a table."""
    city = first_city()
    state = queries.live_map(city, clock.now()) if city else {"cars": [], "rides": []}
    context = admin.site.each_context(request) | {
        "title": _("Live map"),
        "city": city,
        "state": state,
    }
    return render(request, "insight/live_map.html", context)


@require_safe
@staff_member_required
def live_map_data(request: HttpRequest) -> JsonResponse:
    city = first_city()
    state = queries.live_map(city, clock.now()) if city else {"cars": [], "rides": []}
    return JsonResponse(state, headers={"Cache-Control": "no-store"})
