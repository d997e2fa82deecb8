"""A lost item: the rider's report, the driver's answer, and the thread that both see."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.mobility import operations, queries
from apps.mobility.forms_lost import AnswerForm, LostForm
from apps.mobility.models import LostItem
from apps.orders.models import Order
from apps.parties.authentication import asking


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def lost(request: HttpRequest, ref: UUID) -> HttpResponse:
    """One page for both sides: each sees the same thread, and what is theirs to say next."""
    person = asking(request)
    orders = Order.objects.select_related("worker__user", "ride", "city", "consumer")
    order = orders.filter(ref=ref, vertical=operations.VERTICAL).first()
    is_rider = order is not None and order.consumer_id == person.pk
    is_driver = order is not None and order.worker is not None and order.worker.user == person
    if order is None or not (is_rider or is_driver):
        # Rides of others are not found, rather than forbidden.
        raise Http404
    item = queries.lost_item(order)
    form = _form(request, item, is_rider)
    if request.method == "POST":
        by = person.acting(Kind.CONSUMER if is_rider else Kind.WORKER)
        what = request.POST.get("do", "")
        if what in ("returned", "withdraw") or form is None or form.is_valid():
            try:
                _do(what, order, item, form, by)
            except (operations.NothingLost, operations.LostOutOfTurn):
                messages.warning(request, _("This has changed meanwhile. Here is how it stands."))
            return redirect("mobility:lost", ref=ref)
    page = {
        "order": order,
        "item": item,
        "steps": item.steps.order_by("pk") if item else [],
        "form": form,
        "is_rider": is_rider,
        "may_report": is_rider and queries.may_report_lost(order, clock.now()),
    }
    status = 422 if form is not None and form.errors else 200
    return render(request, "mobility/lost.html", page, status=status)


def _form(
    request: HttpRequest, item: LostItem | None, is_rider: bool
) -> LostForm | AnswerForm | None:
    """What this side may say now: the rider reports, the driver answers until it is found."""
    told = request.POST if request.method == "POST" and "do" not in request.POST else None
    if is_rider:
        return None if item and item.is_open else LostForm(told)
    looks_for = (LostItem.State.REPORTED, LostItem.State.NOT_FOUND)
    return AnswerForm(told) if item and item.state in looks_for else None


def _do(what: str, order: Order, item: LostItem | None, form: Any, by: Any) -> None:
    at = clock.now()
    if what and item:
        act = operations.note_returned if what == "returned" else operations.withdraw_lost
        act(item_id=item.pk, by=by, at=at)
    elif isinstance(form, LostForm):
        operations.report_lost(order_id=order.pk, **form.cleaned_data, by=by, at=at)
    elif isinstance(form, AnswerForm) and item:
        operations.answer_lost(item_id=item.pk, **form.cleaned_data, by=by, at=at)
