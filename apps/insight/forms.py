"""What an administrator says when they give a role or take it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.parties import roles
from apps.parties.models import User
from apps.places.models import Zone


class Give(forms.Form):
    """A role for a person, over a district if the role is of that kind, and why."""

    email = forms.EmailField(label=_("E-mail of the person"))
    role = forms.ChoiceField(label=_("Role"), choices=roles.choices)
    district = forms.ModelChoiceField(
        label=_("District, for an inspector"), queryset=Zone.objects.none(), required=False
    )
    reason = forms.CharField(label=_("Why"), max_length=500)

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        field = self.fields["district"]
        assert isinstance(field, forms.ModelChoiceField)
        districts = Zone.objects.filter(kind=Zone.Kind.DISTRICT).select_related("city")
        field.queryset = districts.order_by("city__name", "name")

    def clean_email(self) -> str:
        self.person = User.objects.filter(email__iexact=self.cleaned_data["email"]).first()
        if self.person is None:
            raise forms.ValidationError(_("Nobody has an account with this address."))
        return str(self.cleaned_data["email"])

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        role = roles.ROLES.get(said.get("role", ""))
        if role and role.over and not said.get("district"):
            self.add_error("district", _("Say for which district."))
        if role and not role.over:
            said["district"] = None
        return said


class Take(forms.Form):
    """The end of an appointment, and why."""

    appointment = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(label=_("Why"), max_length=500)
