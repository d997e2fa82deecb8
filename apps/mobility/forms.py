from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.mobility.operations import Stop
from apps.places import queries
from apps.places.geometry import Point
from apps.places.models import City

UNKNOWN = _("We do not know this place. Choose one of the nearest names, or write a street.")


class TripForm(forms.Form):
    """From where to where: points that were chosen, or words that we look up."""

    start = forms.CharField(label=_("From"), max_length=120)
    start_lat = forms.FloatField(required=False, widget=forms.HiddenInput)
    start_lon = forms.FloatField(required=False, widget=forms.HiddenInput)
    to = forms.CharField(label=_("To"), max_length=120)
    to_lat = forms.FloatField(required=False, widget=forms.HiddenInput)
    to_lon = forms.FloatField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, city: City, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.city = city
        # What the person may have meant, by field: shown under the field that was not understood.
        self.nearest: dict[str, list[queries.Found]] = {}

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        for end in ("start", "to"):
            if end in data:
                data[f"{end}_stop"] = self._stop(end, data)
        return data

    def _stop(self, end: str, data: dict[str, Any]) -> Stop | None:
        lat, lon, text = data.get(f"{end}_lat"), data.get(f"{end}_lon"), data[end].strip()
        if lat is not None and lon is not None:
            try:
                return Stop(Point(lat, lon), text)
            except ValueError:
                self.add_error(end, UNKNOWN)
                return None
        try:
            point = Point.parse(text)
        except ValueError:
            pass
        else:
            return Stop(point, queries.nearest_name(self.city, point))
        found = queries.search(self.city, text, limit=3)
        if found and (len(found) == 1 or _same(found[0].name, text)):
            return Stop(found[0].point, found[0].name)
        self.nearest[end] = found
        self.add_error(end, UNKNOWN if found else _("We know no place of this name."))
        return None


def _same(name: str, text: str) -> bool:
    return name.casefold() == text.casefold()


class BookForm(forms.Form):
    """The price that was chosen, the card, and the key that makes it once."""

    quote = forms.UUIDField()
    card = forms.IntegerField()
    key = forms.UUIDField()
