"""Pages about the evidence, and about who looked at whose data."""

from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.audit import office, queries
from apps.kernel import clock

PAGE = 25


@require_safe
def evidence(request: HttpRequest) -> HttpResponse:
    """The newest seal of every log, the public key, and how anybody checks: for everybody."""
    told = {
        "keys": queries.published_keys(),
        "logs": queries.logs(),
        "is_late": queries.seal_age(clock.now()) > queries.LATE,
    }
    return render(request, "audit/evidence.html", told)


@require_safe
@login_required
@never_cache
def looks(request: HttpRequest) -> HttpResponse:
    """Who looked at what the city knows of the person who asks, why and when."""
    found = queries.looks_at(int(request.user.pk or 0))
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
    page = list(found[: PAGE + 1])
    told = {
        "looks": queries.in_words(page[:PAGE]),
        "older": page[PAGE - 1].pk if len(page) > PAGE else None,
    }
    return render(request, "audit/looks.html", told)


@require_POST
@staff_member_required
def state_why(request: HttpRequest) -> HttpResponse:
    """Remember why an officer looks, and go back to where they were."""
    office.state_why(request, request.POST.get("why", ""), clock.now())
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        back = reverse("admin:index")
    return HttpResponseRedirect(back)
