"""Providers' accounts, and money on its way to them."""

import stripe

from apps.kernel.money import Money
from apps.payments.gateway.asking import Asking, attempt_of, translated
from apps.payments.gateway.protocol import Answer, NotYet


class Accounts(Asking):
    def open_account(self, *, name: str, email: str, country: str, key: str) -> str:
        with translated():
            return self.stripe.v1.accounts.create(
                {
                    "type": "express",
                    "country": country,
                    "email": email,
                    "business_profile": {"name": name},
                    "capabilities": {"transfers": {"requested": True}},
                    "metadata": {"provider": key},
                },
                {"idempotency_key": f"account:{key}"},
            ).id

    def transfer(self, *, account: str, amount: Money, holder: str, key: str) -> Answer:
        with translated():
            try:
                # A key is forgotten after a day; what it did is not.
                made_before = self.stripe.v1.transfers.list(
                    {"transfer_group": holder, "limit": 100}
                )
                for one in made_before.data:
                    if attempt_of(one.metadata) == key:
                        return Answer(True, one.id)
                made = self.stripe.v1.transfers.create(
                    {
                        "amount": amount.minor,
                        "currency": amount.currency.lower(),
                        "destination": account,
                        "transfer_group": holder,
                        "metadata": {"attempt": key, "holder": holder},
                    },
                    {"idempotency_key": key},
                )
            except stripe.InvalidRequestError as error:
                if error.code == "balance_insufficient":
                    raise NotYet("the cards' money has not arrived yet") from error
                if error.code in ("account_closed", "insufficient_capabilities_for_transfer"):
                    return Answer(False, "", error.code)
                if error.code == "resource_missing" and error.param == "destination":
                    return Answer(False, "", "account_closed")
                raise
            return Answer(True, made.id)

    def hurry(self, *, account: str, amount: Money, key: str) -> Answer:
        with translated():
            try:
                made = self.stripe.v1.payouts.create(
                    {
                        "amount": amount.minor,
                        "currency": amount.currency.lower(),
                        "method": "instant",
                        "metadata": {"attempt": key},
                    },
                    {"idempotency_key": key, "stripe_account": account},
                )
            except (stripe.InvalidRequestError, stripe.PermissionError):
                # It lies in their account and goes with the bank's next ordinary payout.
                return Answer(False, "", "not_at_once")
            return Answer(True, made.id)
