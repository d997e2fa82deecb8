"""Where the money is and where it went, and whether gateway, bank and books say the same."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.kernel.money import Money
from apps.parties.authentication import asking
from apps.places.models import City
from apps.treasury import operations, queries
from apps.treasury.flows import LABELS, Flow, Followed, follow
from apps.treasury.forms import Period
from apps.treasury.models import Difference, Run
from apps.treasury.sankey import drawn

TO_DO = ("OPEN", "PROPOSED")


def rows(model: str, **where: str) -> str:
    """The admin's list of the rows that meet the conditions."""
    return f"{reverse(f'admin:{model}_changelist')}?{urlencode(where)}"


@require_safe
@never_cache
@staff_member_required
@permission_required("ledger.view_account", raise_exception=True)
def money(request: HttpRequest) -> HttpResponse:
    """Where all the money is now, and where each euro of a time went."""
    at = clock.now()
    city = City.objects.order_by("pk").first()
    form, status = _period(request, city, at), 200
    followed: Followed | None = None
    context: dict[str, Any] = admin.site.each_context(request) | {"title": _("Treasury"), "at": at}
    if city and form.is_valid():
        since, until = form.moments()
        followed = follow(form.cleaned_data["city"], since, until)
        bars, ribbons = drawn(followed.flows)
        context |= {"bars": bars, "ribbons": ribbons, "lines": _lines(followed, since, until)}
    elif form.is_bound and city:
        status = 400
    context |= {
        "form": form,
        "followed": followed,
        "standing": [
            (
                currency,
                [(place, sum_, rows("ledger_account", q=place.find)) for place, sum_ in all_],
            )
            for currency, all_ in queries.standing().items()
        ],
    }
    return render(request, "treasury/money.html", context, status=status)


def _period(request: HttpRequest, city: City | None, at: datetime) -> Period:
    """What was asked for; the last 30 days of the first city, unless somebody says."""
    told = {name: request.GET[name] for name in ("city", "since", "until") if name in request.GET}
    if city:
        today = at.astimezone(city.zone_info).date()
        told = {
            "city": city.slug,
            "since": (today - timedelta(days=29)).isoformat(),
            "until": today.isoformat(),
        } | told
    return Period(told)


def _lines(followed: Followed, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """The flows as a table's rows, each with the way to its journals or accounts."""
    days = {"booked_at__gte": since.isoformat(), "booked_at__lt": until.isoformat()}
    ways = {
        "captures": rows("ledger_journal", **days, kind__exact="capture"),
        "refunds": rows("ledger_journal", kind__exact="refund"),
        "fees": rows("ledger_journal", kind__exact="gateway_fee"),
        "cash": rows("ledger_journal", kind__exact="cash_kept"),
        "payouts": rows("settlement_payout", state__exact="PAID"),
        "payouts_way": rows("settlement_payout", state__in="DUE,HELD,SENT"),
        "provider": rows("ledger_account", q=":payable"),
        "platform": rows("ledger_account", q="platform:"),
        "city": rows("ledger_account", q="city:"),
        "tax": rows("ledger_account", q="tax:"),
        "other": rows("ledger_account"),
    }

    def line(flow: Flow) -> dict[str, Any]:
        return {
            "source": LABELS[flow.source],
            "target": LABELS[flow.target],
            "amount": flow.amount,
            "url": ways[flow.rows],
        }

    return [line(one) for one in followed.flows]


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_member_required
@permission_required("treasury.view_difference", raise_exception=True)
def reconciliation(request: HttpRequest) -> HttpResponse:
    """The last comparisons, what differs, and what is open for how long; posting compares now."""
    may_work = asking(request).has_perm("treasury.work_difference")
    at = clock.now()
    if request.method == "POST":
        if not may_work:
            raise PermissionDenied
        operations.compare(by=asking(request).acting(Kind.OFFICER), at=at, is_whole=True)
        messages.success(request, _("Everything was compared."))
        return redirect("treasury:reconciliation")
    items = queries.items(at)
    runs = list(Run.objects.order_by("-pk")[:10])
    context = admin.site.each_context(request) | {
        "title": _("Reconciliation"),
        "at": at,
        "may_work": may_work,
        "may_hand_in": asking(request).has_perm("treasury.read_lines"),
        "runs": runs,
        "held": next((_held(run) for run in runs if run.held), []),
        "kinds": _kinds(),
        "overdue": Difference.objects.filter(state__in=TO_DO, due_on__lt=at.date()).count(),
        "overdue_url": rows(
            "treasury_difference", state__in=",".join(TO_DO), due_on__lt=at.date().isoformat()
        ),
        "ages": queries.AGES,
        "ageing": [(one, rows("ledger_account", q=one.code)) for one in queries.ageing(at, items)],
        "items": [(one, rows("ledger_journal", q=one.about)) for one in items[:50]],
        "items_count": len(items),
    }
    return render(request, "treasury/reconciliation.html", context)


def _kinds() -> list[dict[str, Any]]:
    """How many differences of each kind wait for somebody, each with its rows."""
    counts = dict(
        Difference.objects.filter(state__in=TO_DO)
        .values_list("kind")
        .annotate(count=Count("pk"))
        .order_by()
    )
    return [
        {
            "label": kind.label,
            "value": counts.get(kind.value, 0),
            "is_urgent": counts.get(kind.value, 0) > 0,
            "url": rows("treasury_difference", kind__exact=kind.value, state__in=",".join(TO_DO)),
        }
        for kind in Difference.Kind
    ]


def _held(run: Run) -> list[dict[str, Any]]:
    """What books, lines and gateway say, currency by currency, and whether it is one sum."""
    return [
        {
            "currency": currency,
            **{who: Money(minor, currency) for who, minor in said.items()},
            "agrees": said.get("books", 0) - said.get("waiting", 0)
            == said.get("lines", 0)
            == said.get("gateway", 0),
        }
        for currency, said in sorted(run.held.items())
    ]
