"""To the page of the consumer's own bank, and back from it."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.orders import verticals
from apps.orders.models import Order
from apps.parties.authentication import asking
from apps.payments import tasks
from apps.payments.queries import to_confirm


@require_safe
@login_required
@never_cache
def lead(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Lead to the bank's page, as the gateway named it; nothing of the request decides where."""
    order = _mine(request, ref)
    payment = to_confirm(order.basket.ref)
    return HttpResponseRedirect(payment.confirm_page) if payment else _page(order)


@require_safe
@login_required
@never_cache
def back(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Back from the bank's page: ask the gateway what came of it, and believe nobody else."""
    order = _mine(request, ref)
    tasks.hear_payer(holder=order.basket.ref)
    if to_confirm(order.basket.ref):
        messages.info(request, _("Your bank has not told us yet. This page says when it has."))
    return _page(order)


def _mine(request: HttpRequest, ref: UUID) -> Order:
    mine = Order.objects.filter(consumer=asking(request)).select_related("basket")
    return get_object_or_404(mine, ref=ref)


def _page(order: Order) -> HttpResponse:
    return redirect(verticals.get(order.vertical).page, ref=order.ref)
