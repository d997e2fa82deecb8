"""What a bank's word for its reason means to people."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REASONS: dict[str, str | Promise] = {
    "fraudulent": _("The payer says that it was not them."),
    "unrecognized": _("The payer does not recognise the payment."),
    "product_not_received": _("The payer says that they did not get what they paid for."),
    "product_unacceptable": _("The payer says that it was not as agreed."),
    "duplicate": _("The payer says that they paid twice."),
    "subscription_canceled": _("The payer says that it was called off before."),
    "credit_not_processed": _("The payer says that a refund never came."),
    "incorrect_account_details": _("The bank says that the account was wrong."),
    "insufficient_funds": _("The bank says that the payer's account was empty."),
    "general": _("The payer's bank gives no reason."),
}


def reason_of(word: str) -> str:
    """A sentence for whatever the gateway gives as the reason."""
    return str(REASONS.get(word, REASONS["general"]))
