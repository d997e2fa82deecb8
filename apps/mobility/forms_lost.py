from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.functional import Promise, lazy
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from apps.mobility.models import LostItem

NOT_THERE = "NO"


def _capital(label: str | Promise) -> str:
    return capfirst(str(label))


_first = lazy(_capital, str)


def in_capitals(choices: Iterable[tuple[str, str | Promise]]) -> list[tuple[str, Any]]:
    """As a list of answers begins each."""
    return [(value, _first(label)) for value, label in choices]


class LostForm(forms.Form):
    """What somebody left in the car."""

    what = forms.CharField(
        label=_("What did you leave?"),
        max_length=120,
        help_text=_("Such as: a black umbrella. Do not write what is in it."),
    )
    place = forms.ChoiceField(
        label=_("Where in the car?"), choices=in_capitals(LostItem.Place.choices)
    )
    may_call = forms.BooleanField(
        label=_("The driver may call me about it"),
        required=False,
        help_text=_("They see your number until it is back or the report is closed."),
    )


class AnswerForm(forms.Form):
    """What the driver says after a look."""

    way = forms.ChoiceField(
        label=_("Did you find it?"),
        choices=[(NOT_THERE, _("No, it is not in the car")), *in_capitals(LostItem.Way.choices)],
    )
    detail = forms.CharField(
        label=_("Where and when"),
        max_length=200,
        required=False,
        help_text=_("The rider reads it. Needed if you found it."),
    )

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        if told.get("way") == NOT_THERE:
            return told | {"way": "", "detail": ""}
        if told.get("way") and not told.get("detail", "").strip():
            self.add_error("detail", _("Say where and when the rider gets it back."))
        return told
