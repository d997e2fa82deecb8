"""While an inspection is under way its officer only looks: whatever writes is refused."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _

from apps.inspection import desk

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# What ends it, and what changes nothing but the officer's own screen.
ALLOWED = frozenset(
    {"inspection:end", "account_logout", "admin:logout", "web:language", "web:theme"}
)
# Doors for programs, shut whole: a page is what an inspection is looked through.
FOR_PROGRAMS = ("/api/", "/mds/")


def only_looking(
    respond: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse with 403 what an officer would write, or ask of the API, during an inspection."""

    def middleware(request: HttpRequest) -> HttpResponse:
        by_program = request.path_info.startswith(FOR_PROGRAMS)
        if request.method in SAFE and not by_program:
            return respond(request)
        inspection = desk.current(request)
        if inspection is None or _name_of(request) in ALLOWED:
            return respond(request)
        if by_program:
            return _problem()
        told = {"inspection": inspection}
        return render(request, "inspection/refused.html", told, status=403)

    return middleware


def _name_of(request: HttpRequest) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""


def _problem() -> HttpResponse:
    code = "inspection_under_way"
    told = {
        "type": f"/api/v1/docs/problems/#{code}",
        "title": _("An inspection is under way: end it first. Until then you only look."),
        "status": 403,
        "code": code,
    }
    return JsonResponse(told, status=403, content_type="application/problem+json")
