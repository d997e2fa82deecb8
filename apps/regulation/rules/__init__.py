"""The city's rules as data: a small typed model, read and asked without a database.

A rule is a scope (where, when and whom it concerns) and terms (what it says).  There is no code
in a rule and nothing is evaluated but what stands here.
"""

from apps.regulation.rules.asking import (
    UNBOUND,
    Answer,
    Bounds,
    Case,
    Exemption,
    Facts,
    Finding,
    Rule,
    Take,
    ask,
)
from apps.regulation.rules.frozen import Malformed
from apps.regulation.rules.scope import AT, BEGINS, DROPOFF, ENDS, PICKUP, Scope
from apps.regulation.rules.terms import (
    KINDS,
    WHOLE,
    Act,
    Cap,
    Closed,
    Commission,
    Crisis,
    Fee,
    Hours,
    Limit,
    Of,
    Pay,
    Per,
    PermitNeeded,
    Price,
    Speed,
    Subsidy,
    Terms,
)

__all__ = [
    "AT",
    "BEGINS",
    "DROPOFF",
    "ENDS",
    "KINDS",
    "PICKUP",
    "UNBOUND",
    "WHOLE",
    "Act",
    "Answer",
    "Bounds",
    "Cap",
    "Case",
    "Closed",
    "Commission",
    "Crisis",
    "Exemption",
    "Facts",
    "Fee",
    "Finding",
    "Hours",
    "Limit",
    "Malformed",
    "Of",
    "Pay",
    "Per",
    "PermitNeeded",
    "Price",
    "Rule",
    "Scope",
    "Speed",
    "Subsidy",
    "Take",
    "Terms",
    "ask",
]
