"""Contesting a refusal of the city."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.regulation import operations
from apps.regulation import queries_appeals as read
from apps.regulation.forms_cases import Statement
from apps.regulation.views_cases import REFUSALS, here, person


@login_required
@require_POST
def appeal_case(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Contest that an application was refused."""
    user = person(request)
    form = Statement(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, _("Say why the city should say yes."))
        return redirect("regulation:case", ref=ref)
    try:
        case = operations.appeal_case(
            ref=ref,
            person_id=user.pk,
            words=form.cleaned_data["words"],
            scan=form.cleaned_data["scan"],
            by=user.acting(Kind.PROVIDER),
            at=clock.now(),
        )
    except operations.NoSuchCase as no:
        raise Http404 from no
    except operations.AlreadyOpened as no:
        return redirect("regulation:case", ref=no.ref or ref)
    except operations.TooLateToAppeal:
        messages.error(request, _("It is too late to appeal"))
        return redirect("regulation:case", ref=ref)
    messages.success(request, _("The office has your appeal. Its answer stands here."))
    return redirect("regulation:case", ref=case.ref)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def appeal(request: HttpRequest, ref: UUID) -> HttpResponse:
    """What the city said, why, and the words against it; later, the way to the case."""
    user, at = person(request), clock.now()
    contest = read.contest_of(user, ref)
    if contest is None:
        raise Http404
    if known := contest.case:
        return redirect("regulation:case", ref=known.ref)
    is_over = at > contest.until
    is_sent = request.method == "POST" and not is_over
    form = Statement(request.POST, request.FILES) if is_sent else Statement()
    form.fields["words"].label = _("Why the city should say yes")
    if is_sent and form.is_valid():
        told = form.cleaned_data
        by = user.acting(Kind.PROVIDER if contest.is_for_provider else Kind.CONSUMER)
        try:
            case = operations.appeal_decision(
                ref=ref,
                person_id=user.pk,
                words=told["words"],
                scan=told["scan"],
                by=by,
                at=at,
            )
        except operations.AlreadyOpened:
            # Somebody of the same team was faster: this address now leads to their case.
            return redirect("regulation:appeal", ref=ref)
        except operations.TooMany:
            form.add_error(None, REFUSALS[operations.TooMany])
        else:
            messages.success(request, _("The office has your appeal. Its answer stands here."))
            return redirect("regulation:case", ref=case.ref)
    page = {
        "contest": contest,
        "decision": contest.decision,
        "city": contest.decision.city,
        "form": form,
        "is_over": is_over,
    }
    return render(request, "regulation/appeal.html", page, status=422 if form.errors else 200)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def appeal_permit(request: HttpRequest, permit: int) -> HttpResponse:
    """Contest that a permit was revoked or suspended."""
    user, city = person(request), here()
    taken = read.taken_from(user, permit)
    if taken is None:
        raise Http404
    form = Statement(request.POST, request.FILES) if request.method == "POST" else Statement()
    form.fields["words"].label = _("Why the city should give it back")
    if form.is_bound and form.is_valid():
        try:
            case = operations.appeal_permit(
                permit_id=taken.pk,
                city_id=city.pk,
                person_id=user.pk,
                words=form.cleaned_data["words"],
                scan=form.cleaned_data["scan"],
                by=user.acting(Kind.PROVIDER),
                at=clock.now(),
            )
        except operations.AlreadyOpened as no:
            return redirect("regulation:case", ref=no.ref) if no.ref else redirect(request.path)
        except operations.TooLateToAppeal:
            form.add_error(None, _("It is too late to appeal"))
        except operations.TooMany:
            form.add_error(None, REFUSALS[operations.TooMany])
        else:
            messages.success(request, _("The office has your appeal. Its answer stands here."))
            return redirect("regulation:case", ref=case.ref)
    page = {"permit": taken, "form": form, "city": city}
    status = 422 if form.errors else 200
    return render(request, "regulation/appeal_permit.html", page, status=status)
