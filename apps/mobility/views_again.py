"""New prices for a way that was asked for before."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.mobility import operations
from apps.mobility.views import CANNOT_SERVE, order_of, quotes_of
from apps.places.current import current_city
from apps.places.geometry import Point
from apps.regulation import operations as regulation
from apps.regulation import refusals


@require_POST
@login_required
def again(request: HttpRequest, ref: UUID) -> HttpResponse:
    """New prices for the same way, or for the way back."""
    own = order_of(request, ref).ride
    ends = [
        operations.Stop(own.pickup, own.pickup_name),
        *map(_stop, own.stops),
        operations.Stop(own.dropoff, own.dropoff_name),
    ]
    if request.POST.get("back"):
        ends.reverse()
    return _requote(request, ends, needs=own.needs)


@require_POST
def requote(request: HttpRequest, bundle: UUID) -> HttpResponse:
    """New prices in place of those that ran out."""
    quotes = quotes_of(request, bundle)
    asked = quotes[0].request
    ends = [*map(_stop, (asked["pickup"], *asked.get("stops", ()), asked["dropoff"]))]
    later = operations.hour_of(quotes[0])
    return _requote(request, ends, needs=asked.get("needs", []), pickup_at=later, before=bundle)


def _stop(place: dict[str, Any]) -> operations.Stop:
    return operations.Stop(Point(place["lat"], place["lon"]), place["name"])


def _requote(
    request: HttpRequest,
    ends: list[operations.Stop],
    needs: list[str],
    pickup_at: datetime | None = None,
    before: UUID | None = None,
) -> HttpResponse:
    city = current_city()
    try:
        if city is None:
            raise operations.CannotServe("no_service")
        quotes = operations.quote_trip(
            city=city,
            pickup=ends[0],
            dropoff=ends[-1],
            stops=ends[1:-1],
            pickup_at=pickup_at,
            needs=needs,
            consumer_id=request.user.pk,
            by=Actor(Kind.CONSUMER, str(request.user.pk or "visitor")),
            at=clock.now(),
        )
    except operations.CannotServe as no:
        messages.error(request, CANNOT_SERVE[no.code])
        return redirect("mobility:plan")
    except regulation.NotPermitted as no:
        messages.error(request, refusals.refusal(no, request.user))
        return redirect("mobility:plan")
    page = reverse("mobility:choose", args=[quotes[0].bundle])
    return redirect(f"{page}?before={before}" if before else page)
