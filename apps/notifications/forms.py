from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.notifications.models import validate_zone


class QuietForm(forms.Form):
    """When not to be rung."""

    starts = forms.TimeField(
        label=_("From"), required=False, widget=forms.TimeInput({"type": "time"}, "%H:%M")
    )
    ends = forms.TimeField(
        label=_("Until"), required=False, widget=forms.TimeInput({"type": "time"}, "%H:%M")
    )
    zone = forms.CharField(max_length=50, widget=forms.HiddenInput, validators=[validate_zone])

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        starts, ends = told.get("starts"), told.get("ends")
        if (starts is None) != (ends is None) and not self.errors:
            raise forms.ValidationError(_("Give both hours, or neither to be rung at any hour."))
        if starts is not None and starts == ends:
            raise forms.ValidationError(_("Quiet hours begin and end at different times."))
        return told
