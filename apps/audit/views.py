"""Pages about the evidence."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.audit import queries
from apps.kernel import clock


@require_safe
def evidence(request: HttpRequest) -> HttpResponse:
    """The newest seal of every log, the public key, and how anybody checks: for everybody."""
    at = clock.now()
    told = {
        "keys": queries.published_keys(),
        "logs": queries.logs(),
        "age": queries.seal_age(at),
        "is_late": queries.seal_age(at) > queries.LATE,
    }
    return render(request, "audit/evidence.html", told)
