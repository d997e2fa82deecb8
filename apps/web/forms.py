from django import forms
from django.utils.translation import gettext_lazy as _

from apps.parties.models import Consumer


class PersonForm(forms.Form):
    """What a person tells the city of themself."""

    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        help_text=_("Drivers and hosts see the first name only."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    phone = forms.RegexField(
        r"^\+?[0-9 ()./-]{6,29}$",
        label=_("Phone"),
        required=False,
        help_text=_("Only for whoever drives you, while they drive you."),
        error_messages={"invalid": _("Enter a phone number, like +56 9 1234 5678")},
        widget=forms.TextInput(
            attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel", "maxlength": 30}
        ),
    )
    language = forms.ChoiceField(
        label=_("Language of mails and messages"),
        choices=[("en", "English"), ("es", "Español")],
    )
    needs = forms.MultipleChoiceField(
        label=_("What you need"),
        choices=Consumer.Need.choices,
        required=False,
        help_text=_("We ask every provider for it, so that you need not."),
        widget=forms.CheckboxSelectMultiple,
    )
