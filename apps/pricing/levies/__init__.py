"""Taxes and fees, worked out by rules that are data: no table is read here, and no clock.

`due` takes rules and the facts of one order and gives lines.  A rule says what it counts (`per`),
at which rate, for whom, up to which caps, who is exempt and who gets it.  Every part of the order
(a night, an hour, a ride) pays by the rule that is in force at its own moment.  What remains of an
order is put through the same function; `difference` says what is to be given back.
"""

from apps.pricing.levies.rules import (
    WHOLE_BP,
    Claim,
    Direction,
    Exemption,
    Facts,
    Frees,
    Guest,
    Kind,
    Part,
    Per,
    Point,
    Rule,
    Share,
    hours,
    nights,
)
from apps.pricing.levies.sums import Ambiguous, difference, due

__all__ = [
    "WHOLE_BP",
    "Ambiguous",
    "Claim",
    "Direction",
    "Exemption",
    "Facts",
    "Frees",
    "Guest",
    "Kind",
    "Part",
    "Per",
    "Point",
    "Rule",
    "Share",
    "difference",
    "due",
    "hours",
    "nights",
]
