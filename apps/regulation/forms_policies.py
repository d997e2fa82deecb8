"""The form of a rule, made from the typed classes of its kind: nobody types JSON by hand."""

from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from datetime import time
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from apps.kernel.money import EXPONENTS
from apps.parties.models import Provider
from apps.places.models import City, Zone
from apps.regulation import words
from apps.regulation.forms_fields import DayOfYear, Minor, Share, Whole
from apps.regulation.models import PolicyVersion
from apps.regulation.rules import AT, DROPOFF, KINDS, PICKUP, WHOLE, Malformed, Scope, Terms

type Text = str | Promise

# What each field of the terms is called; `kind.name` where a name means something else in a kind.
LABELS: dict[str, Text] = {
    "needed": gettext_lazy("A permit is needed"),
    "fact": gettext_lazy("What is counted or measured"),
    "most": gettext_lazy("At most"),
    "least": gettext_lazy("At least"),
    "per": gettext_lazy("In which period"),
    "of": gettext_lazy("Counted for whom"),
    "opens": gettext_lazy("Opens"),
    "closes": gettext_lazy("Closes"),
    "floor_minor": gettext_lazy("Lowest price"),
    "ceiling_minor": gettext_lazy("Highest price"),
    "surge_most_bp": gettext_lazy("How often the tariff, at most, when many ask"),
    "most_bp": gettext_lazy("Most that the platform adds"),
    "per_order_minor": gettext_lazy("For each order"),
    "per_km_minor": gettext_lazy("For each kilometre"),
    "per_minute_minor": gettext_lazy("For each minute"),
    "flat_minor": gettext_lazy("Fixed sum"),
    "fee.share_bp": gettext_lazy("Share of the fare"),
    "subsidy.share_bp": gettext_lazy("Share of the price"),
    "most_minor": gettext_lazy("At most, for each order"),
    "kmh": gettext_lazy("Highest speed"),
    "shelters": gettext_lazy("Shelters: ways there are free"),
}
HELP: dict[str, Text] = {
    "limit.fact": gettext_lazy("Whoever does not state it is not concerned."),
    "kmh": gettext_lazy("0 closes the streets to through traffic."),
    "surge_most_bp": gettext_lazy("1 is the tariff itself: fares do not rise."),
    "closes": gettext_lazy("May lie after midnight."),
    "needed": gettext_lazy("Where no rule speaks of permits, everybody needs one."),
}
FACTS: dict[str, tuple[tuple[str, Text], ...]] = {
    "cap": (
        ("rides", gettext_lazy("rides")),
        ("shifts", gettext_lazy("shifts")),
        ("nights", gettext_lazy("nights")),
    ),
    "limit": (
        ("guests", gettext_lazy("guests")),
        ("metres", gettext_lazy("metres of the way")),
        ("seconds", gettext_lazy("seconds of the way")),
        ("hours_worked", gettext_lazy("hours of work")),
        ("accessible_cars_bp", gettext_lazy("accessible cars, in hundredths of a percent")),
    ),
}
WORDS_OF: dict[str, dict[str, Text]] = {"Per": words.PERIODS, "Of": words.OWNERS}
ENDS: tuple[tuple[str, Text], ...] = (
    (PICKUP, gettext_lazy("it begins there")),
    (DROPOFF, gettext_lazy("it leads there")),
    (AT, gettext_lazy("it takes place there")),
)
# What the typed classes complain of beyond what a field by itself can know.
COMPLAINTS: dict[str, Text] = {
    "stands together with hour_from": gettext_lazy("Give both hours, or none."),
    "is not the hour at which it begins": gettext_lazy("It ends at another hour than it begins."),
    "stands together with season_from": gettext_lazy("Give both days, or none."),
    "is a day of the year, written MM-DD": gettext_lazy("There is no such day."),
    "or least is needed": gettext_lazy("Give a most, a least, or both."),
    "is not below the least": gettext_lazy("The most is not below the least."),
    "is not the hour at which it opens": gettext_lazy("It closes at another hour than it opens."),
    "or another bound is needed": gettext_lazy("Give one bound at least."),
    "is not below the floor": gettext_lazy("The highest price is not below the lowest."),
    f"is at least {WHOLE}: the tariff itself": gettext_lazy("At least 1, the tariff itself."),
    f"is at most {WHOLE}": gettext_lazy("At most 100 %."),
    "the rule says nothing": gettext_lazy("The rule says nothing yet: fill in a sum or a share."),
    "or a share is needed": gettext_lazy("Give a sum, a share, or both."),
    "is missing": gettext_lazy("This is needed."),
}


def complaint(no: Malformed) -> str:
    """Why a rule cannot be so, in the reader's words."""
    if no.message.startswith("are of "):
        return _("Choose one at least.")
    return str(COMPLAINTS.get(no.message, no.message))


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together, under one heading."""

    name: str
    title: Text
    bound: list[forms.BoundField]


class RuleForm(forms.Form):
    """One version of a policy: what it says, whom it concerns, and why."""

    title = forms.CharField(
        label=gettext_lazy("What it says, in a sentence"),
        help_text=gettext_lazy("Whoever is refused reads this sentence."),
        max_length=160,
        widget=UnfoldAdminTextInputWidget,
    )
    why = forms.CharField(
        label=gettext_lazy("Why"),
        help_text=gettext_lazy("Everybody can read it on the page of the city's rules."),
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )

    def __init__(
        self, data: Any = None, *, kind: str, city: City, version: PolicyVersion | None = None
    ) -> None:
        self.kind, self.city = kind, city
        self.before = version.rule if version else None
        super().__init__(data, initial=_initial(version, kind))
        # Hints and errors are tied to their controls by the page.
        self.zones = list(
            Zone.objects.filter(city=city).order_by("name").values_list("slug", "name")
        )
        self.of_terms = _fields_of_terms(KINDS[kind], city, self.zones)
        self.of_scope = _fields_of_scope(kind, self.zones)
        self.fields |= {f"terms_{name}": one for name, one in self.of_terms.items()}
        self.fields |= {f"scope_{name}": one for name, one in self.of_scope.items()}

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        for part, cls, names in (
            ("scope", Scope, self.of_scope),
            ("terms", KINDS[self.kind], self.of_terms),
        ):
            kept = {
                name: _plain(told[f"{part}_{name}"])
                for name in names
                if told.get(f"{part}_{name}") not in (None, "", [])
            }
            if f"{part}_ends" in told:
                # No end ticked is a mistake, not the usual ends.
                kept["ends"] = told[f"{part}_ends"]
            told[part] = kept
            if any(f"{part}_{name}" in self.errors for name in names):
                continue
            try:
                told[f"read_{part}"] = cls.thawed(kept)
            except Malformed as no:
                self.complain(no, part)
        return told

    def complain(self, no: Malformed, part: str = "") -> None:
        """Put a complaint beside the field that it is about."""
        places = [f"{part}_{no.field}", f"scope_{no.field}", f"terms_{no.field}", no.field]
        place = next((name for name in places if name in self.fields), None)
        self.add_error(place, complaint(no))

    def sentences(self) -> list[str]:
        """The rule in words: as it is typed, or as it stood; empty while it is none."""
        if self.is_bound:
            self.is_valid()
            scope, terms = (self.cleaned_data.get(f"read_{part}") for part in ("scope", "terms"))
        else:
            scope, terms = (self.before.scope, self.before.terms) if self.before else (None, None)
        if scope is None or terms is None:
            return []
        return words.sentences(scope, terms, words.Names.of(self.city, [scope]))

    def groups(self) -> list[Group]:
        """The fields under headings."""
        return [
            Group("terms", gettext_lazy("What it says"), self._bound("terms", self.of_terms)),
            Group("where", gettext_lazy("Where"), self._bound("scope", _WHERE)),
            Group("when", gettext_lazy("When"), self._bound("scope", _WHEN)),
            Group("whom", gettext_lazy("Whom it concerns"), self._bound("scope", _WHOM)),
            Group("said", gettext_lazy("For the record"), [self["title"], self["why"]]),
        ]

    def _bound(self, part: str, names: Iterable[str]) -> list[forms.BoundField]:
        return [self[f"{part}_{name}"] for name in names if f"{part}_{name}" in self.fields]


_WHERE = ("zones", "ends")
_WHEN = ("weekdays", "hour_from", "hour_to", "season_from", "season_to")
_WHOM = ("verticals", "classes", "providers")


def _initial(version: PolicyVersion | None, kind: str) -> dict[str, Any]:
    scope = version.rule.scope if version else Scope()
    terms = version.rule.terms if version else None
    told: dict[str, Any] = {
        f"scope_{one.name}": _shown(getattr(scope, one.name)) for one in fields(scope)
    }
    for one in fields(KINDS[kind]):  # type: ignore[arg-type]
        value = getattr(terms, one.name) if terms else one.default
        told[f"terms_{one.name}"] = None if value is MISSING else _shown(value)
    return told | ({"title": version.title, "why": version.why} if version else {})


def _shown(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return f"{value:%H:%M}" if isinstance(value, time) else value


def _plain(value: Any) -> Any:
    if isinstance(value, time):
        return value.isoformat("minutes")
    return list(value) if isinstance(value, list | tuple) else value


def label_of(kind: str, name: str) -> Text:
    """What a field of a kind's terms is called."""
    return LABELS.get(f"{kind}.{name}") or LABELS[name]


def _fields_of_terms(
    cls: type[Terms], city: City, zones: list[tuple[str, str]]
) -> dict[str, forms.Field]:
    hints = get_type_hints(cls)
    made: dict[str, forms.Field] = {}
    for one in fields(cls):  # type: ignore[arg-type]
        hint, may_lack = hints[one.name], one.default is not MISSING
        if get_origin(hint) in (Union, type(int | None)):
            hint = next(part for part in get_args(hint) if part is not type(None))
        told = {
            "label": label_of(cls.kind, one.name),
            "help_text": HELP.get(f"{cls.kind}.{one.name}") or HELP.get(one.name, ""),
            "required": not may_lack and one.default_factory is MISSING,
        }
        made[one.name] = _field(cls.kind, one.name, hint, told, city, zones)
    return made


def _field(
    kind: str,
    name: str,
    hint: Any,
    told: dict[str, Any],
    city: City,
    zones: list[tuple[str, str]],
) -> forms.Field:
    if get_origin(hint) is frozenset:
        return _ticks(zones, **told)
    if hint is bool:
        return forms.BooleanField(**told | {"required": False})
    if hint is time:
        return _clock(**told)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        choices = [(one.value, WORDS_OF[hint.__name__][one]) for one in hint]
        return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget, **told)
    if hint is str:
        return forms.ChoiceField(choices=FACTS[kind], widget=UnfoldAdminSelectWidget, **told)
    if name.endswith("_minor"):
        return Minor(EXPONENTS[city.currency], city.currency, **told)
    if name == "surge_most_bp":
        return Share(whole=WHOLE, **told)
    if name.endswith("_bp"):
        return Share(**told)
    return Whole("km/h" if name == "kmh" else "", **told)


def _fields_of_scope(kind: str, zones: list[tuple[str, str]]) -> dict[str, forms.Field]:
    days = [(number, str(name).capitalize()) for number, name in enumerate(words.WEEKDAYS)]
    providers = Provider.objects.order_by("name").values_list("pk", "name")
    made: dict[str, forms.Field] = {
        "zones": _ticks(
            zones,
            label=gettext_lazy("Zones"),
            help_text=gettext_lazy("None: the whole city. Tap a zone on the map, or tick it."),
        ),
        "ends": _ticks(
            ENDS,
            label=gettext_lazy("A zone concerns a service if"),
            required=False,
        ),
        "weekdays": forms.TypedMultipleChoiceField(
            choices=days,
            coerce=int,
            required=False,
            label=gettext_lazy("Weekdays"),
            help_text=gettext_lazy("None: every day."),
            widget=forms.CheckboxSelectMultiple,
        ),
        "hour_from": _clock(label=gettext_lazy("From the hour"), required=False),
        "hour_to": _clock(
            label=gettext_lazy("To the hour"),
            help_text=gettext_lazy("May lie after midnight: the night belongs to its evening."),
            required=False,
        ),
        "season_from": DayOfYear(label=gettext_lazy("First day of the season"), required=False),
        "season_to": DayOfYear(label=gettext_lazy("Last day of the season"), required=False),
        "verticals": _ticks(
            [(slug, str(name).capitalize()) for slug, name in words.SERVICES.items()],
            label=gettext_lazy("Services"),
            help_text=gettext_lazy("None: all of them."),
        ),
        "classes": _ticks(
            [(slug, str(name).capitalize()) for slug, name in words.CLASSES.items()],
            label=gettext_lazy("Classes"),
            help_text=gettext_lazy("None: all of them."),
        ),
        "providers": forms.TypedMultipleChoiceField(
            choices=list(providers),
            coerce=int,
            required=False,
            label=gettext_lazy("Providers"),
            help_text=gettext_lazy("None: all of them."),
            widget=forms.CheckboxSelectMultiple,
        ),
    }
    if kind in ("speed", "crisis"):
        # Streets have no ends, and an emergency looks at where a way leads.
        del made["ends"]
    return made


def _ticks(choices: Iterable[tuple[Any, Any]], **told: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        choices=list(choices),
        widget=forms.CheckboxSelectMultiple,
        **{"required": False} | told,
    )


def _clock(**told: Any) -> forms.TimeField:
    return forms.TimeField(
        widget=UnfoldAdminTextInputWidget(attrs={"type": "time"}),
        input_formats=["%H:%M", "%H:%M:%S"],
        **told,
    )
