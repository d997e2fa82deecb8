"""A rider's pages: where to, what it costs, where the car is."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_safe

from apps.dispatch import queries as supply
from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.mobility import needs, operations, progress, queries
from apps.mobility.forms import CASH, STOPS, BookForm, TripForm
from apps.mobility.templatetags.mobility import trip_data
from apps.orders import changes, live, verticals
from apps.orders import operations as orders
from apps.orders.models import Order
from apps.parties.authentication import asking
from apps.parties.queries import needs_of
from apps.payments.queries import cards_of, in_cash
from apps.places import queries as places
from apps.places.current import current_city
from apps.places.geometry import Point
from apps.places.models import City
from apps.pricing import operations as pricing
from apps.pricing import words
from apps.pricing.models import Quote
from apps.regulation import operations as regulation
from apps.regulation import refusals

CANNOT_SERVE = {
    "outside_city": gettext_lazy(
        "One end of the trip, or a stop, lies outside the city. Choose a place in it."
    ),
    "same_place": gettext_lazy(
        "Two places in a row are the same place. Choose where you want to go."
    ),
    "too_many_stops": gettext_lazy("At most three stops on the way."),
    "unreachable": gettext_lazy("No street leads from here to there. Choose a place on a street."),
    "no_service": gettext_lazy("No rides are on offer in the city right now. Try again later."),
    "not_now": gettext_lazy("This ride cannot be changed any more."),
    "same_destination": gettext_lazy("The ride goes there already. Choose another place."),
    "no_position": gettext_lazy("The car has not said lately where it is. Try again in a moment."),
    "no_such_hour": gettext_lazy("The clocks leap over this hour that day. Choose another."),
    "too_soon": gettext_lazy("Choose a time at least 30 minutes ahead, or ride now."),
    "too_late": gettext_lazy("Choose a day at most 7 days ahead."),
}
# The field at which something is said that concerns the hour.
FIELDS = {"no_such_hour": "time", "too_soon": "time", "too_late": "day"}
ENDS = ("start", *STOPS, "to")
WISHES = (
    *(f"{end}{part}" for end in ENDS for part in ("", "_lat", "_lon")),
    *("when", "day", "time"),
)
# The two classes that the city compares for the rider.
STEP_FREE = ("standard", "accessible")
REASONS = {
    "changed_plans": gettext_lazy("My plans changed"),
    "waits_too_long": gettext_lazy("The wait is too long"),
    "wrong_place": gettext_lazy("The place was wrong"),
    "other": gettext_lazy("Something else"),
}


def plan(request: HttpRequest) -> HttpResponse:
    """Where from, where to; sent, it leads on to the prices."""
    city = current_city()
    if city is None:
        return render(request, "mobility/no_city.html", status=503)
    status = 200
    sent = request.POST if request.method == "POST" else None
    form = TripForm(sent, city=city, initial=_first_wishes(request))
    if sent is not None and form.is_valid():
        try:
            quotes = operations.quote_trip(
                city=city,
                pickup=form.cleaned_data["start_stop"],
                dropoff=form.cleaned_data["to_stop"],
                stops=form.cleaned_data["stops"],
                pickup_at=form.cleaned_data["pickup_at"],
                needs=form.cleaned_data["needs"],
                remember_needs=form.cleaned_data["remember_needs"],
                consumer_id=request.user.pk,
                by=Actor(Kind.CONSUMER, str(request.user.pk or "visitor")),
                at=clock.now(),
            )
        except operations.CannotServe as no:
            form.add_error(FIELDS.get(no.code), CANNOT_SERVE[no.code])
        except regulation.NotPermitted as no:
            form.add_error(None, refusals.refusal(no, request.user))
        else:
            return redirect("mobility:choose", bundle=quotes[0].bundle)
    if form.errors:
        status = 422
    today = city.now(clock.now()).date()
    page = {
        "form": form,
        "city": city,
        "nearest": _nearest(form),
        "known": _known(request, form, city),
        "days": (today, today + operations.LATEST),
    }
    return render(request, "mobility/plan.html", page, status=status)


def _nearest(form: TripForm) -> dict[str, list[dict[str, str]]]:
    """The places that may have been meant: each a link to this form with that end filled in."""
    kept = {name: form.data[name] for name in WISHES if form.data.get(name)}
    # Said, even if nothing is needed: the link is not to fall back on the profile.
    said = {"needs": form.cleaned_data.get("needs") or [""]} if form.is_bound else {}
    return {
        end: [
            {
                "name": one.name,
                "detail": one.detail,
                "href": "?" + urlencode(kept | _end(end, one.name, one.point) | said, True),
            }
            for one in found
        ]
        for end, found in form.nearest.items()
    }


def _known(request: HttpRequest, form: TripForm, city: City) -> list[dict[str, Any]]:
    """The rider's own places, each a link to this form that leads there."""
    if not request.user.is_authenticated:
        return []
    kept = {name: form[name].value() for name in WISHES if form[name].value()}
    return [
        {"place": one, "href": "?" + urlencode(kept | _end("to", one.address, one.point))}
        for one in queries.known_places(request.user.pk, city)
    ]


def _end(end: str, name: str, point: Point) -> dict[str, str]:
    return {end: name, f"{end}_lat": f"{point.lat:.6f}", f"{end}_lon": f"{point.lon:.6f}"}


def _first_wishes(request: HttpRequest) -> dict[str, Any]:
    wishes = {name: request.GET[name][:120] for name in WISHES if request.GET.get(name)}
    said = request.GET.getlist("needs") if "needs" in request.GET else needs_of(request.user.pk)
    return {**wishes, "needs": [need for need in said if need in needs.Need]}


@require_GET
def name_point(request: HttpRequest) -> HttpResponse:
    """What people call a point that was tapped on the map."""
    city = current_city()
    try:
        point = Point.parse(request.GET.get("point", ""))
    except ValueError:
        return HttpResponse(_("That is no place."), status=422, content_type="text/plain")
    name = places.nearest_name(city, point) if city else str(point)
    return HttpResponse(name, content_type="text/plain; charset=utf-8")


def choose(request: HttpRequest, bundle: UUID) -> HttpResponse:
    """The prices of a trip; with one of them and a card, the order."""
    quotes = quotes_of(request, bundle)
    if request.method == "POST":
        if not request.user.is_authenticated:
            return redirect(f"/accounts/login/?next={request.path}")
        return _book(request, quotes)
    return _show_prices(request, quotes)


def quotes_of(request: HttpRequest, bundle: UUID) -> list[Quote]:
    """The prices, if they were made for whoever asks, or for a visitor not yet signed in."""
    found = Quote.objects.filter(bundle=bundle).filter(consumer__isnull=True)
    if request.user.is_authenticated:
        found = found | Quote.objects.filter(bundle=bundle, consumer=request.user.pk)
    quotes = list(found.select_related("listing__city").order_by("listing__position"))
    if not quotes:
        raise Http404
    return quotes


def _show_prices(
    request: HttpRequest,
    quotes: list[Quote],
    refusal: str = "",
    status: int = 200,
    voucher_refusal: str | Promise = "",
) -> HttpResponse:
    at, asked, later = clock.now(), quotes[0].request, operations.hour_of(quotes[0])
    options = []
    for quote in quotes:
        trip = operations.trip_of(quote)
        options.append(
            {
                "quote": quote,
                "eta": None
                if later
                else supply.eta_to(
                    quote.listing.city, trip.pickup, needs=trip.needs, seats=trip.seats, at=at
                ),
                "seats": operations.SEATS.get(quote.listing.kind, 4),
                "lines": words.lines_of(quote.price, quote.currency),
                "shares": words.shares_of(quote.price),
            }
        )
    page = {
        "city": quotes[0].listing.city,
        "options": options,
        "chosen": request.POST.get("quote") or str(quotes[0].ref),
        "asked": asked,
        "edit": _edit(quotes[0]),
        "needs_said": needs.asked(asked.get("needs", [])),
        "later": later,
        "search_at": later and later - operations.LEAD,
        "bundle": quotes[0].bundle,
        "same_for_all": len({q.total_minor for q in quotes if q.listing.kind in STEP_FREE}) == 1,
        "is_over": all(quote.expires_at <= at for quote in quotes),
        "cards": list(cards_of(asking_or_none(request))) if request.user.is_authenticated else [],
        "takes_cash": quotes[0].listing.city.takes_cash,
        "in_cash": request.POST.get("card") == CASH,
        "key": uuid4(),
        "refusal": refusal,
        "voucher": request.POST.get("voucher", "")[:40],
        "voucher_refusal": voucher_refusal,
        "card_chosen": request.POST.get("card", ""),
        "changed": _changed(request, quotes),
        "stop_wait": asked.get("stop_wait", 0),
        "map": {
            "line": asked["line"],
            "start": asked["pickup"],
            "stops": asked.get("stops", []),
            "end": asked["dropoff"],
        },
    }
    return render(request, "mobility/choose.html", page, status=status)


def _edit(quote: Quote) -> str:
    """The form again, filled with what these prices were asked for."""
    asked, later = quote.request, operations.hour_of(quote)
    places_of = dict(zip(STOPS, asked.get("stops", []), strict=False))
    wishes: dict[str, Any] = {}
    for end, place in {"start": asked["pickup"], **places_of, "to": asked["dropoff"]}.items():
        wishes |= _end(end, place["name"], Point(place["lat"], place["lon"]))
    if later:
        # On the city's clock.
        shown = quote.listing.city.now(later)
        wishes |= {"when": "later", "day": f"{shown:%Y-%m-%d}", "time": f"{shown:%H:%M}"}
    # Said, even if nothing is needed: the form is not to fall back on the profile.
    return "?" + urlencode({**wishes, "needs": asked.get("needs") or [""]}, doseq=True, safe=":")


def _changed(request: HttpRequest, quotes: list[Quote]) -> list[dict[str, Any]]:
    """The sums that are not what they were in the prices these were asked in place of."""
    try:
        before = UUID(request.GET.get("before", ""))
        old = {quote.listing_id: quote.total_minor for quote in quotes_of(request, before)}
    except (ValueError, Http404):
        return []
    return [
        {"quote": quote, "was": old[quote.listing_id]}
        for quote in quotes
        if old.get(quote.listing_id, quote.total_minor) != quote.total_minor
    ]


def asking_or_none(request: HttpRequest) -> Any:
    return request.user if request.user.is_authenticated else None


def _book(request: HttpRequest, quotes: list[Quote]) -> HttpResponse:
    form = BookForm(request.POST)
    if not form.is_valid():
        return _show_prices(request, quotes, _("Choose a ride and how to pay."), status=422)
    asked = form.cleaned_data
    try:
        basket = orders.place(
            key=asked["key"],
            quote_refs=[asked["quote"]],
            consumer_id=request.user.pk or 0,
            card_id=asked["card"],
            voucher=asked["voucher"],
            by=Actor(Kind.CONSUMER, str(request.user.pk)),
            at=clock.now(),
        )
    except orders.QuoteGone as no:
        said = {
            "used": _("This price was used already. Your orders show the ride."),
            "expired": _("This price is older than five minutes. Ask for a new one."),
        }
        refusal = said.get(str(no), _("This price is not there any more. Ask for a new one."))
        return _show_prices(request, quotes, refusal, status=410)
    except orders.KeyReused:
        refusal = _("This form was sent before, for another ride. Look again and send it anew.")
        return _show_prices(request, quotes, refusal, status=409)
    except regulation.NotPermitted as no:
        return _show_prices(request, quotes, refusals.refusal(no, request.user), status=403)
    except orders.CardsOnly:
        refusal = _("The city takes no cash for rides. Choose a card.")
        return _show_prices(request, quotes, refusal, status=422)
    except orders.CashOwed:
        refusal = _(
            "An earlier ride was not paid in cash. Use a card, or settle it with the city's desk."
        )
        return _show_prices(request, quotes, refusal, status=422)
    except pricing.NotUsable as no:
        return _show_prices(request, quotes, status=422, voucher_refusal=words.NOT_USABLE[str(no)])
    except LookupError:
        return _show_prices(request, quotes, _("Choose one of your own cards."), status=422)
    return redirect("mobility:ride", ref=basket.orders.get().ref)


def order_of(request: HttpRequest, ref: UUID) -> Order:
    """The rider's own order, or nothing: other people's rides are not found."""
    mine = Order.objects.filter(consumer=request.user.pk, vertical=operations.VERTICAL)
    return get_object_or_404(mine.select_related("ride", "city", "quote", "worker__user"), ref=ref)


def _sheet(order: Order) -> dict[str, Any]:
    at = clock.now()
    state = live.state_of(order, at)
    vertical = verticals.get(order.vertical)
    return {
        "order": order,
        "ride": order.ride,
        "city": order.city,
        "live": state,
        "eta_at": state["eta_at"],
        "confirm_by": state["confirm"] and datetime.fromisoformat(state["confirm"]["until"]),
        "seconds_old": _seconds_old(state["car"], at),
        "steps": progress.steps_of(order),
        "may_cancel": "cancel" in vertical.open_to(Kind.CONSUMER, order.stage),
        "cancellation": queries.cancellation(order, at),
        "in_cash": in_cash(order.basket.ref),
        "may_change": changes.may_change(order),
        "change": order.changes.select_related("after").order_by("-number").first(),
        "needs": needs.asked(order.ride.needs),
        "alert": order.alerts.open().filter(part="RIDER").first(),
    }


def _seconds_old(car: dict[str, Any] | None, at: datetime) -> int | None:
    seen_at = car and car["seen_at"]
    if isinstance(seen_at, str):
        seen_at = datetime.fromisoformat(seen_at)
    return int((at - seen_at).total_seconds()) if seen_at else None


@require_safe
@login_required
def ride(request: HttpRequest, ref: UUID) -> HttpResponse:
    """One ride as it happens: the stage, the driver, the code, the car on the map."""
    order = order_of(request, ref)
    page = _sheet(order)
    page["map"] = trip_data(order.ride) | {"car": page["live"]["car"], "city": order.city.slug}
    return render(request, "mobility/ride.html", page)


@require_safe
@login_required
def sheet(request: HttpRequest, ref: UUID) -> HttpResponse:
    """What changes of a ride's page, for the page to put in place."""
    return render(request, "mobility/sheet.html", _sheet(order_of(request, ref)))


@login_required
def cancel(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Call a ride off: first what it costs now and why, then done."""
    order, at = order_of(request, ref), clock.now()
    if request.method != "POST":
        return _ask_to_cancel(request, order)
    reason = request.POST.get("reason", "")
    if str(queries.cancellation(order, at).fee.minor) != request.POST.get("fee") and order.is_live:
        # Nobody pays another sum than the one that stood beside the button.
        return _ask_to_cancel(request, order, is_new_fee=True, status=409)
    try:
        orders.advance(
            order_id=order.pk,
            step="cancel",
            by=asking(request).acting(Kind.CONSUMER),
            at=at,
            data={"reason": reason if reason in REASONS else "other"},
        )
    except orders.OutOfTurn:
        return _ask_to_cancel(request, order_of(request, ref), status=409)
    messages.success(request, _("The ride is called off."))
    return redirect("mobility:ride", ref=order.ref)


def _ask_to_cancel(
    request: HttpRequest, order: Order, *, is_new_fee: bool = False, status: int = 200
) -> HttpResponse:
    page = {
        **_sheet(order),
        "reasons": REASONS,
        "reason": request.POST.get("reason") or next(iter(REASONS)),
        "is_new_fee": is_new_fee,
    }
    return render(request, "mobility/cancel.html", page, status=status)
