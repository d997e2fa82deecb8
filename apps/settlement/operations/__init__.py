"""Settlement: everybody is paid what was booked for them, when their plan says so, and told why.

`booking` makes a payout, `nights` whoever's turn it is, `asking` what a provider wants now,
`payees` the city's own; `bank` takes it there and hears what came of it; `invoicing` writes down
what was paid for.
"""

from apps.settlement.operations.asking import (
    LARGEST_MINIMUM,
    DearerNow,
    KeyReused,
    NothingToPay,
    choose_plan,
    pay_now,
    set_reserve,
)
from apps.settlement.operations.bank import (
    hold_payout,
    note_bank_refusal,
    note_transfer,
    release_payout,
    retry_payout,
    send,
)
from apps.settlement.operations.booking import (
    FEES,
    IN_TRANSIT,
    SETTLEMENT,
    NotPossible,
    SettledSince,
)
from apps.settlement.operations.invoicing import (
    invoice_fees,
    invoice_order,
    invoice_payment,
    issue,
)
from apps.settlement.operations.nights import (
    AFTER_HOUR,
    release_reserves,
    settle,
    settle_all,
    settle_due,
    settle_provider,
)
from apps.settlement.operations.payees import (
    FourEyes,
    NotABankAccount,
    approve_payee,
    checked,
    ensure_payees,
    keep_reference,
    key_of,
    set_payee,
    settle_payee,
)

__all__ = [
    "FourEyes",
    "approve_payee",
    "AFTER_HOUR",
    "FEES",
    "IN_TRANSIT",
    "LARGEST_MINIMUM",
    "SETTLEMENT",
    "DearerNow",
    "KeyReused",
    "NotABankAccount",
    "NotPossible",
    "NothingToPay",
    "SettledSince",
    "checked",
    "choose_plan",
    "ensure_payees",
    "hold_payout",
    "invoice_fees",
    "invoice_order",
    "invoice_payment",
    "issue",
    "keep_reference",
    "key_of",
    "note_bank_refusal",
    "note_transfer",
    "pay_now",
    "release_payout",
    "release_reserves",
    "retry_payout",
    "send",
    "set_payee",
    "set_reserve",
    "settle",
    "settle_all",
    "settle_due",
    "settle_payee",
    "settle_provider",
]
