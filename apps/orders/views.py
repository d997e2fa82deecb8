"""What somebody ordered: one list for every kind of service, and a receipt for each."""

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.orders import live, tips, verticals
from apps.orders.charging import charged_lines
from apps.orders.forms import TipForm
from apps.orders.models import Order
from apps.parties.authentication import asking
from apps.payments import operations as payments
from apps.payments.models import Payment
from apps.payments.queries import cards_of
from apps.pricing import words
from apps.pricing.models import VoucherUse

PAGE = 20
TIP_REFUSALS: dict[type[Exception], Any] = {
    tips.NotOpen: gettext_lazy("A tip is possible for a week after an order that was paid."),
    tips.TooMuch: gettext_lazy("A tip is more than nothing and at most twice the price."),
    tips.Given: gettext_lazy("There is a tip for this order already."),
    payments.NoSuchCard: gettext_lazy("Choose one of your own cards."),
    payments.KeyReused: gettext_lazy("This form was sent before. Look at what came of it."),
}


def _row(order: Order) -> dict[str, Any]:
    vertical = verticals.get(order.vertical)
    return {
        "order": order,
        "title": vertical.title,
        "summary": vertical.summary(order),
        "says": live.says(order),
        "page": vertical.page if order.is_live else "orders:receipt",
    }


@require_safe
@login_required
def history(request: HttpRequest) -> HttpResponse:
    """Everything this person ordered: what is under way first, then the newest."""
    mine = Order.objects.filter(consumer=asking(request)).select_related("city", "ride")
    now = [_row(order) for order in mine.live().order_by("-placed_at")]
    ended = mine.exclude(pk__in=[row["order"].pk for row in now]).order_by("-placed_at", "-pk")
    page = Paginator(ended, PAGE).get_page(request.GET.get("page"))
    rows = [_row(order) for order in page]
    return render(request, "orders/history.html", {"live": now, "rows": rows, "page": page})


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
    lines = charged_lines(order)
    shares = words.shares_of(lines)
    vertical = verticals.get(order.vertical)
    payment = Payment.objects.filter(holder=order.basket.ref).select_related("card").first()
    page = {
        **_row(order),
        "city": order.city,
        "is_consumer": is_consumer,
        "sees_money": sees_money,
        "lines": words.lines_of(lines, order.currency),
        "shares": shares,
        "card": payment.card if payment and is_consumer else None,
        "in_cash": payment is not None and payment.method == Payment.Method.CASH,
        "is_disputed": payment is not None and payment.disputed_minor > 0,
        "voucher": VoucherUse.objects.filter(holder=order.ref).select_related("voucher").first()
        if is_consumer
        else None,
        "tip": _tip(order, is_consumer),
        "steps": order.steps.order_by("pk"),
        "changes": order.changes.filter(state="AGREED")
        .select_related("before", "after")
        .order_by("number"),
        "stages": vertical.stages,
        "vertical": vertical,
        "at": clock.now(),
    }
    return render(request, "orders/receipt.html", page)


def _tip(order: Order, is_consumer: bool) -> dict[str, Any]:
    """What the receipt says of a tip: the one given, and whether one may be given now."""
    given = tips.of(order)
    if given and given.state == Payment.State.CANCELLED:
        given = None
    was_refused = given is not None and given.state == Payment.State.REFUSED
    asks = is_consumer and (given is None or was_refused) and tips.is_open(order, clock.now())
    return {
        "payment": given,
        "was_refused": was_refused,
        "asks": asks,
        "suggested": tips.suggested(order) if asks else [],
        "most": tips.most(order),
        "cards": list(cards_of(order.consumer)) if asks else [],
        "key": uuid4(),
    }


@require_POST
@login_required
def tip(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Tip whoever did the order; the receipt shows what came of it."""
    person = asking(request)
    order = get_object_or_404(Order, ref=ref, consumer=person)
    form = TipForm(request.POST, order=order)
    if not form.is_valid():
        for said in form.errors.values():
            messages.error(request, str(said[0]))
        return redirect("orders:receipt", ref=ref)
    try:
        tips.give(
            ref=ref,
            amount_minor=form.amount_minor,
            card_id=form.cleaned_data["card"],
            key=form.cleaned_data["key"],
            by=person.acting(Kind.CONSUMER),
            at=clock.now(),
        )
    except tuple(TIP_REFUSALS) as no:
        messages.error(request, TIP_REFUSALS[type(no)])
    return redirect("orders:receipt", ref=ref)
