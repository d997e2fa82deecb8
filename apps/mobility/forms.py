from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.mobility import needs, ways
from apps.mobility.operations import Stop
from apps.places import queries
from apps.places.geometry import Point
from apps.places.models import City

UNKNOWN = _("We do not know this place. Choose one of the nearest names, or write a street.")


CASH = "cash"
STOPS = tuple(f"stop{number}" for number in range(1, ways.MOST_STOPS + 1))
NOW, LATER = "now", "later"


class Degrees(forms.FloatField):
    """Half of a hidden point.  Nobody types it, so what is no number counts as not given."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> float | None:
        try:
            number: float | None = super().clean(value)
        except forms.ValidationError:
            return None
        return number


class PlacesForm(forms.Form):
    """Places that were chosen, or words that we look up."""

    def __init__(self, *args: Any, city: City, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.city = city
        # What the person may have meant, by field: shown under the field that was not understood.
        self.nearest: dict[str, list[queries.Found]] = {}

    def _look_up(self, data: dict[str, Any], *ends: str) -> None:
        for end in ends:
            if data.get(end, "").strip():
                stop = data[f"{end}_stop"] = self._stop(end, data)
                self._keep(end, stop)

    def _keep(self, end: str, stop: Stop | None) -> None:
        """Keep what was understood: shown again, a form never names one place and means another."""
        sent: Any = self.data  # Django's own type is narrower than what comes.
        shown = sent.copy()
        shown[f"{end}_lat"] = shown[f"{end}_lon"] = ""
        if stop is not None:
            shown[end] = stop.name
            shown[f"{end}_lat"] = f"{stop.point.lat:.6f}"
            shown[f"{end}_lon"] = f"{stop.point.lon:.6f}"
        self.data = shown

    def _stop(self, end: str, data: dict[str, Any]) -> Stop | None:
        lat, lon, text = data.get(f"{end}_lat"), data.get(f"{end}_lon"), data[end].strip()
        # Without a script nobody empties the hidden point when another name is typed over it.
        was = data.get(f"{end}_was")
        if lat is not None and lon is not None and was in ("", text):
            try:
                return Stop(Point(lat, lon), text)
            except ValueError:
                pass  # no point on earth: the name is looked up
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


class DestinationForm(PlacesForm):
    """Where to instead."""

    to = forms.CharField(label=_("New destination"), max_length=120)
    to_lat = Degrees(required=False)
    to_lon = Degrees(required=False)
    to_was = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        self._look_up(self.cleaned_data, "to")
        return self.cleaned_data


class TripForm(PlacesForm):
    """From where to where: points that were chosen, or words that we look up."""

    start = forms.CharField(label=_("From"), max_length=120)
    start_lat = Degrees(required=False)
    start_lon = Degrees(required=False)
    start_was = forms.CharField(required=False, widget=forms.HiddenInput)
    to = forms.CharField(label=_("To"), max_length=120)
    to_lat = Degrees(required=False)
    to_lon = Degrees(required=False)
    to_was = forms.CharField(required=False, widget=forms.HiddenInput)

    when = forms.ChoiceField(
        label=_("When"),
        choices={NOW: _("Now"), LATER: _("Later")},
        required=False,
        initial=NOW,
        widget=forms.RadioSelect,
    )
    day = forms.DateField(
        label=_("Day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    time = forms.TimeField(
        label=_("Time"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )

    needs = forms.MultipleChoiceField(
        label=_("What you need"),
        choices=[(need.value, words) for need, words in needs.ASKED.items()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    remember_needs = forms.BooleanField(label=_("Remember it for my next rides"), required=False)

    def __init__(self, *args: Any, city: City, **kwargs: Any) -> None:
        super().__init__(*args, city=city, **kwargs)
        for end in STOPS:
            self.fields[end] = forms.CharField(
                label=_("Stop %(number)s") % {"number": end[-1]}, max_length=120, required=False
            )
            self.fields[f"{end}_lat"] = Degrees(required=False)
            self.fields[f"{end}_lon"] = Degrees(required=False)
            self.fields[f"{end}_was"] = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        self._look_up(data, "start", *STOPS, "to")
        data["stops"] = [data[f"{end}_stop"] for end in STOPS if data.get(f"{end}_stop")]
        data["pickup_at"] = self._hour(data) if data.get("when") == LATER else None
        return data

    @property
    def ways(self) -> list[dict[str, Any]]:
        """The fields of the stops on the way, as the page writes them."""
        return [
            {
                "end": end,
                "field": self[end],
                "lat": self[f"{end}_lat"],
                "lon": self[f"{end}_lon"],
                "nearest": self.nearest.get(end),
            }
            for end in STOPS
        ]

    @property
    def has_stops(self) -> bool:
        return any(self[end].value() for end in STOPS)

    def _hour(self, data: dict[str, Any]) -> datetime | None:
        """The hour as the city's clocks show it; the operation says whether it can be."""
        for name, missing in (("day", _("Choose a day.")), ("time", _("Choose a time."))):
            if name not in self.errors and not data.get(name):
                self.add_error(name, missing)
        if "day" in self.errors or "time" in self.errors:
            return None
        return datetime.combine(data["day"], data["time"])


def _same(name: str, text: str) -> bool:
    return name.casefold() == text.casefold()


class BookForm(forms.Form):
    """The price that was chosen, a card or cash, a voucher, and the key that makes it once."""

    quote = forms.UUIDField()
    card = forms.CharField(max_length=20)
    voucher = forms.CharField(max_length=40, required=False)
    key = forms.UUIDField()

    def clean_card(self) -> int | None:
        """The card's number, or None for cash."""
        chosen: str = self.cleaned_data["card"]
        if chosen == CASH:
            return None
        if not chosen.isdecimal():
            raise forms.ValidationError(_("Choose one of your own cards."))
        return int(chosen)
