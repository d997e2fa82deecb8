"""What banks want back from a provider, and what the team says to it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.disputes import operations, words
from apps.disputes.forms import EvidenceForm
from apps.disputes.models import Dispute
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties import queries as parties
from apps.parties.authentication import asking

PAGE = 20


@require_safe
@login_required
def index(request: HttpRequest) -> HttpResponse:
    """The disputes of the person's companies, those that wait for an answer first."""
    disputes = Dispute.objects.filter(
        provider__in=parties.providers_of(asking(request), "see_provider_money")
    ).select_related("provider", "order__city")
    in_order = disputes.order_by(F("closed_at").desc(nulls_first=True), "due_by", "-pk")
    page = Paginator(in_order, PAGE).get_page(request.GET.get("page"))
    rows = [_facts(dispute) for dispute in page]
    return render(request, "disputes/index.html", {"rows": rows, "page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def dispute(request: HttpRequest, ref: UUID) -> HttpResponse:
    """One dispute, what speaks against it, and a field for more until the day has come."""
    person = asking(request)
    # Other people's disputes are not found, rather than forbidden.
    found = get_object_or_404(
        Dispute.objects.select_related("provider", "order__city"),
        ref=ref,
        provider__in=parties.providers_of(person, "see_provider_money"),
    )
    form = EvidenceForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            operations.add_evidence(
                dispute_id=found.pk,
                text=form.cleaned_data["text"],
                user_id=person.pk,
                by=person.acting(Kind.PROVIDER),
                at=clock.now(),
            )
        except operations.TooLate:
            messages.error(request, _("The day until which the bank listens has passed."))
        except operations.NotPossible:
            messages.error(request, _("The bank has what there is. Nothing can be added now."))
        else:
            messages.success(request, _("Added. The city sends it to the bank."))
        return redirect("disputes:dispute", ref)
    facts = {
        **_facts(found),
        "evidence": found.evidence.select_related("added_by").order_by("pk"),
        "form": form,
    }
    return render(request, "disputes/dispute.html", facts, status=422 if form.errors else 200)


def _facts(one: Dispute) -> dict[str, Any]:
    is_late = one.due_by is not None and clock.now() >= one.due_by
    return {
        "dispute": one,
        "city": one.order.city if one.order else None,
        "reason": words.reason_of(one.reason),
        "says": one.get_state_display(),
        "is_open": one.state == Dispute.State.NEEDS_RESPONSE and not is_late and not one.wish,
    }
