"""People, and the cards that they keep with the gateway."""

from typing import Any

import stripe

from apps.payments.gateway.asking import Asking, translated
from apps.payments.gateway.protocol import CardFacts, NotUnderstood


class Cards(Asking):
    def open_customer(self, *, email: str, name: str, key: str) -> str:
        with translated():
            return self.stripe.v1.customers.create(
                {"email": email, "name": name, "metadata": {"person": key}},
                {"idempotency_key": f"customer:{key}"},
            ).id

    def add_card(self, *, customer: str, back: str, given_up: str, currency: str) -> str:
        with translated():
            session = self.stripe.v1.checkout.sessions.create(
                {
                    "mode": "setup",
                    "customer": customer,
                    "currency": currency.lower(),
                    "allowed_payment_method_types": ["card"],
                    "success_url": back,
                    "cancel_url": given_up,
                }
            )
        if not session.url:
            raise NotUnderstood("the session has no address")
        return session.url

    def added_card(self, *, session: str) -> CardFacts | None:
        with translated():
            try:
                found = self.stripe.v1.checkout.sessions.retrieve(
                    session, {"expand": ["setup_intent.payment_method"]}
                )
            except stripe.InvalidRequestError as error:
                if error.http_status == 404:
                    return None
                raise
        intent: Any = found.setup_intent
        if found.status != "complete" or not intent or intent.status != "succeeded":
            return None
        method = intent.payment_method
        return CardFacts(
            reference=method.id,
            customer=str(found.customer),
            brand=method.card.brand,
            last4=method.card.last4,
            expires_month=method.card.exp_month,
            expires_year=method.card.exp_year,
        )

    def forget_card(self, *, reference: str) -> None:
        with translated():
            try:
                self.stripe.v1.payment_methods.detach(reference)
            except stripe.InvalidRequestError as error:
                method = self.stripe.v1.payment_methods.retrieve(reference)
                if method.customer:
                    raise error
