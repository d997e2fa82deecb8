"""The pages of an inspection: starting it, looking, ending it, and what stands there after it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.audit import operations as audit
from apps.inspection import desk, operations, pages, queries
from apps.inspection.forms import Start
from apps.inspection.masking import Mask, Page
from apps.inspection.models import Inspection
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties.models import User
from apps.places.current import current_city

NOBODY = gettext_lazy("There is nobody such whom you may inspect. Look at how it is written.")
REFUSALS: dict[type[Exception], tuple[str | None, Any]] = {
    operations.NotYours: ("who", NOBODY),
    operations.NobodyToTell: (
        "who",
        gettext_lazy("Nobody stands for this provider who would see that you looked."),
    ),
    operations.NoSuchCase: ("case", gettext_lazy("The city has no case of this number.")),
    operations.UnderWay: (None, gettext_lazy("You have an inspection under way. End it first.")),
}

type Build = Callable[..., Page]


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_member_required
def start(request: HttpRequest) -> HttpResponse:
    """Say whom, why and how long, and begin."""
    officer = cast(User, request.user)
    if not queries.reach_of(officer):
        raise PermissionDenied
    if desk.current(request) and request.method != "POST":
        return redirect("inspection:now")
    form = Start(request.POST if request.method == "POST" else None)
    if form.is_valid() and _started(request, officer, form):
        return redirect("inspection:now")
    told = {
        "title": _("Start an inspection"),
        "form": form,
        "narrowed": not queries.reach_of(officer).everywhere,
    }
    return _page(request, "inspection/start.html", told, 422 if form.errors else 200)


def _started(request: HttpRequest, officer: User, form: Start) -> bool:
    told = form.cleaned_data
    try:
        operations.start(
            **queries.named(told["who"]),
            purpose=told["purpose"],
            words=told["words"],
            case_number=told["case"],
            minutes=told["minutes"],
            by=officer.acting(Kind.OFFICER),
            at=clock.now(),
        )
    except tuple(REFUSALS) as no:
        form.add_error(*REFUSALS[type(no)])
        return False
    return True


def looking(build: Build) -> Callable[..., HttpResponse]:
    """A page of the inspection that is under way: a line is left, and only then is it shown.

    `build` gathers the page; whatever it gathers passes through the mask.
    """

    @require_safe
    @never_cache
    @staff_member_required
    @wraps(build)
    def view(request: HttpRequest, **named: Any) -> HttpResponse:
        officer = cast(User, request.user)
        inspection = desk.current(request)
        if inspection is None:
            return _over(request, officer)
        reach = queries.reach_of(officer)
        try:
            gathered = build(request, inspection, reach, **named)
        except pages.NotHere:
            raise Http404 from None
        own = {inspection.person_id} if inspection.person_id else set()
        shown = Mask(frozenset(own)).page(gathered)
        try:
            operations.look(
                ref=inspection.ref,
                what=shown.what,
                row=shown.row,
                by=officer.acting(Kind.OFFICER),
                at=clock.now(),
            )
        except operations.Over:
            return _over(request, officer)
        except audit.NotSealed:
            told = {"title": _("Not shown"), "opts": Inspection._meta}
            return _page(request, "audit/unsealed.html", told, 503)
        told = {
            "title": shown.title,
            "page": shown,
            "inspection": inspection,
            "sees_earnings": reach.everywhere,
        }
        return _page(request, "inspection/page.html", told)

    return view


@looking
def now(_request: HttpRequest, inspection: Inspection, reach: queries.Reach) -> Page:
    """Who is inspected."""
    return pages.overview(inspection, reach)


@looking
def orders(request: HttpRequest, inspection: Inspection, reach: queries.Reach) -> Page:
    return pages.orders(inspection, reach, request.GET.get("page"))


@looking
def order(_request: HttpRequest, inspection: Inspection, reach: queries.Reach, ref: UUID) -> Page:
    return pages.order(inspection, reach, ref)


@looking
def papers(_request: HttpRequest, inspection: Inspection, reach: queries.Reach) -> Page:
    return pages.papers(inspection, reach)


@looking
def earnings(request: HttpRequest, inspection: Inspection, reach: queries.Reach) -> Page:
    if not reach.everywhere:
        raise pages.NotHere
    return pages.earnings(inspection, request.GET.get("page"))


@looking
def payout(request: HttpRequest, inspection: Inspection, reach: queries.Reach, ref: UUID) -> Page:
    if not reach.everywhere:
        raise pages.NotHere
    return pages.payout(inspection, ref, request.GET.get("page"))


@require_POST
@never_cache
@staff_member_required
def end(request: HttpRequest) -> HttpResponse:
    """End the inspection by hand.  Twice is harmless."""
    officer = cast(User, request.user)
    operations.end_of(
        officer_id=officer.pk,
        ending=Inspection.Ending.BY_HAND,
        by=officer.acting(Kind.OFFICER),
        at=clock.now(),
    )
    messages.success(request, _("The inspection is over. Whoever you looked at is told."))
    return redirect("admin:index")


def _over(request: HttpRequest, officer: User) -> HttpResponse:
    """Say why nothing is shown: no inspection, or how the last one ended."""
    told = {
        "title": _("No inspection is under way"),
        "last": queries.last_of(officer.pk),
        "here": current_city(),
        "may": bool(queries.reach_of(officer)),
    }
    return _page(request, "inspection/over.html", told, 403)


def _page(
    request: HttpRequest, template: str, told: dict[str, Any], status: int = 200
) -> HttpResponse:
    return render(request, template, admin.site.each_context(request) | told, status=status)
