"""Another destination for a ride: where to, what it costs beside the old price, and the yes."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.mobility import operations
from apps.mobility.forms import DestinationForm
from apps.mobility.views import CANNOT_SERVE
from apps.orders import changes
from apps.orders import operations as orders
from apps.orders.models import Change, Order
from apps.parties.authentication import asking
from apps.payments import operations as payments
from apps.payments.queries import in_cash
from apps.places.queries import Found
from apps.pricing import words
from apps.pricing.models import Quote
from apps.regulation import operations as regulation
from apps.regulation import refusals

REFUSALS: dict[type[Exception], Any] = {
    orders.OutOfTurn: gettext_lazy("This ride cannot be changed any more."),
    changes.PriceGone: gettext_lazy("This price is not there any more. Ask for a new one."),
    changes.Pending: gettext_lazy("Your bank is asked about another change. Wait for its answer."),
    payments.NoSuchCard: gettext_lazy("The card that pays for this ride was removed."),
}


CHOSEN = ("to", "to_lat", "to_lon")


def _values(found: Found) -> tuple[str, str, str]:
    return found.name, f"{found.point.lat:.6f}", f"{found.point.lon:.6f}"


def _order(request: HttpRequest, ref: UUID) -> Order:
    """The rider's own ride, or nothing: other people's rides are not found."""
    mine = Order.objects.filter(consumer=request.user.pk, vertical=operations.VERTICAL)
    return get_object_or_404(
        mine.select_related("ride", "city", "quote", "listing", "basket"), ref=ref
    )


@login_required
def destination(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Where to instead: sent, it leads to the old price beside the new one."""
    order = _order(request, ref)
    chosen = {name: request.GET[name][:120] for name in CHOSEN if request.GET.get(name)}
    form = DestinationForm(request.POST or None, city=order.city, initial=chosen)
    if request.method == "POST" and form.is_valid():
        try:
            quote = operations.quote_change(
                order=order,
                dropoff=form.cleaned_data["to_stop"],
                by=asking(request).acting(Kind.CONSUMER),
                at=clock.now(),
            )
        except operations.CannotServe as no:
            form.add_error("to", CANNOT_SERVE[no.code])
        except regulation.NotPermitted as no:
            form.add_error("to", refusals.refusal(no, request.user))
        else:
            return redirect("mobility:new-price", ref=ref, quote=quote.ref)
    page = {
        "order": order,
        "form": form,
        "city": order.city,
        "nearest": [
            {
                "name": one.name,
                "detail": one.detail,
                "href": "?" + urlencode(dict(zip(CHOSEN, _values(one), strict=True))),
            }
            for one in form.nearest.get("to", [])
        ],
        "may_change": changes.may_change(order),
    }
    return render(request, "mobility/destination.html", page, status=422 if form.errors else 200)


@login_required
def new_price(request: HttpRequest, ref: UUID, quote: UUID) -> HttpResponse:
    """The price in force beside the new one, line by line; sent, it is accepted."""
    order = _order(request, ref)
    if request.method != "POST":
        return _compare(request, order, _offered(order, quote))
    try:
        change = changes.accept(
            ref=order.ref,
            quote_ref=quote,
            by=asking(request).acting(Kind.CONSUMER),
            at=clock.now(),
        )
    except tuple(REFUSALS) as no:
        messages.error(request, REFUSALS[type(no)])
        return redirect("mobility:destination", ref=ref)
    if change.state == Change.State.AGREED:
        messages.success(request, _("The destination is changed. The driver knows."))
    return redirect("mobility:ride", ref=ref)


def _offered(order: Order, ref: UUID) -> Quote:
    """A price that was made in place of the order's."""
    return get_object_or_404(Quote, ref=ref, replaces=order.quote, consumer=order.consumer_id)


def _compare(request: HttpRequest, order: Order, quote: Quote) -> HttpResponse:
    more = quote.total_minor - order.total_minor
    page = {
        "order": order,
        "quote": quote,
        "city": order.city,
        "rows": words.compared(order.quote, quote),
        "more": max(0, more),
        "less": max(0, -more),
        "in_cash": in_cash(order.basket.ref),
        "is_over": quote.expires_at <= clock.now(),
    }
    return render(request, "mobility/new_price.html", page)
