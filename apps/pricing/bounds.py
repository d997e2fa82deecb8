"""What the city's rules do to a price: each of them a line that names its rule.

In this order: surge is capped, the least pay is made up, the commission is capped, fees are added,
floor and ceiling hold the whole, and of what is left the city pays its subsidies.
"""

from collections.abc import Sequence
from typing import NamedTuple

from apps.kernel.money import share_of
from apps.pricing.models import Line, Payee, Tariff
from apps.regulation.rules import WHOLE, Bounds

# The city's own part of a price: less to pay for the consumer, the same for everybody else.
SUBSIDY = "subsidy"


class Surge(NamedTuple):
    """How far demand lifts a fare, 10,000 being not at all, and the rule that held it down."""

    rate_bp: int
    rule: str = ""


def surge_of(tariff: Tariff, demand_bp: int, bounds: Bounds) -> Surge:
    """The least of what demand asks, the tariff allows and the city allows."""
    asked = Surge(max(WHOLE, min(demand_bp, tariff.surge_most_bp)))
    most = Surge(*bounds.surge) if bounds.surge else asked
    return most if most.rate_bp < asked.rate_bp else asked


def least_pay(bounds: Bounds, *, metres: int, seconds: int) -> tuple[int, str]:
    """The most that any rule says the worker is to get at least, and that rule."""
    dues = [(pay.least(metres=metres, seconds=seconds), rule) for pay, rule in bounds.pays]
    return max(dues, default=(0, ""))


def fees(bounds: Bounds, fare: int) -> list[Line]:
    """What the city asks on top of the fare."""
    return [
        Line(
            "fee",
            fee.flat_minor + share_of(fare, fee.share_bp),
            Payee.CITY,
            rate=fee.share_bp or None,
            rule=rule,
        )
        for fee, rule in bounds.fees
    ]


def held_within(bounds: Bounds, lines: Sequence[Line], due: int) -> list[Line]:
    """One line that brings a price up to the floor, or down to the ceiling.

    The floor goes to whoever does the work.  A ceiling is borne by them too, but never below the
    least pay: where the two rules quarrel, pay is stronger.
    """
    total = sum(line.amount for line in lines)
    if bounds.floor and total < bounds.floor[0]:
        return [Line("floor", bounds.floor[0] - total, Payee.PROVIDER, rule=bounds.floor[1])]
    if bounds.ceiling and total > bounds.ceiling[0]:
        fare = sum(line.amount for line in lines if line.to == Payee.PROVIDER)
        less = min(total - bounds.ceiling[0], fare - due)
        return [Line("ceiling", -less, Payee.PROVIDER, rule=bounds.ceiling[1])]
    return []


def subsidies(bounds: Bounds, total: int) -> list[Line]:
    """What the city pays of a price; all of them together never more than all of it."""
    lines: list[Line] = []
    left = total
    for subsidy, rule in bounds.subsidies:
        amount = subsidy.flat_minor + share_of(total, subsidy.share_bp)
        if subsidy.most_minor is not None:
            amount = min(amount, subsidy.most_minor)
        amount = min(amount, left)
        if amount > 0:
            lines.append(Line(SUBSIDY, -amount, Payee.CITY, rule=rule))
            left -= amount
    return lines
