"""Pricing: what a request costs, and what the city asks on top of it."""

from apps.pricing.operations.levies import (
    BeginsTooLate,
    FourEyes,
    LevyOverlaps,
    NotInTheMaking,
    NumberTaken,
    approve_levy,
    end_levy,
    propose_levy,
    reject_levy,
)
from apps.pricing.operations.quotes import (
    QUOTE_LASTS,
    bounded,
    freeze,
    levied,
    metered,
    set_tariff,
)

__all__ = [
    "QUOTE_LASTS",
    "BeginsTooLate",
    "FourEyes",
    "LevyOverlaps",
    "NotInTheMaking",
    "NumberTaken",
    "approve_levy",
    "bounded",
    "end_levy",
    "freeze",
    "levied",
    "metered",
    "propose_levy",
    "reject_levy",
    "set_tariff",
]
