"""What people say about the money that they are owed."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from apps.kernel.money import EXPONENTS
from apps.kernel.office import Reason
from apps.settlement.models import Payee, PayoutPlan, Weekday
from apps.settlement.operations import LARGEST_MINIMUM


class FeeForm(forms.Form):
    """With which card a fee is paid, and the key that makes a form that is sent twice one."""

    card = forms.IntegerField(error_messages={"required": _("Choose a card.")})
    key = forms.UUIDField()


class PlanForm(forms.Form):
    """When a provider wants to be paid, and how much at least."""

    schedule = forms.ChoiceField(
        choices=PayoutPlan.Schedule, error_messages={"required": _("Choose when you are paid.")}
    )
    weekday = forms.TypedChoiceField(choices=Weekday, coerce=int, required=False, empty_value="0")
    minimum = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=12,
        error_messages={
            "invalid": _("Give a sum in figures."),
            "min_value": _("Give a sum of nothing or more."),
            "max_digits": _("This is more than anybody is ever paid."),
            "max_whole_digits": _("This is more than anybody is ever paid."),
        },
    )

    def __init__(self, *args: Any, currency: str, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.places = EXPONENTS[currency]

    def clean_minimum(self) -> int:
        """The least payout in minor units."""
        amount = self.cleaned_data["minimum"] or Decimal(0)
        if amount != round(amount, self.places):
            raise forms.ValidationError(_("This currency has no smaller coins."))
        minor = int(amount.scaleb(self.places))
        if minor > LARGEST_MINIMUM:
            raise forms.ValidationError(_("This is more than anybody is ever paid."))
        return minor


class PayForm(forms.Form):
    """That a provider wants to be paid now, and the fee that was shown."""

    key = forms.UUIDField()
    instant = forms.BooleanField(required=False)
    fee = forms.IntegerField(min_value=0, max_value=10**15)


class ReserveForm(Reason):
    """What is kept back, and what paying at once costs."""

    reserve = forms.DecimalField(
        label=_("Kept back, percent of what is earned"),
        min_value=0,
        max_value=50,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    days = forms.IntegerField(
        label=_("For days"), min_value=0, max_value=365, widget=UnfoldAdminIntegerFieldWidget
    )
    fee = forms.DecimalField(
        label=_("Fee for paying at once, percent"),
        min_value=0,
        max_value=10,
        decimal_places=2,
        initial=1,
        widget=UnfoldAdminDecimalFieldWidget,
    )


class PayeeForm(Reason):
    """To which bank account a payee is paid, and when."""

    bank_account = forms.CharField(
        label=_("Bank account or IBAN"), max_length=40, widget=UnfoldAdminTextInputWidget
    )
    schedule = forms.ChoiceField(
        label=_("Schedule"), choices=Payee.Schedule, widget=UnfoldAdminSelectWidget
    )


class ApproveForm(Reason):
    """The bank account once more, as the second officer has it from whoever is paid."""

    account = forms.CharField(
        label=_("Bank account or IBAN, typed once more"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget,
    )
