"""Which sums a card can be asked for."""

from apps.kernel.money import EXPONENTS, Money

# The least that the gateway takes from a card, in minor units (Stripe, "Minimum and maximum charge
# amounts"); where it says nothing, the smallest coin.
LEAST = {"EUR": 50, "USD": 50, "GBP": 30, "CHF": 50, "BRL": 50, "MXN": 1_000, "JPY": 50}


def chargeable(amount: Money) -> Money:
    """The least sum that a card can pay and that is not below this one.

    With three digits behind the point only tens can be charged.
    """
    step = 10 if EXPONENTS[amount.currency] == 3 else 1
    minor = max(amount.minor, LEAST.get(amount.currency, 1))
    return Money(-(-minor // step) * step, amount.currency)
