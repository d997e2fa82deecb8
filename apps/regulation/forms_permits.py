"""What an officer says to suspend a permit, or to announce that it may be lost."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget

from apps.kernel import clock
from apps.kernel.office import Reason
from apps.places.current import current_city
from apps.places.models import City
from apps.regulation.models import Hearing


def city_here() -> City:
    city = current_city()
    assert city is not None, "there are no permits without a city"
    return city


def over(day: date) -> datetime:
    """The moment at which a day is over in the city."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=city_here().zone_info)


class Suspend(Reason):
    until = forms.DateField(
        label=_("Suspended through"),
        required=False,
        help_text=_("Left empty, until you lift it: say above what lifts it."),
        widget=UnfoldAdminDateWidget,
    )

    def clean_until(self) -> datetime | None:
        day: date | None = self.cleaned_data["until"]
        if day is None:
            return None
        if over(day) <= clock.now():
            raise forms.ValidationError(_("This day is over."))
        return over(day)


class Announce(Reason):
    means = forms.ChoiceField(
        label=_("What the city means"), choices=Hearing.Means, widget=UnfoldAdminSelectWidget
    )
    statement_until = forms.DateField(
        label=_("Time to speak through"), widget=UnfoldAdminDateWidget
    )
    suspend_until = forms.DateField(
        label=_("Suspended through"),
        required=False,
        help_text=_("Only for a suspension; left empty, until it is lifted."),
        widget=UnfoldAdminDateWidget,
    )

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        until, suspended = told.get("statement_until"), told.get("suspend_until")
        if until is None:
            return told
        if until <= city_here().now(clock.now()).date():
            self.add_error("statement_until", _("Leave them at least until tomorrow."))
        elif suspended and suspended <= until:
            self.add_error("suspend_until", _("It ends before it begins."))
        told["statement_until"] = over(until)
        told["suspend_until"] = over(suspended) if suspended else None
        return told
