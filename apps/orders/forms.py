from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.kernel.money import EXPONENTS
from apps.orders.models import Order

OTHER = "other"


class TipForm(forms.Form):
    """How much, with which card, and the key that makes a form that is sent twice one tip."""

    sum = forms.CharField(max_length=20, error_messages={"required": _("Choose how much.")})
    other = forms.DecimalField(
        max_digits=12, required=False, error_messages={"invalid": _("Write the sum in figures.")}
    )
    card = forms.IntegerField(error_messages={"required": _("Choose a card.")})
    key = forms.UUIDField()

    def __init__(self, *args: Any, order: Order, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.places = EXPONENTS[order.currency]
        self.amount_minor = 0

    def clean(self) -> dict[str, Any]:
        """Turn what was chosen, in minor units, or typed, in whole coins, into minor units."""
        chosen, typed = self.cleaned_data.get("sum", ""), self.cleaned_data.get("other")
        if chosen.isdecimal():
            self.amount_minor = int(chosen)
        elif chosen == OTHER and typed is not None:
            if typed != round(typed, self.places):
                raise forms.ValidationError(_("This currency has no smaller coins."))
            self.amount_minor = int(Decimal(typed).scaleb(self.places))
        elif "sum" in self.cleaned_data and "other" not in self.errors:
            raise forms.ValidationError(_("Write how much you want to give."))
        return self.cleaned_data
