"""Where money stands on its way, and which of the gateway's words mean which of our journals."""

from apps.payments.operations import CLEARING

FEES = "gateway:fees"
DISPUTES = "disputes:open"
IN_TRANSIT = "payouts:in-transit"
# Credited when a transfer is sent, brought back to nought when the gateway's line says so.
BANK_PAYOUTS = "bank:payouts"
# From the gateway to the city's own bank: nought again when the bank's line is there.
BANK_IN_TRANSIT = "bank:in-transit"
BANK = "bank:city"

# Each of these is nought after a while, or somebody says why it is not.
CLEARING_ACCOUNTS = (CLEARING, IN_TRANSIT, BANK_PAYOUTS, BANK_IN_TRANSIT, DISPUTES)

# Balance transactions: https://docs.stripe.com/reports/balance-transaction-types
CAPTURES = ("charge", "payment")
REFUNDS = ("refund", "payment_refund")
REFUNDS_FAILED = ("refund_failure",)
TRANSFERS = ("transfer",)
DISPUTED = ("adjustment",)
# What the gateway moves without our asking, and so only its lines can tell us of it.
PAYOUTS = ("payout", "payout_failure", "payout_cancel", "topup", "topup_reversal")
CHARGES = ("stripe_fee", "network_cost", "stripe_fx_fee", "tax_fee")
OURS = (*CAPTURES, *REFUNDS, *REFUNDS_FAILED, *TRANSFERS, *DISPUTED)

# Which account of a journal the line of each kind stands against.
MOVES = {"transfer": BANK_PAYOUTS}

# Journals that follow from the lines themselves; they are not compared with them.
FROM_LINES = ("gateway_fee", "gateway_payout", "gateway_transfer", "correction")
