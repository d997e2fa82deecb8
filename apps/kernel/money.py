"""Money is a whole number of minor units and a currency.  Never a float."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

# ISO 4217: how many digits follow the point.  An unknown currency is an error, not a guess.
EXPONENTS = {
    "ARS": 2,
    "BHD": 3,
    "BRL": 2,
    "CHF": 2,
    "CLP": 0,
    "COP": 2,
    "EUR": 2,
    "GBP": 2,
    "JPY": 0,
    "KWD": 3,
    "MXN": 2,
    "PEN": 2,
    "USD": 2,
    "UYU": 2,
}


class CurrencyMismatch(ValueError):
    """Two currencies met where only one makes sense."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units: `Money(245, "EUR")` is 2.45 euros, `Money(5, "CLP")` 5 pesos."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in EXPONENTS:
            raise ValueError(f"unknown currency {self.currency!r}")

    def __add__(self, other: Self) -> Self:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")
        return type(self)(self.minor + other.minor, self.currency)

    def __sub__(self, other: Self) -> Self:
        return self + -other

    def __neg__(self) -> Self:
        return type(self)(-self.minor, self.currency)

    def __mul__(self, times: int) -> Self:
        return type(self)(self.minor * times, self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        places = EXPONENTS[self.currency]
        return f"{Decimal(self.minor).scaleb(-places):,.{places}f} {self.currency}"


def allocate(minor: int, weights: Sequence[int]) -> list[int]:
    """Split an amount by weights so that the parts sum to it exactly.

    Largest remainder (Hamilton's method): every part is its exact share rounded down, and what
    is left goes, one minor unit each, to the largest fractions; ties to the earlier part.
    Raises `ValueError` when there is nothing to weigh by.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("weights must be non-negative and not all zero")
    sign, amount = (-1, -minor) if minor < 0 else (1, minor)
    shares = [divmod(amount * weight, total) for weight in weights]
    parts = [whole for whole, _ in shares]
    by_fraction = sorted(range(len(shares)), key=lambda i: (-shares[i][1], i))
    for i in by_fraction[: amount - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]


def share_of(minor: int, basis_points: int) -> int:
    """A share in hundredths of a percent, rounded half up (the tax offices' rounding)."""
    return (minor * basis_points + 5_000) // 10_000
