"""A price in words: what every line of it is called, in the reader's language."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from apps.kernel import formats
from apps.pricing.levy_words import explain
from apps.pricing.models import Line, Payee, Quote

# Why a voucher does not pay, by the word of `NotUsable`.
NOT_USABLE = {
    "unknown": gettext_lazy("There is no voucher with this code. Look at how it is written."),
    "not_yet": gettext_lazy("This voucher is not valid yet."),
    "over": gettext_lazy("This voucher is over."),
    "used_up": gettext_lazy("This voucher is used up."),
    "used_by_you": gettext_lazy("You have used this voucher as often as it can be."),
    "not_for_this": gettext_lazy("This voucher is not for this."),
    "cards_only": gettext_lazy("A voucher goes with a card, not with cash."),
}


def label(line: Line, currency: str) -> str:
    """What a line is for, with the quantity and the rate that made it, and the policy behind it.

    A tax says its rule, and how it was worked out, in a note of its own.
    """
    said = _label(line, currency)
    if line.working or not line.rule:
        return said
    return _("%(what)s (rule %(rule)s)") % {"what": said, "rule": line.rule}


def _label(line: Line, currency: str) -> str:
    language = get_language() or "en"
    match line.code:
        case "start":
            return _("Start")
        case "distance":
            return _("Distance, %(far)s at %(rate)s a km") % {
                "far": formats.distance(line.quantity or 0, language=language),
                "rate": formats.figures(line.rate or 0, currency, language=language),
            }
        case "time":
            return _("Time, %(long)s at %(rate)s a minute") % {
                "long": formats.minutes(line.quantity or 0),
                "rate": formats.figures(line.rate or 0, currency, language=language),
            }
        case "waiting":
            return _("Waiting at stops, up to %(long)s at %(rate)s a minute") % {
                "long": formats.minutes(line.quantity or 0),
                "rate": formats.figures(line.rate or 0, currency, language=language),
            }
        case "minimum":
            return _("Up to the least fare")
        case "platform":
            return _("City platform")
        case "vat":
            return _("VAT, %(share)s %% of the platform's part") % {
                "share": f"{(line.rate or 0) / 100:g}"
            }
        case "city_fee":
            return _("Kerb fee to the city")
        case "surge":
            return _("Many ask now: fare times %(factor)s") % {
                "factor": f"{(line.rate or 0) / 10_000:g}"
            }
        case "least_pay":
            return _("Up to the least pay for drivers")
        case "fee":
            return _("City fee")
        case "floor":
            return _("Up to the least price")
        case "ceiling":
            return _("Down to the most that it may cost")
        case "subsidy":
            return _("Paid by the city")
        case "cancel_fee":
            return _("Fee for calling off late")
        case _:
            name = line.name or line.code.replace("_", " ").capitalize()
            if line.working and line.working.share[0] != line.working.share[1]:
                return f"{name}, {line.beneficiary or line.to.label}"
            return name


def lines_of(lines: Sequence[Line], currency: str) -> list[dict[str, Any]]:
    """The lines as the parts of a page write them."""
    return [
        {
            "label": label(line, currency),
            "minor": line.amount,
            # A tariff's own VAT and fee say all in their label.
            "note": explain(line, currency) if line.name else "",
        }
        for line in lines
    ]


def shares_of(lines: Sequence[Line]) -> dict[str, int]:
    """How much goes to whom, in minor units."""
    return {
        payee.name.lower(): sum(line.amount for line in lines if line.to == payee)
        for payee in Payee
    }


def compared(before: Quote, after: Quote) -> list[dict[str, Any]]:
    """Two prices line by line; what only one of them has stands as nothing in the other."""
    old = {line.code: line for line in before.price}
    new = {line.code: line for line in after.price}
    return [
        {
            "label": label(new.get(code) or old[code], after.currency),
            "before": old[code].amount if code in old else 0,
            "after": new[code].amount if code in new else 0,
        }
        for code in dict.fromkeys([*new, *old])
    ]
