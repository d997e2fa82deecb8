"""Payments: a consumer's money from the bank's promise to the last refund.

Whoever wants something of the gateway notes it here as an attempt, in their own transaction
(`wishes`).  A subscriber opens the attempts of a payment one after another, a task asks holding
no lock, and `record` writes down the answer, books it and tells the city (`answers`);
a bank that wants to hear from the payer first has not answered yet (`confirming`);
a promise that ends before it is taken is made anew (`renewing`);
what was not paid in cash ends by an officer (`debts`); what the gateway tells of its own accord
is kept and heeded (`inbox`); what a payer's bank takes back is noted (`disputes`).  What is
asked next follows from the state in which the answer left the payment, never from the order in
which the news came.  A crash anywhere leaves a row that says what to do next.
"""

from apps.payments.charges import chargeable
from apps.payments.operations.answers import (
    CLEARING,
    KEY_LASTS,
    LONGEST_PATIENCE,
    PATIENCE,
    ask_again,
    begin,
    give_up,
    put_off,
    record,
    try_now,
)
from apps.payments.operations.confirming import CONFIRM_WITHIN, await_payer
from apps.payments.operations.debts import NotOwed, let_go, note_paid
from apps.payments.operations.disputes import note_loss, withhold
from apps.payments.operations.inbox import (
    empty_old,
    heed_account,
    heed_intent,
    heed_refund,
    keep,
    note_done,
    note_failed,
    note_listed,
    pass_on,
    process_again,
)
from apps.payments.operations.renewing import AHEAD, HOLD_LASTS, renew
from apps.payments.operations.renewing import due as due_for_renewal
from apps.payments.operations.wishes import (
    NOT_PAID,
    Disputed,
    Ended,
    KeyReused,
    NoSuchCard,
    NotCaptured,
    Split,
    TooMuch,
    cancel,
    capture,
    keep_payout_account,
    open,
    open_transfer,
    refund,
    revise_cash,
)

__all__ = [
    "AHEAD",
    "HOLD_LASTS",
    "due_for_renewal",
    "renew",
    "CLEARING",
    "CONFIRM_WITHIN",
    "KEY_LASTS",
    "LONGEST_PATIENCE",
    "PATIENCE",
    "NOT_PAID",
    "Disputed",
    "Ended",
    "KeyReused",
    "NoSuchCard",
    "NotCaptured",
    "NotOwed",
    "Split",
    "TooMuch",
    "ask_again",
    "await_payer",
    "begin",
    "cancel",
    "chargeable",
    "capture",
    "empty_old",
    "give_up",
    "heed_account",
    "heed_intent",
    "heed_refund",
    "keep",
    "keep_payout_account",
    "let_go",
    "note_done",
    "note_failed",
    "note_listed",
    "note_loss",
    "note_paid",
    "open",
    "open_transfer",
    "pass_on",
    "process_again",
    "put_off",
    "record",
    "refund",
    "revise_cash",
    "try_now",
    "withhold",
]
