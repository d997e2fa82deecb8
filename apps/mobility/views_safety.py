"""The answer to "Is everything all right?", on the rider's page and on the driver's."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.mobility import operations
from apps.mobility.models import SafetyCheck
from apps.orders.models import Order
from apps.parties.authentication import asking


@require_POST
@login_required
def rider(request: HttpRequest, ref: UUID) -> HttpResponse:
    """A rider says that all is well, or that they need help."""
    mine = Order.objects.filter(consumer=request.user.pk)
    return _answer(request, mine, ref, Kind.CONSUMER) or redirect("mobility:ride", ref=ref)


@require_POST
@login_required
def driver(request: HttpRequest, ref: UUID) -> HttpResponse:
    """A driver says that all is well, or that they need help."""
    mine = Order.objects.filter(worker__user=request.user.pk)
    return _answer(request, mine, ref, Kind.WORKER) or redirect("driver:shift")


def _answer(
    request: HttpRequest, mine: QuerySet[Order], ref: UUID, kind: Kind
) -> HttpResponse | None:
    order = get_object_or_404(mine, ref=ref, vertical=operations.VERTICAL)
    answer = request.POST.get("answer", "")
    if answer not in SafetyCheck.Said:
        return HttpResponse(_("That is no answer."), status=422, content_type="text/plain")
    try:
        operations.answer_check(
            order_id=order.pk, answer=answer, by=asking(request).acting(kind), at=clock.now()
        )
    except operations.NobodyToFear:
        told = _("This ride is long over. In an emergency call %(number)s.")
        messages.error(request, told % {"number": order.city.emergency_phone})
    else:
        if answer == SafetyCheck.Said.HELP:
            messages.success(request, _("The city's desk has your call for help."))
        else:
            messages.success(request, _("Thank you. Have a good ride."))
    return None
