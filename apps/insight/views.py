from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.insight import queries, rolls
from apps.kernel import clock
from apps.parties.models import User
from apps.places.models import City


def first_city() -> City | None:
    return City.objects.order_by("pk").first()


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the officer's first page shows: worklists before charts, each number with its rows.

    Whoever may not see the rows is not shown their worklist, and finds no way to them.
    """
    at, city, may = clock.now(), first_city(), cast(User, request.user).has_perm
    context["worklists"] = [one for one in queries.worklists(at) if may(one.needs)]
    context["sees"] = {
        "orders": may("orders.view_order"),
        "money": may("ledger.view_account"),
        "machinery": may("bus.view_event"),
    }
    context["mine"] = rolls.of_my_districts(cast(User, request.user))
    if context["sees"]["money"]:
        context["accounts"] = queries.money()
    if city:
        context |= {
            "city": city,
            "figures": queries.for_eyes(queries.today(city, at), may),
            "week": queries.for_eyes(queries.week(city, at), may),
            "districts": queries.for_eyes(queries.districts(city, at), may),
            "hours": queries.by_hour(city, at),
        }
    return context


@require_safe
@staff_member_required
@permission_required("orders.view_order", raise_exception=True)
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
@permission_required("orders.view_order", raise_exception=True)
def live_map_data(request: HttpRequest) -> JsonResponse:
    city = first_city()
    state = queries.live_map(city, clock.now()) if city else {"cars": [], "rides": []}
    return JsonResponse(state, headers={"Cache-Control": "no-store"})
