"""A person's cases with the city: what was said in them, and saying something."""

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties.models import Provider, User
from apps.places.current import current_city
from apps.places.models import City
from apps.regulation import operations
from apps.regulation import queries_cases as read
from apps.regulation.forms_cases import Complaint, Statement, Withdrawal
from apps.regulation.models import CaseFile, CaseKind
from apps.regulation.queries import explain
from apps.regulation.queries_appeals import hearing_of, refusals_of, refused_case
from apps.regulation.queries_applications import application_of, progress_of
from apps.regulation.views import hand_out

REFUSALS: dict[type[Exception], Any] = {
    operations.CaseClosed: gettext_lazy("The case is closed. Nothing more can be said in it."),
    operations.TooMany: gettext_lazy(
        "The office has a lot from you already. Wait for its answer, or add to what is open."
    ),
}


def person(request: HttpRequest) -> User:
    return cast(User, request.user)


def here() -> City:
    city = current_city()
    if city is None:
        raise Http404
    return city


def seat(request: HttpRequest, ref: UUID) -> read.Seat:
    """Their place in the case, or nothing: other people's cases are not found."""
    found = read.seat_of(person(request), ref)
    if found is None:
        raise Http404
    return found


@login_required
@never_cache
@require_safe
def cases(request: HttpRequest) -> HttpResponse:
    """Every case that this person is a side of."""
    user = person(request)
    page = {
        "cases": read.cases_of(user)[:100],
        "refusals": [(one, explain(one.refusal)) for one in refusals_of(user, clock.now())[:10]],
        "city": here(),
    }
    return render(request, "regulation/cases.html", page)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def case(request: HttpRequest, ref: UUID) -> HttpResponse:
    """One case as its side sees it; sent, it takes a statement."""
    user, place = person(request), seat(request, ref)
    is_sent = request.method == "POST"
    form = Statement(request.POST or None, request.FILES or None) if is_sent else Statement()
    if is_sent and form.is_valid():
        try:
            operations.add_statement(
                case_id=place.case.pk,
                person_id=user.pk,
                by=user.acting(place.speaks_as),
                at=clock.now(),
                **form.cleaned_data,
            )
        except tuple(REFUSALS) as no:
            messages.error(request, REFUSALS[type(no)])
        else:
            messages.success(request, _("Said. The office reads it; its answer stands here."))
        return redirect("regulation:case", ref=ref)
    page = {
        "case": place.case,
        "seat": place,
        "city": place.case.city,
        "form": form,
        "progress": (made := application_of(place.case.pk)) and progress_of(made),
        "hearing": hearing_of(place.case),
        "may_appeal": refused_case(user, ref) is not None,
        "withdrawal": Withdrawal(auto_id="withdraw_%s"),
    }
    return render(request, "regulation/case.html", page, status=422 if form.errors else 200)


@login_required
@require_POST
def withdraw(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Want a case no more."""
    user, place = person(request), seat(request, ref)
    form = Withdrawal(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say why you withdraw it."))
        return redirect("regulation:case", ref=ref)
    try:
        operations.withdraw_case(
            case_id=place.case.pk,
            person_id=user.pk,
            words=form.cleaned_data["words"],
            by=user.acting(place.speaks_as),
            at=clock.now(),
        )
    except operations.CaseClosed:
        messages.error(request, REFUSALS[operations.CaseClosed])
    except operations.NoSuchCase as no:
        raise Http404 from no
    return redirect("regulation:case", ref=ref)


@require_safe
@login_required
def file(request: HttpRequest, ref: UUID, event: UUID) -> FileResponse:
    """Hand out a file of a case to whoever may see it; to everybody else there is none."""
    found = read.event_open_to(person(request), ref, event)
    if found is None or not found.scan.storage.exists(str(found.scan.name)):
        raise Http404
    return hand_out(found.scan, found.format, f"case.{found.ending}")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def complain(request: HttpRequest) -> HttpResponse:
    """Complain of a provider, of something that it offers, or of an order."""
    city, user = here(), person(request)
    if request.method == "POST":
        form = Complaint(request.POST, request.FILES)
    else:
        form = Complaint(initial={**Complaint().initial, **_meant(request)})
    if form.is_bound and form.is_valid():
        told = form.cleaned_data
        try:
            opened = operations.open_case(
                key=told["key"],
                city_id=city.pk,
                kind=CaseKind.COMPLAINT,
                about_kind=told["about_kind"],
                about=told["about"],
                title=told["title"],
                words=told["words"],
                opened_by_id=user.pk,
                provider_id=told["provider"].pk,
                scan=told["scan"],
                by=user.acting(Kind.CONSUMER),
                at=clock.now(),
            )
        except operations.TooMany:
            form.add_error(None, REFUSALS[operations.TooMany])
        else:
            messages.success(request, _("The office has it. What comes of it stands here."))
            return redirect("regulation:case", ref=opened.ref)
    page = {"city": city, "form": form}
    return render(request, "regulation/complain.html", page, status=422 if form.errors else 200)


def _meant(request: HttpRequest) -> dict[str, Any]:
    """What the link to the form says that it is about."""
    kind, ref = request.GET.get("about", ""), request.GET.get("ref", "")[:100]
    told: dict[str, Any] = {"about": ref} if ref else {}
    if kind in CaseFile.About.values:
        told["about_kind"] = kind
    try:
        named = UUID(request.GET.get("provider", ""))
    except ValueError:
        return told
    provider = Provider.objects.filter(ref=named).first()
    return told | ({"provider": provider} if provider else {})
