"""When am I paid and why: what grows, what was paid, and every line of it."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.kernel import clock
from apps.orders import verticals
from apps.orders.models import Order
from apps.parties import queries as parties
from apps.parties.authentication import asking
from apps.parties.models import Provider
from apps.payments.models import PayoutAccount
from apps.settlement import queries, reports, words
from apps.settlement.models import Payout, Shortfall

PAGE = 20
LINES = 100


@require_safe
@login_required
def earnings(request: HttpRequest) -> HttpResponse:
    """The next payout so far and the payouts before it, of the provider that is chosen."""
    person = asking(request)
    providers = list(parties.providers_of(person, "see_provider_money").order_by("name", "pk"))
    if not providers:
        if hasattr(person, "worker"):
            messages.info(request, _("Your company sees the earnings. Ask them what you are paid."))
            return redirect("/drive/")
        raise Http404
    provider = chosen(request, providers)
    payouts = provider.payouts.order_by("-day", "-pk")
    page = Paginator(payouts, PAGE).get_page(request.GET.get("page"))
    facts = {
        "provider": provider,
        "providers": providers if len(providers) > 1 else [],
        "growing": [
            {
                "amount": growing.amount,
                "city": growing.city,
                "day": growing.day and words.noon_of(growing.day, growing.city),
                "parts": [(words.kind_of(part.kind), part) for part in growing.parts],
                "next": growing,
                "plan": words.plan_of(growing.plan),
                "owes_since": Shortfall.objects.filter(
                    provider=provider, currency=growing.amount.currency, ended_on=None
                ).first(),
            }
            for growing in queries.next_payouts(provider, clock.now())
        ],
        "decides": person.has_perm("parties.operate_provider", provider),
        "reserves": queries.reserves(provider),
        "account": PayoutAccount.objects.filter(provider=provider).first(),
        "returned": payouts.filter(state=Payout.State.FAILED).first(),
        "payouts": [payout_of(payout) for payout in page],
        "page": page,
    }
    return render(request, "settlement/earnings.html", facts)


@require_safe
@login_required
def statement(request: HttpRequest, ref: UUID) -> HttpResponse:
    """One payout, line by line; every line leads to its order."""
    payout = theirs(request, ref)
    page = Paginator(queries.entries_of(payout), LINES).get_page(request.GET.get("page"))
    facts = {
        **payout_of(payout),
        "provider": payout.provider,
        "lines": [line_of(line) for line in queries.lines(list(page.object_list))],
        "page": page,
        "parts": [(words.kind_of(part.kind), part) for part in queries.parts(payout)],
    }
    return render(request, "settlement/statement.html", facts)


@require_safe
@login_required
def statement_csv(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The same lines for a spreadsheet: amounts with a point, times with their offset."""
    payout = theirs(request, ref)
    return csv_of(payout)


def csv_of(payout: Payout) -> HttpResponse:
    """A statement as a file, for whoever may read it."""
    response = HttpResponse(reports.statement(payout), content_type="text/csv; charset=utf-8")
    name = f"statement-{payout.day.isoformat()}-{payout.currency}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def chosen(request: HttpRequest, providers: Iterable[Provider]) -> Provider:
    """The provider named in the address, or the first."""
    own = {str(provider.ref): provider for provider in providers}
    named = request.GET.get("provider")
    if named is None:
        return next(iter(own.values()))
    if named not in own:
        raise Http404
    return own[named]


def theirs(request: HttpRequest, ref: UUID) -> Payout:
    """Other people's payouts are not found, rather than forbidden."""
    providers = parties.providers_of(asking(request), "see_provider_money")
    payouts = Payout.objects.select_related("provider")
    return get_object_or_404(payouts, ref=ref, provider__in=providers)


def payout_of(payout: Payout) -> dict[str, Any]:
    city = queries.city_of_payout(payout)
    return {
        "payout": payout,
        "city": city,
        "day": words.noon_of(payout.day, city) if city else payout.settled_at,
        "says": words.STATES[payout.state],
    }


def line_of(line: queries.Line) -> dict[str, Any]:
    return {
        "line": line,
        "what": _what(line.order) or words.kind_of(line.kind),
        "note": words.NOTES.get(line.kind, ""),
    }


def _what(order: Order | None) -> str:
    return "" if order is None else verticals.get(order.vertical).summary(order)
