"""A provider's permits: what it holds, what it asks for, and the papers that belong to it."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties.queries import providers_of
from apps.regulation import operations
from apps.regulation import queries_applications as read
from apps.regulation.forms_applications import Apply, Send
from apps.regulation.views import hand_out
from apps.regulation.views_cases import REFUSALS, here, person, seat


@login_required
@never_cache
@require_safe
def permits(request: HttpRequest) -> HttpResponse:
    """What this person's providers may offer, and what can be applied for."""
    user, city, at = person(request), here(), clock.now()
    page = {
        "permits": [(one, one.state_at(at)) for one in read.permits_of(user)],
        "terms": read.terms_in(city),
        "may_apply": providers_of(user, "operate_provider").exists(),
        "city": city,
    }
    return render(request, "regulation/permits.html", page)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def apply(request: HttpRequest, vertical: str) -> HttpResponse:
    """Ask for a permit; what belongs to it is sent on the page of the case."""
    user, city = person(request), here()
    terms = get_object_or_404(read.terms_in(city), vertical=vertical)
    if not providers_of(user, "operate_provider").exists():
        raise Http404
    form = Apply(request.POST if request.method == "POST" else None, user=user)
    if form.is_valid():
        try:
            made = operations.apply_for_permit(
                key=form.cleaned_data["key"],
                city_id=city.pk,
                vertical=vertical,
                provider_id=form.cleaned_data["provider"].pk,
                words=form.cleaned_data["words"],
                person_id=user.pk,
                by=user.acting(Kind.PROVIDER),
                at=clock.now(),
            )
        except operations.AlreadyOpened:
            form.add_error(None, _("An application of this provider is open already."))
        except operations.TooMany:
            form.add_error(None, REFUSALS[operations.TooMany])
        else:
            messages.success(request, _("Applied. Send what belongs to it below."))
            return redirect("regulation:case", ref=made.case.ref)
    asked = read.asked_of_providers(city.pk, vertical)
    page = {"form": form, "terms": terms, "asked": asked, "city": city}
    return render(request, "regulation/apply.html", page, status=422 if form.errors else 200)


@login_required
@require_POST
def document(request: HttpRequest, ref: UUID, kind: str) -> HttpResponse:
    """Hand in one document of the checklist."""
    user, place = person(request), seat(request, ref)
    form = Send(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, str(form.errors["scan"][0]))
        return redirect("regulation:case", ref=ref)
    try:
        operations.send_document(
            case_id=place.case.pk,
            kind=kind,
            scan=form.cleaned_data["scan"],
            person_id=user.pk,
            by=user.acting(Kind.PROVIDER),
            at=clock.now(),
        )
    except operations.CaseClosed:
        messages.error(request, REFUSALS[operations.CaseClosed])
    except (operations.NoSuchCase, operations.NotAskedFor) as no:
        raise Http404 from no
    else:
        messages.success(request, _("Sent. An officer looks at it; the answer stands here."))
    return redirect("regulation:case", ref=ref)


@require_safe
@login_required
def file(request: HttpRequest, ref: UUID, document: UUID) -> FileResponse:
    """Hand out a document to whoever may see it; to everybody else there is none."""
    found = read.document_open_to(person(request), ref, document)
    if found is None or not found.scan.storage.exists(str(found.scan.name)):
        raise Http404
    return hand_out(found.scan, found.format, f"document.{found.ending}")
