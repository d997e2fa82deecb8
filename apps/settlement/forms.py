from django import forms
from django.utils.translation import gettext_lazy as _


class FeeForm(forms.Form):
    """With which card a fee is paid, and the key that makes a form that is sent twice one."""

    card = forms.IntegerField(error_messages={"required": _("Choose a card.")})
    key = forms.UUIDField()
