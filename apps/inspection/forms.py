"""What an officer says before an inspection starts."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.inspection.models import MINUTES, Inspection


class Start(forms.Form):
    """Whom, why, for which case, and how long."""

    who = forms.CharField(
        label=_("E-mail of the person, or name or tax number of the provider"), max_length=254
    )
    purpose = forms.ChoiceField(label=_("What it is about"), choices=Inspection.Purpose)
    words = forms.CharField(label=_("Why, in your own words"), max_length=120)
    case = forms.CharField(
        label=_("Number of the case, if there is one"), max_length=20, required=False
    )
    minutes = forms.TypedChoiceField(
        label=_("For how long"), coerce=int, choices=[(one, f"{one} min") for one in MINUTES]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields:
            self.fields[name].widget.attrs["autocomplete"] = "off"
