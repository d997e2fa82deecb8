from apps.settlement.models.invoices import Invoice, InvoiceSeries
from apps.settlement.models.payouts import (
    PREFIX,
    SUFFIX,
    Night,
    Payee,
    Payout,
    PayoutPlan,
    Reserve,
    Shortfall,
    Weekday,
    payable,
    reserve,
)

__all__ = [
    "PREFIX",
    "SUFFIX",
    "Invoice",
    "InvoiceSeries",
    "Night",
    "Payee",
    "Payout",
    "PayoutPlan",
    "Reserve",
    "Shortfall",
    "Weekday",
    "payable",
    "reserve",
]
