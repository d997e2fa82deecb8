"""Every pair of colours that meets on a screen can be told apart, by day and by night.

The formula is that of WCAG 2.2: relative luminance, then (lighter + 0.05) / (darker + 0.05).
Text needs 4.5 (criterion 1.4.3), what must be seen to be used needs 3 (criterion 1.4.11).
"""

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[2] / "static" / "css" / "tokens.css").read_text()
TEXT, PARTS = 4.5, 3.0
GROUNDS = ("canvas", "surface", "sunken", "raised")
READ = ("ink", "ink-2", "ink-3", "link", "positive", "caution", "critical", "info")
FILLS = ("primary", "primary-hover", "accent", "critical-fill")
SOFTS = ("primary", "accent", "positive", "caution", "critical", "info")
PAIRS = [
    *((front, ground, TEXT) for front in READ for ground in GROUNDS),
    *((f"on-{fill}", fill, TEXT) for fill in FILLS),
    *((f"on-{soft}-soft", f"{soft}-soft", TEXT) for soft in SOFTS),
    ("inverse-ink", "inverse", TEXT),
    ("inverse-ink-2", "inverse", TEXT),
    *((edge, ground, PARTS) for edge in ("line-strong", "primary", "focus") for ground in GROUNDS),
    ("focus", "primary-soft", PARTS),
    ("focus", "accent-soft", PARTS),
    ("primary", "primary-soft", PARTS),
    ("inverse", "surface", PARTS),
    *((f"data-{number}", "surface", PARTS) for number in range(1, 7)),
    *(("map-label", ground, TEXT) for ground in ("map-land", "map-halo", "map-road")),
    ("map-label-water", "map-sea", TEXT),
    *(
        ("map-route", f"map-{ground}", PARTS)
        for ground in ("land", "sea", "road", "road-main", "trunk", "park")
    ),
    ("inverse", "map-land", PARTS),
    ("inverse", "map-sea", PARTS),
]


def tokens(theme: str) -> dict[str, str]:
    """The colours of a theme, by name."""
    found = {}
    for name, day, night, always in re.findall(
        r"--([\w-]+):\s*(?:light-dark\((#\w{6}), (#\w{6})\)|(#\w{6}));", CSS
    ):
        found[name] = always or (day if theme == "light" else night)
    return found


def luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_is_the_most_that_there_is() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_pair_of_colours_that_meets_can_be_told_apart(theme: str) -> None:
    colours = tokens(theme)
    weak = {
        f"{front} on {back}": round(contrast(colours[front], colours[back]), 2)
        for front, back, least in PAIRS
        if contrast(colours[front], colours[back]) < least
    }
    assert weak == {}


def test_every_colour_is_handed_to_scripts_as_a_colour() -> None:
    registered = set(re.findall(r"@property --([\w-]+) ", CSS))
    assert set(tokens("light")) == registered


def test_no_stylesheet_but_the_tokens_names_a_colour_of_its_own() -> None:
    root = Path(__file__).parents[2]
    sheets = [*root.glob("static/css/*.css"), *root.glob("apps/*/static/*/*.css")]
    assert len(sheets) > 5
    strays = {
        sheet.name: found
        for sheet in sheets
        if sheet.name != "tokens.css"
        and (
            found := re.findall(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b(?=[;\s])", sheet.read_text())
        )
        # Paper is white, and a code that a camera reads is black on white in every theme.
        and set(found) - {"#fff", "#000"}
    }
    assert strays == {}


def test_no_template_carries_a_style_or_a_script_inside_it() -> None:
    root = Path(__file__).parents[2]
    templates = [*root.glob("templates/**/*.html"), *root.glob("apps/*/templates/**/*.html")]
    assert len(templates) > 40
    inline = re.compile(r"<style|\sstyle=|<script(?![^>]*\bsrc=)(?![^>]*application/json)|\son\w+=")
    strays = [str(one.relative_to(root)) for one in templates if inline.search(one.read_text())]
    assert strays == []


def test_a_citizens_page_loads_less_than_150_kb_of_script_besides_the_map() -> None:
    root = Path(__file__).parents[2] / "static"
    scripts = [root / "vendor" / "htmx" / "htmx.min.js"] + [
        one for one in root.glob("js/*.js") if not one.name.startswith("map")
    ]
    assert sum(one.stat().st_size for one in scripts) < 150_000
