"""The way out to the bank: one protocol, spoken by Stripe and by whatever speaks like it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import stripe
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from apps.kernel.money import Money

TIMEOUT = 10  # seconds for one answer
RETRIES = 1  # inside one call; the attempt's own back-off does the rest

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway said to one question.

    `refusal` is one of our words for why it said no: `declined`, `insufficient_funds`,
    `expired`, `needs_confirmation`, `wrong_details`, `lapsed`, `account_closed`.
    """

    is_yes: bool
    reference: str = ""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What we may know of a card, and whose it is to the gateway."""

    reference: str
    customer: str
    brand: str
    last4: str
    expires_month: int
    expires_year: int


class GatewayDown(Exception):
    """Nobody answered.  The same question with the same key is put again later."""


class NotYet(GatewayDown):
    """The gateway answered that it cannot do it yet.  Nothing happened; a new key asks later."""


class NotUnderstood(Exception):
    """The gateway did not understand us: asking again alone will not help."""


class Gateway(Protocol):
    """Every question carries a key; asked again with the same key, it answers the same."""

    def authorise(
        self, *, amount: Money, customer: str, card: str, holder: str, label: str, key: str
    ) -> Answer:
        """Have the bank promise the money, without taking it."""

    def capture(self, *, reference: str, amount: Money, key: str) -> Answer:
        """Take the money, or part of it; the rest is given back."""

    def cancel(self, *, reference: str, key: str) -> Answer:
        """Give the promise back."""

    def refund(self, *, reference: str, amount: Money, key: str) -> Answer:
        """Give captured money back."""

    def transfer(self, *, account: str, amount: Money, holder: str, key: str) -> Answer:
        """Send money to a provider's account."""

    def open_customer(self, *, email: str, name: str, key: str) -> str:
        """Make a person known to the gateway; return its reference."""

    def open_account(self, *, name: str, email: str, country: str, key: str) -> str:
        """Open a provider's account; return its reference."""

    def add_card(self, *, customer: str, back: str, given_up: str, currency: str) -> str:
        """Return the address of the page, not ours, on which a person types their card.

        `back` gets the session's reference in place of `{CHECKOUT_SESSION_ID}`.
        """

    def added_card(self, *, session: str) -> CardFacts | None:
        """The card that was added on that page, or None when it was left without adding one."""

    def forget_card(self, *, reference: str) -> None:
        """Forget a card.  Forgetting it twice is harmless."""


def ours() -> Gateway:
    """Return this city's gateway.

    Refuses inside a transaction, because the bank may be slow, and without a key, because a
    city that cannot take money must not seem to.
    """
    if connection.in_atomic_block:
        raise RuntimeError("the gateway was called inside a transaction")
    key = settings.STRIPE_API_KEY
    if not key:
        raise ImproperlyConfigured("no STRIPE_API_KEY: no payments")
    if settings.MODE == "production" and (
        settings.STRIPE_API_BASE or not key.startswith(("sk_live_", "rk_live_"))
    ):
        raise ImproperlyConfigured("production takes money with a live key from Stripe itself")
    return StripeGateway(key, settings.STRIPE_API_BASE)


class StripeGateway:
    """Stripe, through its own SDK; `base` sends it to a server that speaks Stripe's wire format."""

    def __init__(self, key: str, base: str = "") -> None:
        self.stripe = stripe.StripeClient(
            key,
            base_addresses={"api": base} if base else None,
            max_network_retries=RETRIES,
            http_client=stripe.RequestsClient(timeout=TIMEOUT),
        )

    def authorise(
        self, *, amount: Money, customer: str, card: str, holder: str, label: str, key: str
    ) -> Answer:
        with _translated():
            try:
                intent = self.stripe.v1.payment_intents.create(
                    {
                        "amount": amount.minor,
                        "currency": amount.currency.lower(),
                        "customer": customer,
                        "payment_method": card,
                        # Nobody is there to be led to another page: the rider has ordered.
                        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                        "capture_method": "manual",
                        "confirm": True,
                        "off_session": True,
                        "transfer_group": holder,
                        "metadata": {"attempt": key, "holder": holder, "order": label or holder},
                    },
                    {"idempotency_key": key},
                )
            except stripe.CardError as error:
                refused = getattr(error.error, "payment_intent", None)
                return Answer(False, refused["id"] if refused else "", _refusal(error))
            if intent.status == "requires_capture":
                return Answer(True, intent.id)
            # The bank wants the payer to confirm, and the payer is on the kerb, not at a screen.
            self.cancel(reference=intent.id, key=f"{key}:unconfirmed")
            return Answer(False, intent.id, "needs_confirmation")

    def capture(self, *, reference: str, amount: Money, key: str) -> Answer:
        with _translated():
            try:
                intent = self.stripe.v1.payment_intents.capture(
                    reference,
                    {"amount_to_capture": amount.minor},
                    {"idempotency_key": key},
                )
            except stripe.InvalidRequestError as error:
                intent = self._as_it_stands(reference, error)
            if intent.status == "succeeded" and intent.amount_received == amount.minor:
                return Answer(True, reference)
            if intent.status == "canceled":
                return Answer(False, reference, "lapsed")
            raise NotUnderstood(f"capture left {intent.status}, {intent.amount_received}")

    def cancel(self, *, reference: str, key: str) -> Answer:
        with _translated():
            try:
                intent = self.stripe.v1.payment_intents.cancel(
                    reference, {}, {"idempotency_key": key}
                )
            except stripe.InvalidRequestError as error:
                intent = self._as_it_stands(reference, error)
            if intent.status == "canceled":
                return Answer(True, reference)
            raise NotUnderstood(f"cancel left {intent.status}")

    def refund(self, *, reference: str, amount: Money, key: str) -> Answer:
        with _translated():
            try:
                made = self.stripe.v1.refunds.create(
                    {
                        "payment_intent": reference,
                        "amount": amount.minor,
                        "metadata": {"attempt": key},
                    },
                    {"idempotency_key": key},
                )
            except stripe.InvalidRequestError as error:
                # A key is forgotten after a day; what it did is not.
                refunds = self.stripe.v1.refunds.list({"payment_intent": reference, "limit": 100})
                earlier = [one for one in refunds.data if _attempt_of(one.metadata) == key]
                if not earlier:
                    raise error
                made = earlier[0]
            if made.status in ("succeeded", "pending"):
                return Answer(True, made.id)
            return Answer(False, made.id, str(made.failure_reason or made.status))

    def transfer(self, *, account: str, amount: Money, holder: str, key: str) -> Answer:
        with _translated():
            try:
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

    def open_customer(self, *, email: str, name: str, key: str) -> str:
        with _translated():
            return self.stripe.v1.customers.create(
                {"email": email, "name": name, "metadata": {"person": key}},
                {"idempotency_key": f"customer:{key}"},
            ).id

    def open_account(self, *, name: str, email: str, country: str, key: str) -> str:
        with _translated():
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

    def add_card(self, *, customer: str, back: str, given_up: str, currency: str) -> str:
        with _translated():
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
        with _translated():
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
        with _translated():
            try:
                self.stripe.v1.payment_methods.detach(reference)
            except stripe.InvalidRequestError as error:
                method = self.stripe.v1.payment_methods.retrieve(reference)
                if method.customer:
                    raise error

    def _as_it_stands(
        self, reference: str, error: stripe.InvalidRequestError
    ) -> stripe.PaymentIntent:
        """The intent itself, when it is past the state in which it was asked something."""
        if error.code != "payment_intent_unexpected_state":
            raise error
        return self.stripe.v1.payment_intents.retrieve(reference)


def _attempt_of(metadata: Any) -> str:
    return str(metadata["attempt"]) if metadata and "attempt" in metadata else ""


def _refusal(error: stripe.CardError) -> str:
    """Our word for why the bank said no.  Whether a card was stolen is not ours to tell."""
    reason = getattr(error.error, "decline_code", None) or error.code
    words = {
        "insufficient_funds": "insufficient_funds",
        "expired_card": "expired",
        "authentication_required": "needs_confirmation",
        "incorrect_cvc": "wrong_details",
        "incorrect_number": "wrong_details",
        "invalid_expiry_month": "wrong_details",
        "invalid_expiry_year": "wrong_details",
    }
    return words.get(str(reason), words.get(str(error.code), "declined"))


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what the SDK raises into whether asking again helps."""
    try:
        yield
    except stripe.AuthenticationError as error:
        # Not this payment's fault, and gone for all of them when the key is put right.
        logger.error("the gateway does not know our key: %s", error)
        raise GatewayDown("the gateway does not know our key") from error
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise GatewayDown(str(error)) from error
    except (stripe.InvalidRequestError, stripe.IdempotencyError, stripe.PermissionError) as error:
        raise NotUnderstood(str(error)) from error
    except stripe.CardError as error:
        raise NotUnderstood(str(error)) from error
    except stripe.APIError as error:
        # 5xx, an answer that is none, or 409 while the same question is still being answered.
        raise GatewayDown(str(error)) from error
