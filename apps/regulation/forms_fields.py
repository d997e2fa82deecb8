"""Fields of a rule that are kept otherwise than people write them."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.dates import MONTHS
from django.utils.translation import gettext_lazy, pgettext_lazy
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
)

NUMBER = UnfoldAdminDecimalFieldWidget


class Whole(forms.IntegerField):
    """A whole number, in a unit that the page names."""

    def __init__(self, unit: str = "", **rest: Any) -> None:
        self.unit = unit
        widget = UnfoldAdminIntegerFieldWidget
        super().__init__(min_value=0, max_value=1_000_000, widget=widget, **rest)


class Minor(forms.DecimalField):
    """A sum as people write it, kept in minor units."""

    def __init__(self, places: int, unit: str, **rest: Any) -> None:
        self.places, self.unit = places, unit
        super().__init__(min_value=0, max_digits=12, decimal_places=places, widget=NUMBER, **rest)

    def prepare_value(self, value: Any) -> Any:
        return Decimal(value).scaleb(-self.places) if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        read = super().clean(value)
        return None if read is None else int(read.scaleb(self.places))


class Share(forms.DecimalField):
    """A percentage, or with `whole` a factor, kept in hundredths of a percent."""

    def __init__(self, *, whole: int = 100, **rest: Any) -> None:
        self.whole, self.unit = whole, "%" if whole == 100 else ""
        super().__init__(min_value=0, max_digits=8, decimal_places=2, widget=NUMBER, **rest)

    def prepare_value(self, value: Any) -> Any:
        return (Decimal(value) / self.whole).normalize() if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        read = super().clean(value)
        return None if read is None else int(read * self.whole)


class DayOfYear(forms.MultiValueField):
    """A day that comes every year: a day and a month, kept as MM-DD."""

    def __init__(self, **rest: Any) -> None:
        days = [("", "-"), *((str(day), str(day)) for day in range(1, 32))]
        months = [("", "-"), *((str(month), name) for month, name in MONTHS.items())]
        parts = (forms.ChoiceField(choices=days), forms.ChoiceField(choices=months))
        widget = DayAndMonth(
            widgets=[UnfoldAdminSelectWidget(choices=days), UnfoldAdminSelectWidget(choices=months)]
        )
        super().__init__(fields=parts, widget=widget, require_all_fields=False, **rest)

    def compress(self, parts: list[str]) -> str:
        if not any(parts):
            return ""
        day, month = parts
        return f"{int(month or 0):02}-{int(day or 0):02}"


class DayAndMonth(forms.MultiWidget):
    template_name = "regulation/day_and_month.html"

    def decompress(self, value: str | None) -> list[str]:
        month, _dash, day = (value or "").partition("-")
        return [day.lstrip("0"), month.lstrip("0")]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        for part, label in zip(
            context["widget"]["subwidgets"],
            (pgettext_lazy("of a month", "day"), gettext_lazy("month")),
            strict=True,
        ):
            part["attrs"]["aria-label"] = label
        return context
