"""How the city writes sums, distances and times.  Pure, so that a page, a mail and a log agree.

`language` is a code such as "en" or "es-CL"; one that is not known is written like English.
A hard space stands wherever a line must not break.
"""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date

from apps.kernel.money import EXPONENTS

HARD_SPACE = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"

# Thousands, then decimals.
_SEPARATORS = {"en": (",", "."), "es": (".", ",")}
# What stands before or after the figures in Spanish; elsewhere, and otherwise, the code does.
_SIGNS_BEFORE = {"CLP": "$", "ARS": "$", "COP": "$", "MXN": "$", "UYU": "$"}
_SIGNS_AFTER = {"EUR": "€"}

SOON = timedelta(minutes=60)
NEAR = timedelta(days=14)
FAR = timedelta(days=183)


def _short(language: str) -> str:
    code = language.split("-")[0].split("_")[0].lower()
    return code if code in _SEPARATORS else "en"


def number(value: Decimal | int, places: int, *, language: str) -> str:
    """Write a number with the language's separators: 1,248 and 0.9, or 1.248 and 0,9."""
    thousands, point = _SEPARATORS[_short(language)]
    text = (
        f"{abs(value):,.{places}f}".replace(",", "\0").replace(".", point).replace("\0", thousands)
    )
    return f"{MINUS}{text}" if value < 0 and text.strip("0.,") else text


def figures(minor: int, currency: str, *, language: str) -> str:
    """The figures of a sum in minor units, without its currency: "2,450", "2.450", "−12.50"."""
    places = EXPONENTS[currency]
    return number(Decimal(minor).scaleb(-places), places, language=language)


def sign_of(currency: str, *, language: str) -> tuple[str, str]:
    """What stands before and after the figures: ("CLP ", "") in English, ("$", "") in Spanish."""
    if _short(language) == "es":
        if currency in _SIGNS_BEFORE:
            return _SIGNS_BEFORE[currency], ""
        if currency in _SIGNS_AFTER:
            return "", HARD_SPACE + _SIGNS_AFTER[currency]
    return currency + HARD_SPACE, ""


def money(minor: int, currency: str, *, language: str) -> str:
    """Write a sum as a text: "CLP 2,450", in Spanish "$2.450"; less than nothing is "−$700"."""
    before, after = sign_of(currency, language=language)
    text = figures(abs(minor), currency, language=language)
    if minor < 0:
        return f"{MINUS}{before}{text}{after}"
    return f"{before}{text}{after}"


def distance(metres: float, *, language: str) -> str:
    """Write a way: "350 m" in tens below half a kilometre, then "2.6 km", from ten on "14 km"."""
    tens = int(Decimal(metres / 10).quantize(Decimal(1), ROUND_HALF_UP)) * 10
    if tens < 500:
        return f"{number(tens, 0, language=language)}{HARD_SPACE}m"
    tenths = (Decimal(metres) / 1000).quantize(Decimal("0.1"), ROUND_HALF_UP)
    if tenths < 10:
        return f"{number(tenths, 1, language=language)}{HARD_SPACE}km"
    whole = tenths.quantize(Decimal(1), ROUND_HALF_UP)
    return f"{number(whole, 0, language=language)}{HARD_SPACE}km"


def minutes(seconds: float) -> str:
    """Write how long something takes: at least "1 min", from an hour on "1 h 12 min"."""
    whole = max(1, int(Decimal(seconds / 60).quantize(Decimal(1), ROUND_HALF_UP)))
    hours, rest = divmod(whole, 60)
    if not hours:
        return f"{whole}{HARD_SPACE}min"
    if not rest:
        return f"{hours}{HARD_SPACE}h"
    return f"{hours}{HARD_SPACE}h{HARD_SPACE}{rest}{HARD_SPACE}min"


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """The hour as the clocks of the place show it, of 24: "14:35"."""
    return moment.astimezone(zone).strftime("%H:%M")


def day(moment: datetime, zone: ZoneInfo, *, now: datetime, language: str) -> str:
    """The date as people say it: "Sun 22 Nov" within 14 days, then "22 Dec".

    From half a year on it has its year: "18 Sep 2027".
    """
    there = moment.astimezone(zone).date()
    apart = abs(there - now.astimezone(zone).date())
    if apart <= NEAR:
        pattern = "EEE d MMM"
    elif apart < FAR:
        pattern = "d MMM"
    else:
        pattern = "d MMM y"
    return (
        format_date(there, pattern, locale=_short(language))
        .replace(".", "")
        .replace(" ", HARD_SPACE)
    )


def when(moment: datetime, zone: ZoneInfo, *, now: datetime, language: str) -> str:
    """A moment as people say it: "14:35" today, "Sun 22 Nov, 14:35" on another day."""
    hour = clock(moment, zone)
    if moment.astimezone(zone).date() == now.astimezone(zone).date():
        return hour
    return f"{day(moment, zone, now=now, language=language)}, {hour}"


def arrival(moment: datetime, zone: ZoneInfo, *, now: datetime, language: str) -> str:
    """When something that is awaited comes: "3 min" ahead within the hour, else the moment.

    The words around it ("in", "away") belong to the sentence.  What is due or late is "1 min".
    """
    ahead = moment - now
    if ahead < SOON:
        return minutes(ahead.total_seconds())
    return when(moment, zone, now=now, language=language)
