"""How somebody becomes a driver: the application, the papers, and the fleet that agrees."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.dispatch import operations as dispatch
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.mobility import operations
from apps.mobility.forms_join import ABILITIES, DrivingForm, PaperForm, told_so_far
from apps.mobility.operations import VERTICAL
from apps.parties import operations as parties
from apps.parties.models import Joining, Provider, User, Worker
from apps.parties.queries import providers_of
from apps.places.current import current_city
from apps.places.models import City
from apps.regulation import operations as regulation
from apps.regulation.models import Permit
from apps.regulation.queries import demands, explain, refusal_of_permit, suspended

REFUSALS: dict[type[Exception], Any] = {
    parties.WorksElsewhere: gettext_lazy("Whoever drives for a fleet leaves it first."),
    parties.AlreadyAnswered: gettext_lazy("This application was sent or answered before."),
    parties.NoSuchJoining: gettext_lazy("There is no such application any more."),
    parties.LastOwner: gettext_lazy("The only owner of a business cannot leave it."),
    operations.PlateTaken: gettext_lazy("The car of this plate belongs to another driver."),
    dispatch.OnARun: gettext_lazy("Somebody is to be driven first. Try again after that ride."),
}


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _city() -> City:
    city = current_city()
    if city is None:
        raise Http404
    return city


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """All that is between somebody and their first shift, on one page."""
    user, city, at = _user(request), _city(), clock.now()
    worker = Worker.objects.active().filter(user=user).select_related("provider").first()
    mine = Joining.objects.filter(user=user, vertical=VERTICAL).select_related("provider")
    joining = mine.order_by("-pk").first()
    is_open = worker is None and (joining is None or joining.state != Joining.State.ASKED)
    form = None
    if is_open:
        draft = mine.filter(state=Joining.State.DRAFT).first() or joining
        form = DrivingForm(
            request.POST if request.method == "POST" else None,
            fleets=_fleets(),
            is_draft=request.method == "POST" and "send" not in request.POST,
            initial=told_so_far(user, draft, request.GET.get("fleet", "")),
        )
        if form.is_valid() and _save(request, form):
            return redirect("join:join")
    asked = demands(user.pk, city, VERTICAL, at)
    page = {
        "city": city,
        "form": form,
        "worker": worker,
        "joining": joining,
        "abilities": [ABILITIES.get(one, one) for one in (joining.abilities if joining else [])],
        "demands": asked,
        "done": sum(one.is_in_force for one in asked),
        "permit": worker and explain(refusal_of_permit(worker.provider_id, VERTICAL, at)),
        "is_owner": worker and worker.provider in providers_of(user, "operate_provider"),
    }
    status = 422 if form is not None and form.errors else 200
    return render(request, "mobility/join/join.html", page, status=status)


def _fleets() -> list[Provider]:
    """Who may offer rides now and so may take on drivers."""
    at = clock.now()
    permits = Permit.objects.filter(vertical=VERTICAL, revoked_at=None, valid__contains=at)
    may = permits.exclude(suspended(at))
    return list(Provider.objects.filter(permits__in=may).order_by("name").distinct())


def _save(request: HttpRequest, form: DrivingForm) -> bool:
    """Keep what was written and, where it was sent, put it to the fleet.  Say whether it went."""
    user, at = _user(request), clock.now()
    by = user.acting(Kind.CONSUMER)
    try:
        parties.name_person(
            user_id=user.pk,
            name=form.cleaned_data["name"] or user.name,
            phone=form.cleaned_data["phone"] or user.phone,
            by=by,
            at=at,
        )
        joining = parties.save_joining(
            user_id=user.pk, vertical=VERTICAL, by=by, at=at, **form.wish
        )
        if "send" not in request.POST:
            messages.success(request, _("Saved. Nobody has seen it yet."))
            return True
        joining = operations.ask_to_drive(joining_id=joining.pk, by=by, at=at)
    except operations.PlateTaken:
        form.add_error("plate", REFUSALS[operations.PlateTaken])
        return False
    except (parties.WorksElsewhere, parties.AlreadyAnswered) as no:
        messages.error(request, REFUSALS[type(no)])
        return True
    if joining.state == Joining.State.AGREED:
        messages.success(request, _("Your business stands. Now the papers."))
    else:
        messages.success(request, _("Sent. The fleet will answer here."))
    return True


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def paper(request: HttpRequest, kind: str) -> HttpResponse:
    """Send one paper: the first time, or again."""
    user, city, at = _user(request), _city(), clock.now()
    asked = demands(user.pk, city, VERTICAL, at)
    demand = next((one for one in asked if one.requirement.kind == kind), None)
    if demand is None:
        raise Http404
    form = PaperForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        today=lambda: city.now(at).date(),
        initial={"number": demand.latest.number if demand.latest else ""},
    )
    if form.is_valid():
        try:
            regulation.send_paper(
                holder_id=user.pk,
                city_id=city.pk,
                vertical=VERTICAL,
                kind=kind,
                **form.cleaned_data,
                by=user.acting(Kind.WORKER),
                at=at,
            )
        except regulation.NotAskedFor as error:
            raise Http404 from error
        messages.success(request, _("Sent. An officer looks at it; the answer stands here."))
        return redirect("join:join")
    page = {"city": city, "form": form, "demand": demand}
    return render(request, "mobility/join/paper.html", page, status=422 if form.errors else 200)


@login_required
@require_POST
def withdraw(request: HttpRequest) -> HttpResponse:
    """Take an application back, to change it."""
    mine = Joining.objects.filter(user=_user(request), vertical=VERTICAL)
    joining = mine.filter(state=Joining.State.ASKED).first()
    if joining is not None:
        _do(request, parties.withdraw_joining, joining_id=joining.pk)
    return redirect("join:join")


@login_required
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Leave the fleet."""
    worker = get_object_or_404(Worker.objects.active(), user=_user(request))
    if _do(request, operations.part_ways, worker_id=worker.pk):
        messages.success(request, _("You drive for nobody now. Your papers stay with you."))
    return redirect("join:join")


# --- the fleet's side ---------------------------------------------------------------------


@login_required
@never_cache
@require_safe
def fleet(request: HttpRequest) -> HttpResponse:
    """Who asks to drive for a fleet, who drives for it, and how their papers stand."""
    user, city, at = _user(request), _city(), clock.now()
    fleets = list(providers_of(user, "operate_provider").order_by("name"))
    if not fleets:
        raise Http404
    asks = Joining.objects.filter(
        provider__in=fleets, vertical=VERTICAL, state=Joining.State.ASKED
    ).select_related("user", "provider")
    drivers = Worker.objects.active().filter(provider__in=fleets)
    drivers = drivers.select_related("user", "provider", "vehicle").order_by("user__name", "pk")
    page = {
        "city": city,
        "fleets": [
            {"name": one.name, "link": request.build_absolute_uri(f"/drive/join/?fleet={one.ref}")}
            for one in fleets
        ],
        "asks": [
            {
                "joining": one,
                "demands": demands(one.user_id, city, VERTICAL, at),
                "abilities": [ABILITIES.get(name, name) for name in one.abilities],
            }
            for one in asks.order_by("saved_at", "pk")
        ],
        "drivers": [
            {
                "worker": one,
                "vehicle": getattr(one, "vehicle", None),
                "demands": demands(one.user_id, city, VERTICAL, at),
            }
            for one in drivers
        ],
    }
    return render(request, "mobility/join/fleet.html", page)


@login_required
@require_POST
def answer(request: HttpRequest, joining: int) -> HttpResponse:
    """The fleet agrees, or refuses and says why."""
    fleets = providers_of(_user(request), "operate_provider")
    asked = get_object_or_404(Joining, pk=joining, provider__in=fleets, vertical=VERTICAL)
    if request.POST.get("answer") == "agree":
        if _do(request, operations.agree_to_driver, joining_id=asked.pk, city_id=_city().pk):
            messages.success(request, _("%(name)s drives for you now.") % {"name": asked.user})
    elif reason := request.POST.get("reason", "").strip()[:500]:
        _do(request, parties.refuse_joining, joining_id=asked.pk, reason=reason)
    else:
        messages.error(request, _("Say why: whoever asked will read it."))
    return redirect("join:fleet")


@login_required
@require_POST
def let_go(request: HttpRequest, worker: int) -> HttpResponse:
    """The fleet and a driver part."""
    fleets = providers_of(_user(request), "operate_provider")
    found = get_object_or_404(Worker.objects.active(), pk=worker, provider__in=fleets)
    _do(request, operations.part_ways, worker_id=found.pk)
    return redirect("join:fleet")


def _do(request: HttpRequest, operation: Any, **what: Any) -> bool:
    """One call of one operation, as this person, now.  Say whether it was done."""
    try:
        operation(by=_user(request).acting(Kind.PROVIDER), at=clock.now(), **what)
    except tuple(REFUSALS) as no:
        messages.error(request, REFUSALS[type(no)])
        return False
    except regulation.NotPermitted as no:
        messages.error(request, explain(str(no)))
        return False
    return True
