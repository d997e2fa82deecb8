"""The button for help, on the rider's page and on the driver's."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.mobility import operations
from apps.orders.models import Order
from apps.parties.authentication import asking


@require_POST
@login_required
def rider(request: HttpRequest, ref: UUID) -> HttpResponseRedirect:
    """A rider calls the city for help."""
    _call(request, Order.objects.filter(consumer=request.user.pk), ref, Kind.CONSUMER)
    return redirect("mobility:ride", ref=ref)


@require_POST
@login_required
def driver(request: HttpRequest, ref: UUID) -> HttpResponseRedirect:
    """A driver calls the city for help."""
    _call(request, Order.objects.filter(worker__user=request.user.pk), ref, Kind.WORKER)
    return redirect("driver:shift")


def _call(request: HttpRequest, mine: QuerySet[Order], ref: UUID, kind: Kind) -> None:
    order = get_object_or_404(mine, ref=ref, vertical=operations.VERTICAL)
    try:
        operations.raise_alert(order_id=order.pk, by=asking(request).acting(kind), at=clock.now())
    except operations.NobodyToFear:
        told = _("No car is with this ride. In an emergency call %(number)s.")
        messages.error(request, told % {"number": order.city.emergency_phone})
    else:
        messages.success(request, _("The city's desk has your call for help."))
