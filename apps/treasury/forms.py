"""What officers ask the treasury's pages, and the files that they hand in."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.kernel.money import EXPONENTS
from apps.kernel.office import Reason
from apps.places.models import City
from apps.treasury.statements import Columns

LONGEST = timedelta(days=366)


class Period(forms.Form):
    """A city and days there, both of them included."""

    city = forms.ModelChoiceField(
        City.objects.order_by("pk"), label=_("City"), to_field_name="slug", empty_label=None
    )
    since = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("Up to"), widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        since, until = told.get("since"), told.get("until")
        if since and until and not timedelta() <= until - since <= LONGEST:
            raise forms.ValidationError(_("The days are in order, and at most a year."))
        return told

    def moments(self) -> tuple[datetime, datetime]:
        """From the first day's midnight in the city up to that after the last."""
        zone = self.cleaned_data["city"].zone_info
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]

        def midnight(day: date) -> datetime:
            return datetime.combine(day, time(), zone)

        return midnight(since), midnight(until + timedelta(days=1))


class Statement(forms.Form):
    """A file of the bank or the gateway; for a bank's CSV also what stands where in it."""

    KINDS = (
        ("camt", _("Bank statement, CAMT.053")),
        ("csv", _("Bank statement, CSV")),
        ("report", _("Gateway's balance report, CSV")),
    )
    kind = forms.ChoiceField(label=_("Kind of file"), choices=KINDS)
    file = forms.FileField(label=_("File"))
    day = forms.CharField(label=_("Column of the day"), required=False, max_length=100)
    amount = forms.CharField(label=_("Column of the amount"), required=False, max_length=100)
    text = forms.CharField(label=_("Column of the text"), required=False, max_length=100)
    reference = forms.CharField(label=_("Column of the reference"), required=False, max_length=100)
    currency_column = forms.CharField(
        label=_("Column of the currency"), required=False, max_length=100
    )
    currency = forms.ChoiceField(
        label=_("Currency, where there is no such column"),
        choices=[(code, code) for code in sorted(EXPONENTS)],
        required=False,
    )
    decimal = forms.ChoiceField(
        label=_("Decimals begin with"),
        choices=[(".", _("a point: 1,234.50")), (",", _("a comma: 1.234,50"))],
        required=False,
    )
    days = forms.ChoiceField(
        label=_("Days are written"),
        choices=[("iso", "2026-11-23"), ("dmy", "23/11/2026"), ("mdy", "11/23/2026")],
        required=False,
    )
    encoding = forms.ChoiceField(
        label=_("Letters are written in"),
        choices=[("utf-8-sig", "UTF-8"), ("cp1252", "Windows-1252"), ("latin-1", "ISO 8859-1")],
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        if told.get("kind") == "csv":
            for name in ("day", "amount"):
                if not told.get(name):
                    self.add_error(name, _("A bank's CSV needs this column."))
        return told

    def columns(self) -> Columns:
        told = self.cleaned_data
        return Columns(
            day=told["day"],
            amount=told["amount"],
            text=told["text"],
            reference=told["reference"],
            currency_column=told["currency_column"],
            currency=told["currency"] or "",
            decimal=told["decimal"] or ".",
            days=told["days"] or "iso",
            encoding=told["encoding"] or "utf-8-sig",
        )


class Correction(Reason):
    """From or to which account what differs is moved, and why."""

    counter = forms.CharField(
        label=_("Account on the other side"), max_length=100, widget=UnfoldAdminTextInputWidget
    )
