from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.places import queries
from apps.places.geometry import Point
from apps.places.models import City, Favourite

UNKNOWN = _("We do not know this place. Choose one of the nearest names, or write a street.")


class FavouriteForm(forms.Form):
    """A place to keep: chosen from the list or the map, or words that we look up."""

    kind = forms.ChoiceField(
        label=_("What it is"),
        choices=Favourite.Kind.choices,
        initial=Favourite.Kind.HOME,
        widget=forms.RadioSelect,
    )
    name = forms.CharField(label=_("What you call it"), max_length=40, required=False)
    place = forms.CharField(label=_("Where it is"), max_length=120)
    lat = forms.FloatField(required=False, widget=forms.HiddenInput)
    lon = forms.FloatField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, city: City, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.city = city
        self.nearest: list[queries.Found] = []

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("kind") == Favourite.Kind.OTHER and not data.get("name", "").strip():
            self.add_error("name", _("Say what you call it."))
        if "place" in data:
            data["point"], data["place"] = self._meant(data)
        return data

    def _meant(self, data: dict[str, Any]) -> tuple[Point | None, str]:
        text = data["place"].strip()
        try:
            return Point(data["lat"], data["lon"]), text
        except (KeyError, TypeError, ValueError):
            pass  # Nothing chosen: what was written is looked up.
        found = queries.search(self.city, text, limit=3)
        if found and (len(found) == 1 or found[0].name.casefold() == text.casefold()):
            return found[0].point, found[0].name
        self.nearest = found
        self.add_error("place", UNKNOWN if found else _("We know no place of this name."))
        return None, text
