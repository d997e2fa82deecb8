"""A ride's link: made and taken back by the rider, opened by whoever was given it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.mobility import operations, queries
from apps.orders.models import Order
from apps.parties.authentication import asking

# A link is a secret: it is neither kept, nor found, nor told to the next site.
SECRET = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


def _order(request: HttpRequest, ref: UUID) -> Order:
    mine = Order.objects.filter(consumer=request.user.pk, vertical=operations.VERTICAL)
    return get_object_or_404(mine.select_related("city"), ref=ref)


@login_required
def share(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The link to a ride: sent, it is made and shown this once."""
    order, at = _order(request, ref), clock.now()
    page: dict[str, Any] = {"order": order}
    status = 200
    if request.method == "POST":
        try:
            page["link"], token = operations.share_ride(
                order_id=order.pk, by=asking(request).acting(Kind.CONSUMER), at=at
            )
        except operations.RideOver:
            status = 409
        else:
            page["address"] = request.build_absolute_uri(reverse("mobility:watch", args=[token]))
    else:
        page["link"] = queries.link_of(order, at)
    answer = render(request, "mobility/share.html", page, status=status)
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@login_required
def stop(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Take the link back."""
    order = _order(request, ref)
    operations.stop_sharing(
        order_id=order.pk, by=asking(request).acting(Kind.CONSUMER), at=clock.now()
    )
    messages.success(request, _("The link does not work any more."))
    return redirect("mobility:share", ref=order.ref)


@require_safe
def watch(request: HttpRequest, token: str) -> HttpResponse:
    """A ride for somebody who was given its link."""
    return _show(request, token, "mobility/watch.html")


@require_safe
def sheet(request: HttpRequest, token: str) -> HttpResponse:
    """What changes of it, for the page to put in place."""
    return _show(request, token, "mobility/watch_sheet.html")


def _show(request: HttpRequest, token: str, template: str) -> HttpResponse:
    link = queries.link_with(token)
    if link is None:
        raise Http404
    is_open = link.is_open(clock.now())
    page: dict[str, Any] = {"is_open": is_open, "token": token, "city": link.order.city}
    if is_open:
        page |= queries.watched(link.order) | {"order": link.order}
    answer = render(request, template, page, status=200 if is_open else 410)
    for name, value in SECRET.items():
        answer[name] = value
    return answer
