"""What a provider decides about their money: when it is paid, and that it is paid now."""

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.audit import operations as audit
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties import queries as parties
from apps.parties.authentication import asking
from apps.parties.models import Provider
from apps.settlement import operations, plans, queries, reports
from apps.settlement.forms import PayForm, PlanForm
from apps.settlement.models import PayoutPlan, Weekday

COMPLAINTS = {
    operations.NothingToPay: gettext_lazy("There is nothing that could be paid now."),
    operations.DearerNow: gettext_lazy(
        "You earned more in the meantime, and the fee changed. Look at it again."
    ),
    operations.KeyReused: gettext_lazy("This form was sent before. Look at what came of it."),
    audit.NotSealed: gettext_lazy("No money can leave at the moment. Try again later."),
}


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def plan(request: HttpRequest, currency: str) -> HttpResponse:
    """When this provider is paid, and how much at least."""
    provider, growing = _theirs(request, currency)
    now = growing.plan
    told = request.POST if request.method == "POST" else None
    form = PlanForm(told, currency=currency)
    if told is not None and form.is_valid():
        operations.choose_plan(
            provider_id=provider.pk,
            currency=currency,
            schedule=form.cleaned_data["schedule"],
            weekday=int(form.cleaned_data["weekday"]),
            minimum_minor=form.cleaned_data["minimum"],
            day=clock.now().astimezone(growing.city.zone_info).date(),
            by=asking(request).acting(Kind.PROVIDER),
            at=clock.now(),
        )
        messages.success(request, _("That is how you are paid from now on."))
        return redirect(_earnings(provider))
    facts = {
        "provider": provider,
        "currency": currency,
        "form": form,
        "schedules": PayoutPlan.Schedule.choices,
        "weekdays": Weekday.choices,
        "schedule": form["schedule"].value() if told else now.schedule,
        "weekday": str(form["weekday"].value() if told else now.weekday),
        "minimum": form["minimum"].value() if told else reports.plain(now.minimum_minor, currency),
        "plan": now,
    }
    return render(request, "settlement/plan.html", facts, status=422 if form.errors else 200)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, currency: str) -> HttpResponse:
    """What would be paid now and what it costs at once; sent, it is paid."""
    provider, growing = _theirs(request, currency)
    if request.method == "POST":
        form = PayForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("This form was not whole. Try again."))
            return redirect(_earnings(provider))
        try:
            payout = operations.pay_now(
                provider_id=provider.pk,
                currency=currency,
                is_instant=form.cleaned_data["instant"],
                most_fee_minor=form.cleaned_data["fee"],
                key=form.cleaned_data["key"],
                day=clock.now().astimezone(growing.city.zone_info).date(),
                by=asking(request).acting(Kind.PROVIDER),
                at=clock.now(),
            )
        except tuple(COMPLAINTS) as no:
            messages.error(request, str(COMPLAINTS[type(no)]))
            return redirect(_earnings(provider))
        return redirect("settlement:statement", ref=payout.ref)
    if not growing.may_ask:
        messages.info(request, str(COMPLAINTS[operations.NothingToPay]))
        return redirect(_earnings(provider))
    fee = plans.fee(growing.plan, growing.payable.minor)
    facts: dict[str, Any] = {
        "provider": provider,
        "currency": currency,
        "growing": growing,
        "fee": fee,
        "left": growing.payable.minor - fee,
        "keys": (uuid4(), uuid4()),
    }
    return render(request, "settlement/pay.html", facts)


def _theirs(request: HttpRequest, currency: str) -> tuple[Provider, queries.Next]:
    """A provider for whose money this person decides, and what is growing for them.

    Others are not found: who only reads the money, who only drives, and everybody else.
    """
    person = asking(request)
    reads = parties.providers_of(person, "see_provider_money").order_by("name", "pk")
    acts = parties.providers_of(person, "operate_provider").values_list("pk", flat=True)
    own = {str(one.ref): one for one in reads if one.pk in set(acts)}
    named = request.GET.get("provider")
    provider = own.get(named) if named is not None else next(iter(own.values()), None)
    if provider is None:
        raise Http404
    for growing in queries.next_payouts(provider, clock.now()):
        if growing.amount.currency == currency:
            return provider, growing
    raise Http404


def _earnings(provider: Provider) -> str:
    return f"{reverse('settlement:earnings')}?provider={provider.ref}"
