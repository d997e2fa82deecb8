"""The way out to the bank: one protocol, spoken by Stripe and by whatever speaks like it."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from apps.payments.gateway.accounts import Accounts
from apps.payments.gateway.balance import Balance
from apps.payments.gateway.cards import Cards
from apps.payments.gateway.charges import UNCONFIRMED, Charges
from apps.payments.gateway.disputes import Disputes
from apps.payments.gateway.events import Events
from apps.payments.gateway.protocol import (
    AccountFacts,
    Answer,
    BalanceLine,
    CardFacts,
    Confirm,
    DisputeFacts,
    Gateway,
    GatewayDown,
    IntentFacts,
    Movement,
    NotUnderstood,
    NotYet,
    RefundFacts,
)

__all__ = [
    "AccountFacts",
    "UNCONFIRMED",
    "Answer",
    "BalanceLine",
    "CardFacts",
    "Confirm",
    "DisputeFacts",
    "Gateway",
    "GatewayDown",
    "IntentFacts",
    "Movement",
    "NotUnderstood",
    "NotYet",
    "RefundFacts",
    "StripeGateway",
    "ours",
]


class StripeGateway(Charges, Cards, Accounts, Balance, Events, Disputes):
    """All of it, through Stripe's own SDK."""


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
