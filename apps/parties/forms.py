from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.parties.models import User


class SignUp(forms.Form):
    """What we ask of a person beside the e-mail address and the password."""

    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text=_("Drivers see the first name."),
    )

    def signup(self, request: HttpRequest, user: User) -> None:
        """The adapter has kept it already."""


class NewToken(forms.Form):
    """A key for a program: what for, and how long."""

    LIFETIMES: Any = [
        ("30", _("30 days")),
        ("90", _("90 days")),
        ("365", _("a year")),
        ("0", _("until you revoke it")),
    ]
    name = forms.CharField(
        label=_("What is it for"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    days = forms.ChoiceField(label=_("How long does it work"), choices=LIFETIMES, initial="90")
