from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.insight import machinery
from apps.kernel import clock


@require_safe
@never_cache
@staff_member_required
@permission_required("bus.view_event", raise_exception=True)
def platform(request: HttpRequest) -> HttpResponse:
    """The platform at a glance, each number with its rows; it asks for itself every few seconds."""
    at = clock.now()
    context = admin.site.each_context(request) | {
        "title": _("Platform"),
        "at": at,
        "readings": machinery.readings(at),
        "measured": machinery.measured(),
    }
    return render(request, "insight/platform.html", context)
