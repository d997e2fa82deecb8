"""The city's map as one tag, so that every page asks for it in the same words."""

from typing import Any

import shapely
from django import template
from django.urls import reverse

from apps.places.models import City

register = template.Library()

PLACEHOLDERS = "/{z}/{x}/{y}.mvt"


def tiles_address(city: City) -> str:
    """Return the address of the city's tiles with {z}, {x} and {y}, or "" if none are cut."""
    if not city.tiles_version:
        return ""
    first = reverse("places:tile", args=[city.slug, city.tiles_version, 0, 0, 0])
    return first.removesuffix("/0/0/0.mvt") + PLACEHOLDERS


@register.inclusion_tag("places/city_map.html")
def city_map(city: City, label: str, **more: Any) -> dict[str, Any]:
    """Put the map of `city` here; `label` says what it shows to those who do not see it.

    More: `id` and `css_class` of the element, `lat` and `lon` to begin with instead of the
    city's centre, `zoom` (14), `still` for a picture without tools, and `data`, a mapping of
    further attributes data-*.
    """
    west, south, east, north = shapely.geometry.shape(city.boundary).bounds
    lat, lon = more.get("lat", city.centre_lat), more.get("lon", city.centre_lon)
    return {
        "label": label,
        "id": more.get("id", ""),
        "css_class": more.get("css_class", ""),
        "tiles": tiles_address(city),
        # As text: a template would write these numbers the way of the reader's country.
        "centre": f"{lat:.6f},{lon:.6f}",
        "bounds": f"{west:.6f},{south:.6f},{east:.6f},{north:.6f}",
        "zoom": str(more.get("zoom", 14)),
        "still": more.get("still", False),
        "data": more.get("data", {}),
    }
