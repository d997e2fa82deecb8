"""What an officer says to draw a zone."""

import json
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from apps.places import outlines
from apps.places.models import City, Zone

COMPLAINTS: dict[str, tuple[str, str | Promise]] = {
    "no_area": ("shape", _("It needs three corners at least.")),
    "crosses_itself": ("shape", _("The edge crosses itself. Move a corner, or undo it.")),
    "too_small": ("shape", _("It is smaller than 100 square metres.")),
    "too_many_corners": ("shape", _("It has more corners than a map can show.")),
    "outside_city": ("shape", _("A part of it lies outside the city.")),
    "no_name": ("name", _("The name needs letters or digits.")),
    "name_taken": ("name", _("Another zone has this name.")),
}


class ByName(forms.Form):
    """A street or a zone whose edge is to be taken."""

    street = forms.CharField(
        label=_("A street or a zone, by its name"),
        max_length=120,
        required=False,
        widget=UnfoldAdminTextInputWidget,
    )
    width = forms.IntegerField(
        label=_("Width of the street in metres"),
        min_value=4,
        max_value=100,
        initial=14,
        widget=UnfoldAdminIntegerFieldWidget,
    )


class Drawing(ByName):
    """A new zone: its name, what it is for, and its edge."""

    name = forms.CharField(label=_("Name"), max_length=100, widget=UnfoldAdminTextInputWidget)
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=Zone.Kind.choices,
        initial=Zone.Kind.RULE,
        help_text=_("Only districts stand in the city's figures."),
        widget=UnfoldAdminSelectWidget,
    )
    shape = forms.CharField(
        label=_("The edge, as GeoJSON"),
        help_text=_("Drawn on the map, taken from a street, or pasted here."),
        max_length=400_000,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"}),
    )

    def __init__(self, data: Any = None, *, city: City) -> None:
        self.city = city
        super().__init__(data)

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        written, street = told.get("shape"), told.get("street")
        if written:
            try:
                told["boundary"] = json.loads(written)
            except ValueError:
                self.add_error("shape", _("This is no GeoJSON."))
        elif street and "width" in told:
            # Without a script nobody could choose: the likeliest is meant.
            found = outlines.find(self.city, street, width=told["width"])
            if found:
                told["boundary"] = found[0].boundary
            else:
                self.add_error("street", _("We know no street and no zone of this name."))
        elif "shape" not in self.errors:
            self.add_error("shape", _("Draw its edge, or name a street."))
        return told

    def complain(self, code: str) -> None:
        """Put what stands against the zone beside the field that it is about."""
        field, said = COMPLAINTS[code]
        self.add_error(field, str(said))
