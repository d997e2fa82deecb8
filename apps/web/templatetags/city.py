"""What every page of the city writes with: glyphs, sums, times, fields.

{% load city %}  {% sum 2450 "CLP" %}  {% when order.placed_at city.timezone %}  {% icon "car" %}
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.forms import BaseForm
from django.forms.boundfield import BoundField
from django.template import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from apps.kernel import clock as clocks
from apps.kernel import formats
from apps.web.icons import ART, ICONS

register = template.Library()

CURRENCY_NAMES = {
    "ARS": _("Argentine pesos"),
    "BHD": _("Bahraini dinars"),
    "BRL": _("Brazilian reais"),
    "CHF": _("Swiss francs"),
    "CLP": _("Chilean pesos"),
    "COP": _("Colombian pesos"),
    "EUR": _("euros"),
    "GBP": _("pounds sterling"),
    "JPY": _("Japanese yen"),
    "KWD": _("Kuwaiti dinars"),
    "MXN": _("Mexican pesos"),
    "PEN": _("Peruvian soles"),
    "USD": _("US dollars"),
    "UYU": _("Uruguayan pesos"),
}


def _language() -> str:
    return get_language() or "en"


def _zone(zone: ZoneInfo | str | Any) -> ZoneInfo:
    """A zone, its name, or a city: whichever the page has at hand."""
    if isinstance(zone, ZoneInfo):
        return zone
    if not zone:
        # A house without a city yet has pages all the same.
        return ZoneInfo(settings.TIME_ZONE)
    return ZoneInfo(zone if isinstance(zone, str) else zone.timezone)


# --- glyphs -----------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, css: str = "icon") -> SafeString:
    """Draw a glyph.  Hidden from readers: the word beside it, or the button's name, speaks."""
    return format_html(
        '<svg class="{}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8"'
        ' stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">'
        "{}</svg>",
        css,
        mark_safe(ICONS[name]),
    )


@register.simple_tag
def art(name: str, css: str = "option__art") -> SafeString:
    """Draw a vehicle from the side: standard, shared, accessible, large."""
    return format_html(
        '<svg class="{}" viewBox="0 0 52 32" fill="currentColor" aria-hidden="true"'
        ' focusable="false">{}</svg>',
        css,
        mark_safe(ART[name]),
    )


# --- money, ways, times -----------------------------------------------------------------


@register.simple_tag(name="sum")
def write_sum(minor: int | None, currency: str, css: str = "") -> SafeString:
    """Write a sum of minor units: CLP 2,450 or $2.450, the currency named for readers."""
    if minor is None:
        return mark_safe("")
    before, after = formats.sign_of(currency, language=_language())
    figures = formats.figures(abs(minor), currency, language=_language())
    sign = (before or after).strip(formats.HARD_SPACE)
    abbr = format_html(
        '<abbr class="{}" title="{}">{}</abbr>',
        "sum__code" if len(sign) == 3 else "sum__sign",
        CURRENCY_NAMES[currency],
        sign,
    )
    space = formats.HARD_SPACE if formats.HARD_SPACE in before + after else ""
    parts = (abbr, space, figures) if before else (figures, space, abbr)
    minus = formats.MINUS if minor < 0 else ""
    return format_html('<span class="{}">{}{}{}{}</span>', f"sum {css}".strip(), minus, *parts)


@register.simple_tag
def money(minor: int, currency: str) -> str:
    """A sum as plain text, for a title, a sentence or an attribute."""
    return formats.money(minor, currency, language=_language())


@register.simple_tag
def figures(minor: int, currency: str) -> str:
    """The figures of a sum where a head or a total already names the currency."""
    return formats.figures(minor, currency, language=_language())


@register.simple_tag
def distance(metres: float) -> str:
    return formats.distance(metres, language=_language())


@register.simple_tag
def minutes(seconds: float) -> str:
    return formats.minutes(seconds)


def _time(moment: datetime, text: str) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(timespec="seconds"), text)


@register.simple_tag
def clock(moment: datetime | None, zone: ZoneInfo | str) -> SafeString | str:
    """The hour of the place: 14:35."""
    return "" if moment is None else _time(moment, formats.clock(moment, _zone(zone)))


@register.simple_tag
def day(moment: datetime | None, zone: ZoneInfo | str) -> SafeString | str:
    """The date of the place: Sun 22 Nov, 22 Dec, 18 Sep 2027."""
    if moment is None:
        return ""
    text = formats.day(moment, _zone(zone), now=clocks.now(), language=_language())
    return _time(moment, text)


@register.simple_tag
def when(moment: datetime | None, zone: ZoneInfo | str) -> SafeString | str:
    """The hour today, the date and the hour on another day."""
    if moment is None:
        return ""
    text = formats.when(moment, _zone(zone), now=clocks.now(), language=_language())
    return _time(moment, text)


@register.simple_tag
def arrival(moment: datetime | None, zone: ZoneInfo | str) -> SafeString | str:
    """What is awaited: 3 min within the hour, the moment beyond it."""
    if moment is None:
        return ""
    text = formats.arrival(moment, _zone(zone), now=clocks.now(), language=_language())
    return _time(moment, text)


# --- things read letter by letter -------------------------------------------------------


@register.simple_tag
def plate(number: str) -> SafeString:
    """A car's plate, read aloud sign by sign."""
    spelled = " ".join(sign for sign in number if sign.isalnum())
    return format_html(
        '<span class="plate"><span aria-hidden="true">{}</span>'
        '<span class="unseen">{}</span></span>',
        number,
        spelled,
    )


@register.simple_tag
def code(figures: str, css: str = "") -> SafeString:
    """A code that is said aloud, each figure on its own card."""
    cards = format_html_join(
        "", '<span aria-hidden="true">{}</span>', ((sign,) for sign in figures)
    )
    return format_html(
        '<strong class="{}" data-code="{}">{}<i class="unseen">{}</i></strong>',
        f"code {css}".strip(),
        figures,
        cards,
        " ".join(figures),
    )


# --- small drawings ---------------------------------------------------------------------


@register.simple_tag
def share(*parts: int) -> SafeString:
    """One bar that shows who gets how much.  The words and figures stand beside it."""
    whole = sum(parts) or 1
    x, cells = 0.0, []
    for place, part in enumerate(parts, start=1):
        width = 100 * part / whole
        cells.append((place, f"{x:.2f}", f"{max(width - 0.6, 0.4):.2f}"))
        x += width
    return format_html(
        '<svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"'
        ' focusable="false">{}</svg>',
        format_html_join("", '<rect class="share__{}" x="{}" width="{}" height="10"/>', cells),
    )


@register.inclusion_tag("parts/bars.html")
def bars(items: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Bars from zero.  Each item has label, value and text; `state` may be open, few or none."""
    top = max((item["value"] or 0 for item in items), default=0) or 1
    return {
        "bars": [
            {**item, "height": f"{100 * (item['value'] or 0) / top:.1f}"}
            | {"y": f"{100 - 100 * (item['value'] or 0) / top:.1f}"}
            for item in items
        ]
    }


@register.inclusion_tag("parts/ring.html")
def ring(left: int, whole: int, until: datetime | None = None, state: str = "") -> dict[str, Any]:
    """A countdown of seconds.  `until` is the server's moment, which the script counts towards."""
    return {
        "left": left,
        "whole": whole,
        "until": until,
        "now": clocks.now(),
        "gone": round(100 - 100 * left / whole) if whole else 100,
        "state": state or ("over" if left <= 0 else "last" if left <= 5 else ""),
    }


# --- the demo ---------------------------------------------------------------------------

DEMO_ICONS = {"driver": "car", "citizen": "person", "fleet owner": "wallet"}


@register.inclusion_tag("parts/demo_people.html", takes_context=True)
def demo_people(context: Context) -> dict[str, Any]:
    """The people of the demo, each with a button that signs in.  Nobody in production."""
    people: list[dict[str, str]] = []
    if settings.MODE != "production":
        try:
            people = json.loads((Path(settings.DATA_DIR) / "demo_people.json").read_text())
        except (OSError, ValueError):
            people = []
    return {
        "people": [{**one, "icon": DEMO_ICONS.get(one["role"], "landmark")} for one in people],
        "csrf_token": context.get("csrf_token"),
        "redirect_field": context.get("redirect_field"),
    }


# --- forms ------------------------------------------------------------------------------

KINDS = {
    "CheckboxInput": "tick",
    "CheckboxSelectMultiple": "ticks",
    "RadioSelect": "ticks",
    "Select": "pick",
    "NullBooleanSelect": "pick",
}


@register.inclusion_tag("parts/field.html")
def field(
    bound: BoundField, hint: str | None = None, label: str = "", css: str = ""
) -> dict[str, Any]:
    """One field of a form: label, hint, error, control, all tied together.

    The hint is the form's own unless another, or "", is given.
    """
    kind = KINDS.get(type(bound.field.widget).__name__, "input")
    hint = str(bound.help_text) if hint is None else hint
    name = bound.auto_id
    described = [f"{name}_hint"] * bool(hint) + [f"{name}_error"] * bool(bound.errors)
    attrs: dict[str, Any] = {"aria-describedby": " ".join(described)} if described else {}
    if bound.errors:
        attrs["aria-invalid"] = "true"
    if kind in ("input", "pick"):
        own = bound.field.widget.attrs.get("class", "")
        attrs["class"] = f"input {own}".strip()
    bound.field.widget.attrs.pop("placeholder", None)
    return {
        "field": bound,
        "kind": kind,
        "hint": hint,
        "label": label or bound.label,
        "control": bound.as_widget(attrs=attrs),
        "id": name,
        "css": css,
    }


@register.inclusion_tag("parts/errors.html")
def errors(form: BaseForm) -> dict[str, Any]:
    """What is wrong with the form, at its head, each line a link to the field.  Takes the focus."""
    return {
        "general": form.non_field_errors(),
        "fields": [bound for bound in form if bound.errors and not bound.is_hidden],
        "form": form,
    }


@register.inclusion_tag("parts/form.html")
def fields(form: BaseForm) -> dict[str, Any]:
    """The whole form: what is wrong, what is hidden, then every field."""
    return {"form": form}


@register.filter
def is_under(path: str, root: str) -> bool:
    """Say whether a path of the site lies in the part that begins at `root`."""
    return path == root if root == "/" else path.startswith(root)
