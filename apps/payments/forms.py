"""What an officer says to give money back."""

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from apps.kernel.money import EXPONENTS, Money
from apps.payments import queries
from apps.payments.models import Payment


class Refund(forms.Form):
    """How much, who gives it, and why.  The key makes a form that is sent twice one refund."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    amount = forms.DecimalField(
        label=_("Amount"), max_digits=15, widget=UnfoldAdminDecimalFieldWidget
    )
    who = forms.ChoiceField(
        label=_("Who gives it back"),
        choices=[("all", _("Everybody, by their part")), ("platform", _("The platform alone"))],
        widget=UnfoldAdminSelectWidget,
    )
    reason = forms.CharField(label=_("Reason"), max_length=200, widget=UnfoldAdminTextareaWidget)

    def __init__(self, *args: Any, payment: Payment, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.payment = payment
        self.left = Money(queries.refundable(payment), payment.currency)
        self.fields["amount"].help_text = _("At most %(left)s is left.") % {"left": self.left}

    def clean_amount(self) -> int:
        """The amount in minor units."""
        amount = self.cleaned_data["amount"]
        places = EXPONENTS[self.payment.currency]
        if amount <= 0:
            raise forms.ValidationError(_("Give an amount above nothing."))
        if amount != round(amount, places):
            raise forms.ValidationError(_("This currency has no smaller coins."))
        return int(amount.scaleb(places))

    @property
    def split(self) -> list[tuple[str, int]]:
        minor = self.cleaned_data["amount"]
        if self.cleaned_data["who"] == "platform":
            return [(queries.PLATFORM, minor)]
        return queries.split_back(self.payment, minor)
