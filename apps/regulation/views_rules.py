"""The city's rules, for everybody."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.kernel import clock
from apps.places import queries as places
from apps.places.current import current_city
from apps.regulation import rulebook
from apps.regulation.models import Policy
from apps.regulation.rulebook import HOLDS, PUBLIC, Standing


@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    """All that is in force and all that is planned, in plain words."""
    city = current_city()
    found = rulebook.holding(city, clock.now()) if city else []
    zones = {slug for entry in found for said in entry.versions for slug in said.zones}
    page = {
        "here": city,
        "groups": [
            (standing, [(entry, said) for entry in found if (said := entry.first(standing))])
            for standing in HOLDS
        ],
        "shapes": places.shapes(city, zones) if city else {},
    }
    return render(request, "regulation/rules.html", page)


@require_safe
def rule(request: HttpRequest, number: str) -> HttpResponse:
    """One rule under its number, with all that it ever said.  Drafts are nobody's business yet."""
    city = current_city()
    policies = Policy.objects.filter(city=city, number=number)
    found = rulebook.entries(policies, clock.now(), PUBLIC)
    if city is None or not found:
        raise Http404
    (entry,) = found
    page = {
        "here": city,
        "entry": entry,
        "holds": entry.shown.standing in HOLDS,
        "planned": entry.first(Standing.PLANNED),
        "shapes": places.shapes(city, entry.zones),
    }
    return render(request, "regulation/rule.html", page)
