"""Material for the page that shows every part in every state: one afternoon in the city."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class Specimen(forms.Form):
    """A form with something wrong in it, to be looked at and never sent."""

    name = forms.CharField(label=_("Name"), initial="Camila Rojas")
    email = forms.EmailField(label=_("E-mail"), help_text=_("We write only about your orders."))
    arrive = forms.CharField(
        label=_("Arrive"),
        help_text=_("Day and month"),
        error_messages={"required": _("Enter the date you arrive, like 8 Jan")},
    )
    phone = forms.CharField(label=_("Phone"), required=False)
    language = forms.ChoiceField(
        label=_("Language"), choices=[("en", "English"), ("es", "Español")], required=False
    )
    story = forms.CharField(label=_("What happened"), widget=forms.Textarea, required=False)
    needs = forms.MultipleChoiceField(
        label=_("Needs"),
        choices=[("step_free", _("step-free access")), ("guide_dog", _("guide dog"))],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    agree = forms.BooleanField(
        label=_("I have read rule 4.2"), help_text=_("It is one page long."), required=False
    )


LINES = [
    {"label": _("Start"), "minor": 600},
    {"label": _("Distance, 2.6 km at 480"), "minor": 1248},
    {"label": _("Time, 6 min at 60"), "minor": 360},
    {"label": _("City platform, VAT included"), "minor": 92},
    {"label": _("Kerb fee, centre"), "minor": 150},
]
STOPS = [
    {"kind": "you", "name": _("You, Larraín Alcalde"), "note": _("now")},
    {
        "kind": "start",
        "name": "Plaza de Armas",
        "more": "Cordovez, Los Carrera",
        "time": "3 min",
        "note": "0.9 km",
    },
    {
        "kind": "end",
        "name": "Faro Monumental",
        "more": "Av. Francisco de Aguirre, 14:41",
        "time": "6 min",
        "note": "2.6 km",
    },
]
STEPS = [
    {"state": "done", "name": _("Accepted by Marco"), "time": "14:32"},
    {"state": "now", "name": _("On the way to you"), "more": _("2 min away, on Los Carrera")},
    {"state": "ahead", "name": _("On board")},
    {"state": "ahead", "name": _("Arrived")},
]
LATE = [
    {"state": "done", "name": _("Accepted by Marco"), "time": "14:32"},
    {"state": "late", "name": _("On the way to you"), "more": _("4 min late"), "time": "14:39"},
    {"state": "ahead", "name": _("On board")},
]
HOURS = [
    {"label": "10", "value": 6400, "text": "6.4"},
    {"label": "11", "value": 8200, "text": "8.2"},
    {"label": "12", "value": 9800, "text": "9.8"},
    {"label": "13", "value": 9500, "text": "9.5"},
    {"label": "14", "value": 4500, "text": "4.5", "state": "open"},
]
RIDES = [
    {"when": "14:32", "way": "Plaza de Armas, Faro Monumental", "minor": 2208},
    {"when": "13:58", "way": "La Recova, Terminal de Buses", "minor": 1740},
    {"when": "13:20", "way": "Huanhualí, Hospital", "minor": 2950},
]


COLOURS = [
    "canvas",
    "surface",
    "sunken",
    "raised",
    "ink",
    "ink-2",
    "ink-3",
    "inverse",
    "line",
    "line-strong",
    "primary",
    "primary-soft",
    "accent",
    "accent-soft",
    "positive",
    "positive-soft",
    "caution",
    "caution-soft",
    "critical",
    "critical-soft",
    "critical-fill",
    "info",
    "info-soft",
    "focus",
    "data-1",
    "data-2",
    "data-3",
    "data-4",
    "data-5",
    "data-6",
]
GROUPS = [
    ("buttons", _("Buttons")),
    ("fields", _("Fields")),
    ("errors", _("A form with something wrong")),
    ("choices", _("Choices")),
    ("search", _("Where from, where to")),
    ("money", _("Money")),
    ("ways", _("Ways and steps")),
    ("facts", _("Small facts")),
    ("notices", _("Notices")),
    ("dialogs", _("Dialogs and toasts")),
    ("waiting", _("Empty and waiting")),
    ("figures", _("Figures and tables")),
    ("talk", _("Messages, files, log")),
]


def everything() -> dict[str, Any]:
    themes = []
    for name, label in (("light", _("By day")), ("dark", _("By night"))):
        wrong = Specimen(
            {"name": "Camila Rojas", "email": "camila@", "language": "es"},
            auto_id=f"{name}_wrong_%s",
        )
        wrong.is_valid()
        form = Specimen(auto_id=f"{name}_%s")
        themes.append({"name": name, "label": label, "form": form, "wrong": wrong})
    return {
        "themes": themes,
        "groups": [
            {"id": name, "label": label, "template": f"web/design/{name}.html"}
            for name, label in GROUPS
        ],
        "lines": LINES,
        "stops": STOPS,
        "steps": STEPS,
        "late": LATE,
        "hours": HOURS,
        "rides": RIDES,
        "currency": "CLP",
        "colours": COLOURS,
    }
