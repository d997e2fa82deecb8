"""What every gateway can do, and the words in which it answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from apps.kernel.money import Money


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


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """One movement in the gateway's own books; minor units, what comes in is positive.

    `source` is what moved it, `parent` the payment behind that, where there is one.
    """

    reference: str
    kind: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    source: str
    parent: str
    created_at: datetime
    available_on: datetime
    payload: dict[str, Any]


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

    def balance_lines(
        self, *, since: datetime, until: datetime | None = None
    ) -> Iterator[list[BalanceLine]]:
        """Every movement of the money at the gateway in that time, page by page, newest first."""

    def balance(self) -> dict[str, int]:
        """All that the gateway holds for us, on its way or there, in minor units by currency."""
