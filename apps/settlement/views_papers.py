"""Invoices, and statements and invoices on paper."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.kernel import formats
from apps.orders.models import Order
from apps.parties import queries as parties
from apps.parties.authentication import asking
from apps.settlement import queries, words
from apps.settlement.models import Invoice
from apps.settlement.papers import Paper, pdf
from apps.settlement.views import PAGE, chosen, line_of, payout_of, theirs


@require_safe
@login_required
def invoices(request: HttpRequest) -> HttpResponse:
    """The invoices and credit notes that a provider issued and received, newest first."""
    person = asking(request)
    providers = list(parties.providers_of(person, "see_provider_money").order_by("name", "pk"))
    if not providers:
        raise Http404
    provider = chosen(request, providers)
    found = Invoice.objects.filter(Q(provider=provider) | Q(recipient=provider)).order_by("-pk")
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    facts = {"provider": provider, "invoices": list(page.object_list), "page": page}
    return render(request, "settlement/invoices.html", facts)


@require_safe
@login_required
def invoice(request: HttpRequest, ref: UUID) -> HttpResponse:
    """One invoice or credit note, as it was issued."""
    return render(request, "settlement/invoice.html", _invoice(_own(request, ref)))


@require_safe
@login_required
def invoice_pdf(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The same on paper."""
    found = _own(request, ref)
    told = _invoice(found)
    facts = [
        (_("Number"), found.code),
        (_("Date"), found.day.isoformat()),
        (_("Issued by"), _who(found.issuer_name, found.issuer_tax_id)),
        (_("Issued to"), _who(found.recipient_name, found.recipient_tax_id)),
    ]
    if found.credits:
        facts.append((_("Credits the invoice"), found.credits.code))
    if found.order:
        facts.append((_("Order"), found.order.code))
    paper = Paper(
        title=f"{told['title']} {found.code}",
        lang=get_language() or "en",
        facts=[(str(name), value) for name, value in facts],
        heads=[_("What"), _("Sum")],
        rows=[(line["label"], _sum(line["minor"], found.currency)) for line in told["lines"]],
        total=(_("Total"), _sum(found.total_minor, found.currency)),
    )
    return _file(paper, f"{found.code}.pdf")


@require_safe
@login_required
def order_invoice(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The invoice of an order, for whoever paid it; with what was credited, a list."""
    order = get_object_or_404(Order, ref=ref, consumer=asking(request))
    found = list(order.invoices.order_by("pk"))
    if len(found) == 1:
        return redirect("settlement:invoice", ref=found[0].ref)
    facts = {"order": order, "invoices": found}
    return render(request, "settlement/order_invoices.html", facts)


@require_safe
@login_required
def statement_pdf(request: HttpRequest, ref: UUID) -> HttpResponse:
    """A payout's statement on paper, with every line of it."""
    payout = theirs(request, ref)
    told = payout_of(payout)
    city, language = told["city"], get_language() or "en"
    rows = []
    for line in queries.lines(list(queries.entries_of(payout))):
        said = line_of(line)
        booked = line.booked_at.astimezone(city.zone_info) if city else line.booked_at
        what = f"{said['what']}, {said['note']}" if said["note"] else said["what"]
        code = line.order.code if line.order else ""
        sums = [_sum(one.minor, payout.currency) for one in (line.amount, line.running)]
        rows.append((f"{what}", code, f"{booked:%Y-%m-%d %H:%M}", *sums))
    paper = Paper(
        title=f"{_('Statement')} {payout.day.isoformat()}",
        lang=language,
        facts=[
            (_("Paid to"), str(payout.whose)),
            (_("State"), str(told["says"])),
            (_("Reference"), str(payout.ref)),
        ],
        heads=[_("What"), _("Order"), _("When"), _("To you"), _("Sum so far")],
        rows=rows,
        total=(_("Payout"), _sum(payout.amount_minor, payout.currency)),
    )
    return _file(paper, f"statement-{payout.day.isoformat()}-{payout.currency}.pdf")


def _own(request: HttpRequest, ref: UUID) -> Invoice:
    """An invoice to this person, or of a provider whose money they see; others are not found."""
    person = asking(request)
    providers = parties.providers_of(person, "see_provider_money").values("pk")
    found = Invoice.objects.filter(
        Q(consumer=person) | Q(provider__in=providers) | Q(recipient__in=providers)
    )
    return get_object_or_404(found.select_related("order", "credits"), ref=ref)


def _invoice(found: Invoice) -> dict[str, Any]:
    is_credit = found.kind == Invoice.Kind.CREDIT
    lines = [
        line
        | {"label": words.fee_of(line["kind"], line["month"]) if "kind" in line else line["label"]}
        for line in found.lines
    ]
    title = _("Credit note") if is_credit else _("Invoice")
    return {"invoice": found, "lines": lines, "title": title}


def _who(name: str, tax_id: str) -> str:
    return f"{name}, {tax_id}" if tax_id else name


def _sum(minor: int, currency: str) -> str:
    """A sum with only the signs that the paper's fonts have."""
    told = formats.money(minor, currency, language=get_language() or "en")
    return told.replace("\u202f", "\xa0").replace("\u2212", "-")


def _file(paper: Paper, name: str) -> HttpResponse:
    response = HttpResponse(pdf(paper), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
