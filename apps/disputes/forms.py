from django import forms
from django.utils.translation import gettext_lazy as _


class EvidenceForm(forms.Form):
    """Something that speaks for whoever was paid."""

    text = forms.CharField(
        label=_("What happened"),
        max_length=5000,
        error_messages={
            "required": _("Write what happened."),
            "max_length": _("Write at most 5,000 characters."),
        },
    )
