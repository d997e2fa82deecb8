"""What an officer says to put a tax or a fee in force."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from apps.kernel import clock
from apps.kernel.money import EXPONENTS
from apps.places.models import City
from apps.pricing import levies
from apps.pricing.levies import Kind, Rule
from apps.pricing.models import Levy, Payee

PERCENT = 100
CAPS = ("most_unit_minor", "most_person_minor", "most_minor")


class Codes(forms.CharField):
    """Codes of lines, with spaces or commas between them."""

    def to_python(self, value: Any) -> Any:
        return str(value or "").replace(",", " ").split()

    def prepare_value(self, value: Any) -> Any:
        return " ".join(value) if isinstance(value, list) else value


def decimal(label: Any, **more: Any) -> forms.DecimalField:
    told = {"required": False, "min_value": 0, "max_digits": 12, "decimal_places": 4}
    return forms.DecimalField(
        label=capfirst(label), widget=UnfoldAdminDecimalFieldWidget, **told | more
    )


class SetLevy(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """One version, as people write amounts and shares: 8.50, 12.5 %.  Times are the city's."""

    rate = decimal(
        _("rate"), required=True, help_text=_("An amount in the city's money, or percent.")
    )
    most_unit_minor = decimal(_("at most for a unit"))
    most_person_minor = decimal(_("at most for a person"))
    most_minor = decimal(_("at most in all"))
    times_bp = decimal(
        _("times"), initial=1, help_text=_("What each unit is multiplied by, after its cap.")
    )
    base = Codes(
        label=capfirst(_("counted on")),
        required=False,
        help_text=_("Codes of lines of the price, or of other taxes, that a share is taken of."),
        widget=UnfoldAdminTextInputWidget,
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=capfirst(_("weekdays")),
        required=False,
        choices=list(WEEKDAYS.items()),
        coerce=int,
        help_text=_("None: every day."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    valid_from = forms.SplitDateTimeField(
        label=capfirst(_("valid from")),
        help_text=_("On the city's clock. The version before ends there."),
        widget=UnfoldAdminSplitDateTimeWidget,
    )

    class Meta:
        model = Levy
        fields = (
            "city",
            "number",
            "code",
            "name",
            "kind",
            "rate",
            "per",
            "base",
            "most_unit_minor",
            "times_bp",
            "vertical",
            "category",
            "zone",
            "weekdays",
            "hour_from",
            "hour_until",
            "age_from",
            "age_below",
            "most_parts",
            "most_person_minor",
            "most_minor",
            "rounded",
            "direction",
        )

    def is_valid(self) -> bool:
        """Say whether it may be put in force; never, when only a preview was asked for."""
        return super().is_valid() and not self.is_preview

    @property
    def is_preview(self) -> bool:
        return "_preview" in self.data

    def clean(self) -> dict[str, Any]:
        """Complain beside the field, before the operation would."""
        told = super().clean() or self.cleaned_data
        city: City | None = told.get("city")
        if city is None:
            return told
        for name in ("rate", *CAPS):
            is_percent = name == "rate" and told.get("kind") == Kind.PERCENT
            self._scale(name, PERCENT if is_percent else 10 ** EXPONENTS[city.currency])
        self._scale("times_bp", levies.WHOLE_BP)
        told["times_bp"] = levies.WHOLE_BP if told.get("times_bp") is None else told["times_bp"]
        if not told["times_bp"]:
            self.add_error("times_bp", _("Give a number above nothing."))
        if (zone := told.get("zone")) and zone.city_id != city.pk:
            self.add_error("zone", _("This zone is in another city."))
        standing = Levy.objects.exclude(state=Levy.State.REJECTED).filter(city=city)
        if standing.filter(number=told.get("number")).exists():
            self.add_error("number", _("Another tax or fee of the city has this number."))
        if shown := told.get("valid_from"):
            self._begin(city, shown)
        return told

    def _scale(self, name: str, by: int) -> None:
        said: Decimal | None = self.cleaned_data.get(name)
        if said is None:
            return
        whole = said * by
        if whole != int(whole):
            self.add_error(name, _("This is finer than can be counted."))
        else:
            self.cleaned_data[name] = int(whole)

    def _begin(self, city: City, shown: datetime) -> None:
        """What the officer wrote is what the clocks of the city show."""
        told = self.cleaned_data
        try:
            begins = city.moment(timezone.make_naive(shown))
        except ValueError:
            self.add_error("valid_from", _("The clocks of the city leap over this hour."))
            return
        told["valid_from"] = begins
        if begins < clock.now():
            self.add_error("valid_from", _("It cannot begin in the past: what was paid is paid."))
        same = {name: told.get(name) for name in ("code", "vertical", "category", "zone")}
        others = Levy.objects.filter(
            city=city, withdrawn_at=None, state=Levy.State.APPROVED, **same
        )
        if later := others.filter(valid__startswith__gte=begins).first():
            said = _("%(number)s begins then or later. End it first.") % {"number": later.number}
            self.add_error("valid_from", said)

    def rule(self, shares: list[dict[str, Any]], exemptions: list[dict[str, Any]]) -> Rule:
        """What was said, as the engine reads it.  Raises `ValueError` when it makes no sense."""
        told = self.cleaned_data
        return Rule(
            number=told["number"],
            code=told["code"],
            name=told["name"],
            shares=tuple(
                levies.Share(Payee(one["to"]), one["beneficiary"], one["weight"]) for one in shares
            ),
            kind=told["kind"],
            rate=told["rate"],
            per=told["per"],
            base=tuple(told["base"]),
            times_bp=told["times_bp"],
            vertical=told["vertical"],
            category=told["category"],
            zone=told["zone"].slug if told["zone"] else "",
            begins=told["valid_from"],
            weekdays=tuple(told["weekdays"]),
            hour_from=told["hour_from"],
            hour_until=told["hour_until"],
            age_from=told["age_from"],
            age_below=told["age_below"],
            most_parts=told["most_parts"],
            most_unit=told["most_unit_minor"],
            most_person=told["most_person_minor"],
            most=told["most_minor"],
            exemptions=tuple(
                levies.Exemption(one["code"], one["name"], one["proof"], one["frees"])
                for one in exemptions
            ),
            rounded=told["rounded"],
            direction=told["direction"],
        )


def written(levy: Levy) -> dict[str, Any]:
    """A version as the form writes it, to begin the next one with."""
    unit = 10 ** EXPONENTS[levy.city.currency]
    told = {name: getattr(levy, name) for name in SetLevy.Meta.fields}
    told |= {"city": levy.city_id, "zone": levy.zone_id, "number": ""}
    told["rate"] = _short(levy.rate, PERCENT if levy.kind == Kind.PERCENT else unit)
    told["times_bp"] = _short(levy.times_bp, levies.WHOLE_BP)
    for name in CAPS:
        told[name] = None if told[name] is None else _short(told[name], unit)
    return told


def _short(whole: int, unit: int) -> str:
    """The number without noughts at its end: 12.5, not 12.5000."""
    return f"{Decimal(whole) / unit:f}"
