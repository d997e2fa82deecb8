"""How the city's rules write numbers, sums, days and lists, in the reader's language."""

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal

from babel.dates import format_date
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from apps.kernel import formats

COUNTED: dict[str, Callable[[int], str]] = {
    "rides": lambda n: ngettext("%(n)s ride", "%(n)s rides", n),
    "shifts": lambda n: ngettext("%(n)s shift", "%(n)s shifts", n),
    "nights": lambda n: ngettext("%(n)s night", "%(n)s nights", n),
    "guests": lambda n: ngettext("%(n)s guest", "%(n)s guests", n),
    "hours_worked": lambda n: ngettext("%(n)s hour of work", "%(n)s hours of work", n),
}
# What shares and sums are of, where the name of the fact does not say it well.
FACTS: dict[str, str | Promise] = {"accessible_cars_bp": gettext_lazy("accessible cars")}


def quantity(fact: str, amount: int, currency: str) -> str:
    """So much of a fact: 6 guests, 12 km, 45 min; a share or a sum by the end of its name."""
    told = language()
    if fact == "metres":
        return formats.distance(amount, language=told)
    if fact == "seconds":
        return formats.minutes(amount)
    figures = formats.number(amount, 0, language=told)
    if fact in COUNTED:
        return COUNTED[fact](amount) % {"n": figures}
    for ending, write in (("_bp", percent), ("_minor", lambda minor: money(minor, currency))):
        if fact.endswith(ending):
            what = FACTS.get(fact) or fact.removesuffix(ending).replace("_", " ")
            return _("%(amount)s of %(what)s") % {"amount": write(amount), "what": what}
    return f"{figures}{formats.HARD_SPACE}{fact.replace('_', ' ')}"


def percent(basis_points: int) -> str:
    """A share as people write it: 12.5 %."""
    return f"{shortest(basis_points, 100)}{formats.HARD_SPACE}%"


def listed(parts: list[str], *, word: Callable[[str], str] | None = None) -> str:
    """Parts in a row as people say them: a, b and c."""
    if len(parts) < 2:
        return "".join(parts)
    *before, last = parts
    return f"{', '.join(before)} {(word or _and)(last)} {last}"


def _and(following: str) -> str:
    """Spanish says "e" before the sound of an i."""
    sound = following.lower()
    if language().startswith("es") and sound.startswith(("i", "hi", "í")) and sound[:3] != "hie":
        return "e"
    return _("and")


def either(following: str) -> str:
    """Or; Spanish says "u" before the sound of an o."""
    if language().startswith("es") and following.lower().startswith(("o", "ho", "ó")):
        return "u"
    return _("or")


def shortest(value: int, whole: int) -> str:
    """A number without the noughts at its end."""
    number = (Decimal(value) / whole).normalize()
    places = max(0, -int(number.as_tuple().exponent))
    return formats.number(number, places, language=language())


def between(first: time, last: time) -> str:
    """From one hour of the clock to another."""
    return _("between %(first)s and %(last)s") % {
        "first": f"{first:%H:%M}",
        "last": f"{last:%H:%M}",
    }


def day_of_year(month_and_day: str) -> str:
    """A day that comes every year, kept as MM-DD: 15 December."""
    day = date.fromisoformat(f"2000-{month_and_day}")
    spanish = language().startswith("es")
    return format_date(
        day, "d 'de' MMMM" if spanish else "d MMMM", locale="es" if spanish else "en"
    )


def money(minor: int, currency: str) -> str:
    """A sum in the city's money."""
    return formats.money(minor, currency, language=language())


def language() -> str:
    """The reader's language."""
    return get_language() or "en"
