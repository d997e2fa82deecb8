"""The places that a person keeps."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.parties.authentication import asking
from apps.places import operations, queries
from apps.places.current import current_city
from apps.places.forms import FavouriteForm
from apps.places.models import City, Favourite

# What was just removed waits in the person's own session for the next page, which offers it back.
REMOVED = "removed_place"


def _city() -> City:
    city = current_city()
    if city is None:
        raise Http404
    return city


def _by(request: HttpRequest) -> Actor:
    return asking(request).acting(Kind.CONSUMER)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def favourites(request: HttpRequest) -> HttpResponse:
    """Show the places that a person keeps, and keep another."""
    city, sent = _city(), request.POST if request.method == "POST" else None
    form = FavouriteForm(sent, city=city, initial=_wished(request))
    if sent is not None and form.is_valid() and _keep(request, city, form):
        return redirect("favourites:list")
    kept = queries.favourites(asking(request).pk, city)
    page = {
        "city": city,
        "form": form,
        "kept": kept,
        "removed": request.session.pop(REMOVED, None) if request.method == "GET" else None,
    }
    status = 422 if form.errors else 200
    return render(request, "places/favourites.html", page, status=status)


def _wished(request: HttpRequest) -> dict[str, str]:
    names = ("kind", "name", "place", "lat", "lon")
    return {name: request.GET[name][:120] for name in names if request.GET.get(name)}


def _keep(request: HttpRequest, city: City, form: FavouriteForm) -> bool:
    told = form.cleaned_data
    try:
        kept = operations.keep_place(
            user_id=asking(request).pk,
            city_id=city.pk,
            kind=told["kind"],
            name=told["name"],
            address=told["place"],
            point=told["point"],
            by=_by(request),
            at=clock.now(),
        )
    except operations.OutsideCity:
        form.add_error("place", _("This place lies outside the city. Choose one in it."))
        return False
    except operations.TooManyPlaces:
        form.add_error(None, _("Your list is full. Remove a place that you do not need."))
        return False
    messages.success(request, _("%(name)s is kept.") % {"name": kept})
    return True


@require_POST
@login_required
def rename(request: HttpRequest, favourite: int) -> HttpResponse:
    """Call a kept place otherwise."""
    try:
        operations.rename_place(
            favourite_id=favourite,
            user_id=asking(request).pk,
            name=request.POST.get("name", ""),
            by=_by(request),
            at=clock.now(),
        )
    except operations.NoSuchPlace as error:
        raise Http404 from error
    except operations.NameTaken:
        messages.error(request, _("You call another place so. Choose another name."))
    except ValueError:
        messages.error(request, _("Say what you call it."))
    return redirect("favourites:list")


@require_POST
@login_required
def remove(request: HttpRequest, favourite: int) -> HttpResponse:
    """Forget a kept place; the next page offers it back."""
    mine = Favourite.objects.filter(pk=favourite, user=asking(request)).first()
    if mine is None:
        raise Http404
    told: dict[str, Any] = {"kind": mine.kind, "name": mine.name, "place": mine.address}
    told |= {"lat": mine.lat, "lon": mine.lon}
    operations.remove_place(
        favourite_id=favourite, user_id=asking(request).pk, by=_by(request), at=clock.now()
    )
    request.session[REMOVED] = told
    return redirect("favourites:list")
