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
from apps.pricing.operations.vouchers import (
    CODE,
    CodeTaken,
    NotUsable,
    end_voucher,
    issue_voucher,
    promise_voucher,
    take_voucher,
    written,
)

__all__ = [
    "CODE",
    "QUOTE_LASTS",
    "BeginsTooLate",
    "CodeTaken",
    "FourEyes",
    "LevyOverlaps",
    "NotInTheMaking",
    "NotUsable",
    "NumberTaken",
    "approve_levy",
    "bounded",
    "end_levy",
    "end_voucher",
    "freeze",
    "issue_voucher",
    "levied",
    "metered",
    "promise_voucher",
    "propose_levy",
    "reject_levy",
    "set_tariff",
    "take_voucher",
    "written",
]
