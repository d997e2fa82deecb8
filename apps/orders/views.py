"""What somebody ordered: one list for every kind of service, and a receipt for each."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.kernel import clock
from apps.orders import verticals
from apps.orders.models import Order
from apps.parties.authentication import asking
from apps.payments.models import Payment
from apps.pricing import words
from apps.pricing.models import Line, Payee

PAGE = 20


def _row(order: Order) -> dict[str, Any]:
    vertical = verticals.get(order.vertical)
    return {
        "order": order,
        "title": vertical.title,
        "summary": vertical.summary(order),
        "says": vertical.stages.get(order.stage, order.stage),
        "page": vertical.page if order.is_live else "orders:receipt",
    }


@require_safe
@login_required
def history(request: HttpRequest) -> HttpResponse:
    """Everything this person ordered: what is under way first, then the newest."""
    mine = Order.objects.filter(consumer=asking(request)).select_related("city", "ride")
    live = [_row(order) for order in mine.live().order_by("-placed_at")]
    ended = mine.exclude(pk__in=[row["order"].pk for row in live]).order_by("-placed_at", "-pk")
    page = Paginator(ended, PAGE).get_page(request.GET.get("page"))
    rows = [_row(order) for order in page]
    return render(request, "orders/history.html", {"live": live, "rows": rows, "page": page})


@require_safe
@login_required
def receipt(request: HttpRequest, ref: UUID) -> HttpResponse:
    """What one order cost, who got it, and how it went; the worker sees their own side."""
    person = asking(request)
    orders = Order.objects.select_related("city", "quote", "worker__user", "basket", "provider")
    order = get_object_or_404(orders, ref=ref)
    is_consumer = order.consumer_id == person.pk
    is_worker = order.worker is not None and order.worker.user_id == person.pk
    sees_money = order.provider is not None and person.has_perm(
        "parties.see_provider_money", order.provider
    )
    if not (is_consumer or is_worker or sees_money):
        # Other people's orders are not found, rather than forbidden.
        raise Http404
    lines = _charged(order)
    shares = words.shares_of(lines)
    vertical = verticals.get(order.vertical)
    payment = Payment.objects.filter(holder=order.basket.ref).select_related("card").first()
    page = {
        **_row(order),
        "city": order.city,
        "is_consumer": is_consumer,
        "lines": words.lines_of(lines, order.currency),
        "shares": shares,
        "card": payment.card if payment and is_consumer else None,
        "in_cash": payment is not None and payment.method == Payment.Method.CASH,
        "steps": order.steps.order_by("pk"),
        "stages": vertical.stages,
        "vertical": vertical,
        "at": clock.now(),
    }
    return render(request, "orders/receipt.html", page)


def _charged(order: Order) -> list[Line]:
    """The lines of what was charged in the end, or will be."""
    if order.state == Order.State.CANCELLED:
        fee = order.charged_minor or 0
        return [Line("cancel_fee", fee, Payee.PROVIDER)] if fee else []
    return order.quote.price
