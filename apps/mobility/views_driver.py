"""A driver's pages: the shift, the offer that rings, the ride step by step, what today brought."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.dispatch import operations as dispatch
from apps.dispatch import queries as supply
from apps.dispatch.models import Position
from apps.kernel import clock, formats
from apps.mobility import at_work, needs, operations
from apps.mobility.models import Alert
from apps.orders import operations as orders
from apps.orders.keys import key_of
from apps.orders.models import Order
from apps.parties.models import Worker
from apps.payments.operations import NOT_PAID
from apps.places.current import current_city
from apps.places.models import City
from apps.regulation import operations as regulation
from apps.regulation import refusals
from apps.regulation.models import Permit
from apps.regulation.queries import demands, explain, refusal_of_papers, refusal_of_permit

REFUSALS: dict[type[Exception], Any] = {
    dispatch.NoSuchOffer: gettext_lazy("This offer is not there any more."),
    dispatch.TooLate: gettext_lazy(
        "The offer ran out or was called off. That does you no harm; the next one will come."
    ),
    dispatch.Full: gettext_lazy("You are under way already, or have too few seats free."),
    dispatch.NotOnShift: gettext_lazy("You are not on line. Go on line first."),
    dispatch.OnARun: gettext_lazy("Finish the ride that you are on first, then go off line."),
    dispatch.OnShiftElsewhere: gettext_lazy("You are on line in another city. Go off line there."),
    orders.OutOfTurn: gettext_lazy("The ride has moved on. This page shows where it stands now."),
}
REFUSED_STEPS = {
    "wrong_code": gettext_lazy("That is not the code. Ask the rider to read it out again."),
    "too_many_tries": gettext_lazy(
        "The code was wrong five times, so this ride cannot start. Give the ride back."
    ),
    "paid_by_card": gettext_lazy("This ride is paid by card: there is no cash to collect."),
    "no_stop_ahead": gettext_lazy("There is no stop ahead. Drive to the drop-off."),
    "stop_ahead": gettext_lazy("A stop comes first."),
    "way_changed": gettext_lazy("The way has changed. Look at it before you go on."),
    "too_early": gettext_lazy("The rider still has time to come. The sheet says until when."),
}
REASONS = {
    "car_trouble": gettext_lazy("Trouble with the car"),
    "cannot_reach": gettext_lazy("I cannot reach the pick-up"),
    "unsafe": gettext_lazy("I do not feel safe"),
    "other": gettext_lazy("Something else"),
}
STEPS = frozenset(
    {"arrive", "board", "reach_stop", "go_on", "drop_off", "end_at_stop", "give_back", "no_show"}
)
LATELY = timedelta(minutes=30)
BARS = 6


def _worker(request: HttpRequest) -> Worker | None:
    active = Worker.objects.active().filter(user=request.user.pk)
    return active.select_related("provider", "user").first()


def _refuse(request: HttpRequest) -> HttpResponse:
    return render(request, "mobility/driver/not_a_driver.html", status=403)


@require_safe
@login_required
def shift(request: HttpRequest) -> HttpResponse:
    """All that a driver needs at work, on one page."""
    worker = _worker(request)
    if worker is None:
        return _refuse(request)
    city = current_city()
    if city is None:
        return render(request, "mobility/no_city.html", status=503)
    return render(request, "mobility/driver/shift.html", _page(worker, city))


@require_safe
@login_required
def sheet(request: HttpRequest) -> HttpResponse:
    """What changes of the page, for the page to put in place."""
    worker, city = _worker(request), current_city()
    if worker is None or city is None:
        return _refuse(request)
    return render(request, "mobility/driver/parts.html", _page(worker, city))


@require_POST
@login_required
def change(request: HttpRequest) -> HttpResponse:
    """Go on line, pause, resume, go off line."""
    match request.POST.get("action"):
        case "on_line":
            city = current_city()
            return _do(request, operations.go_on_shift, city_id=city.pk if city else 0)
        case "pause":
            return _do(request, dispatch.pause_shift)
        case "resume":
            return _do(request, dispatch.resume_shift)
        case "off_line":
            return _do(request, operations.leave_shift)
    return HttpResponse(_("That is nothing a shift can do."), status=422, content_type="text/plain")


@require_POST
@login_required
def answer(request: HttpRequest, offer: int) -> HttpResponse:
    """Accept, decline, or ask for 15 seconds more."""
    match request.POST.get("answer"):
        case "accept":
            return _do(request, operations.accept_offer, offer_id=offer)
        case "decline":
            return _do(request, dispatch.decline, offer_id=offer, reason="")
        case "more_time":
            return _do(request, dispatch.extend, offer_id=offer)
    return HttpResponse(_("That is no answer."), status=422, content_type="text/plain")


@require_POST
@login_required
def step(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Arrive, start with the rider's code, drop off, give back, or leave who did not come."""
    worker = _worker(request)
    if worker is None:
        return _refuse(request)
    # Other people's rides are not found, rather than forbidden.
    get_object_or_404(Order, ref=ref, worker=worker, vertical=operations.VERTICAL)
    name, reason = request.POST.get("step", ""), request.POST.get("reason", "")
    # By the same key the step is known if it is told again, because the answer was lost.
    key = request.POST.get("key", "")[:200]
    if name not in STEPS:
        return HttpResponse(_("That is no step."), status=422, content_type="text/plain")
    return _do(
        request,
        _take,
        ref=ref,
        step=name,
        code="".join(request.POST.get("code", "").split())[:10],
        seen=request.POST.get("seen", "")[:50],
        reason=reason if reason in {*REASONS, NOT_PAID} else "",
        key=key_of(worker.user_id, key) if key else None,
    )


def _take(*, worker_id: int, **what: Any) -> Order:
    return orders.take(**what)


def _do(request: HttpRequest, operation: Any, **what: Any) -> HttpResponse:
    """One call of one operation, as this driver, now; then the page, which says what came of it."""
    worker = _worker(request)
    if worker is None:
        return _refuse(request)
    try:
        operation(worker_id=worker.pk, by=worker.actor, at=clock.now(), **what)
    except tuple(REFUSALS) as no:
        messages.error(request, REFUSALS[type(no)])
    except orders.StepRefused as no:
        messages.error(request, REFUSED_STEPS.get(no.code, REFUSALS[orders.OutOfTurn]))
    except regulation.NotPermitted as no:
        messages.error(request, refusals.refusal(no, request.user))
    return redirect("driver:shift")


def _page(worker: Worker, city: City) -> dict[str, Any]:
    at = clock.now()
    state = at_work.state_of(worker, at)
    offer, rides = state["offer"], state["rides"]
    ride = rides[0] if rides else None
    lapsed = refusal_of_permit(worker.provider_id, operations.VERTICAL, at)
    asked = demands(worker.user_id, city, operations.VERTICAL, at)
    seen = supply.where_is(worker.pk)
    return {
        "worker": worker,
        "city": city,
        "at": at,
        "shift": state["shift"],
        "offer": offer,
        "answer": offer and _answer(offer, at),
        "rides": [_under_way(one, at) for one in rides],
        "ride": ride,
        "today": _today(worker, city, at),
        "lapsed": lapsed and explain(lapsed),
        "papers": explain(refusal_of_papers(asked)),
        "ending": [one for one in asked if one.state == "ends_soon" and not one.is_renewing],
        "permit": lapsed and _last_permit(worker),
        "asked_lately": at_work.asked_since(city, at - LATELY),
        "reasons": REASONS,
        "map": {"city": city.slug, **_map(offer, ride, seen if state["shift"] else None)},
        "stage": f"offer-{offer['id']}" if offer else _stage(ride) if ride else "",
    }


def _answer(offer: dict[str, Any], at: datetime) -> dict[str, Any]:
    """What the card of an offer says beyond the offer itself."""
    way = offer["to_pickup"]
    left = (offer["expires_at"] - at).total_seconds()
    return {
        "left": max(0, int(left)),
        "whole": round((offer["expires_at"] - offer["offered_at"]).total_seconds()),
        "seconds": way["seconds"] + offer["ride"]["seconds"],
        "stops": [
            {"kind": "you", "name": _("You"), "time": _("now")},
            _stop("start", offer["pickup"]["name"], way),
            *({"kind": "stop", "name": stop["name"]} for stop in offer["stops"]),
            _stop("end", offer["dropoff"]["name"], offer["ride"]),
        ],
        "needs": needs.told(offer["needs"]),
        "reasons": _why(offer["reasons"], way["seconds"]),
    }


def _stop(kind: str, name: str, way: dict[str, Any]) -> dict[str, str]:
    far = formats.distance(way["metres"], language=_language())
    return {"kind": kind, "name": name, "time": formats.minutes(way["seconds"]), "note": far}


def _language() -> str:
    return get_language() or "en"


def _why(reasons: dict[str, Any], seconds: int) -> list[str]:
    """Say in words why the matcher chose this driver."""
    mine = formats.minutes(reasons.get("seconds", seconds))
    following = reasons.get("next_seconds")
    if reasons.get("nearest") is False:
        first = _("You are %(mine)s away. Whoever is nearer was asked for another ride.")
    else:
        first = _("You arrive first: %(mine)s.")
    said = [first % {"mine": mine}]
    if following is not None:
        said.append(_("The next takes %(time)s.") % {"time": formats.minutes(following)})
    elif "next_seconds" in reasons:
        said.append(_("Nobody else is free and near enough."))
    if waited := reasons.get("waited"):
        said.append(_("The rider has waited for %(time)s.") % {"time": formats.minutes(waited)})
    said.append(_("Ratings and earlier answers play no part."))
    return said


def _under_way(ride: dict[str, Any], at: datetime) -> dict[str, Any]:
    leave_at, waits_until = ride["may_leave_at"], ride["stop_wait_until"]
    following = next((stop for stop in ride["stops"] if stop["state"] == "next"), None)
    passed = {"passed": _("passed"), "here": _("here now"), "next": _("next")}
    titles = {
        "on_the_way": _("Drive to the pick-up"),
        "at_pickup": _("Wait for %(name)s") % {"name": ride["rider"]["name"]},
        "on_board": _("Drive to the stop") if following else _("Drive to the drop-off"),
        "at_stop": _("Wait at the stop"),
    }
    return {
        **ride,
        "alert": Alert.objects.open().filter(order__ref=ride["ref"], part="DRIVER").first(),
        "title": titles.get(ride["stage"], ""),
        "needs_told": needs.told(ride["needs"]),
        "next_stop": following,
        "may_leave": leave_at is not None and at >= leave_at,
        "may_end": waits_until is not None and at >= waits_until,
        "stops": [
            {"kind": "start", "name": ride["pickup"]["name"]},
            *(
                {"kind": "stop", "name": stop["name"], "more": passed.get(stop["state"])}
                for stop in ride["stops"]
            ),
            {"kind": "end", "name": ride["dropoff"]["name"]},
        ],
    }


def _stage(ride: dict[str, Any]) -> str:
    """What the page says aloud when it changes: the stage, and a changed way within it."""
    return f"{ride['stage']}-way{ride['changes']}" if ride["changes"] else ride["stage"]


def _last_permit(worker: Worker) -> Permit | None:
    permits = Permit.objects.filter(provider=worker.provider_id, vertical=operations.VERTICAL)
    return permits.order_by("valid").last()


def _today(worker: Worker, city: City, at: datetime) -> dict[str, Any]:
    """What today brought: the sum, the rides, and hour by hour."""
    since = city.now(at).replace(hour=0, minute=0, second=0, microsecond=0)
    parts = at_work.earned(worker, since=since, until=at + timedelta(seconds=1))
    hours = supply.time_on_line(worker.pk, since=since, until=at) / timedelta(hours=1)
    total, now = sum(part for _ended, part in parts), city.now(at).hour
    by_hour: dict[int, int] = {}
    for ended, part in parts:
        hour = city.now(ended).hour
        by_hour[hour] = by_hour.get(hour, 0) + part
    shown = range(max(min(by_hour, default=now), now - BARS + 1), now + 1)
    return {
        "earned_minor": total,
        "tips_minor": at_work.tips(worker, since=since, until=at + timedelta(seconds=1)),
        "rides": len(parts),
        # An hour that has hardly begun says nothing about an hour.
        "per_hour_minor": round(total / hours) if hours >= 1 / 4 else None,
        "bars": [
            {
                "label": f"{hour:02}",
                "value": by_hour.get(hour, 0),
                "text": formats.figures(by_hour.get(hour, 0), city.currency, language=_language()),
                "state": "open" if hour == now else "",
            }
            for hour in shown
        ],
    }


def _map(offer: Any, ride: Any, seen: Position | None) -> dict[str, Any]:
    """What the map draws; the sheet says the same in words."""
    drawn: dict[str, Any] = {"line": None, "start": None, "stops": [], "end": None, "car": None}
    if trip := offer or ride:
        drawn |= {"line": trip["line"], "start": trip["pickup"], "end": trip["dropoff"]}
        drawn["stops"] = trip["stops"]
        # Dotted: the way to the pick-up.
        drawn["approaches"] = bool(offer) or trip["stage"] == "on_the_way"
    if seen is not None:
        drawn["car"] = {"lat": seen.lat, "lon": seen.lon, "heading": seen.heading}
    return drawn
