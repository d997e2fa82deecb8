from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.places import queries
from apps.places.geometry import Point
from apps.places.models import City


@dataclass(frozen=True, slots=True)
class Option:
    """One line of the list under a search field."""

    id: str
    found: queries.Found

    @property
    def glyph(self) -> str:
        return self.found.kind.lower()


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Return the options of a combobox: the places that `q` may mean.

    `city` is a slug, the first city if left out; `near` a point "lat,lon" that nearer places
    are listed ahead for; `list` the id of the listbox, which the ids of its options begin with.
    """
    city = _city(request)
    try:
        near = Point.parse(request.GET["near"]) if request.GET.get("near") else None
    except ValueError:
        return HttpResponseBadRequest(_("near is a point, written as latitude,longitude"))
    text = request.GET.get("q", "").replace("\0", " ")
    prefix = request.GET.get("list", "places")[:40]
    found = queries.search(city, text, near)
    options = [Option(f"{prefix}-{number}", place) for number, place in enumerate(found)]
    return render(request, "places/options.html", {"options": options, "text": text.strip()})


def _city(request: HttpRequest) -> City:
    cities = City.objects.order_by("pk")
    if slug := request.GET.get("city", ""):
        cities = cities.filter(slug=slug.replace("\0", ""))
    return get_object_or_404(cities[:1])
