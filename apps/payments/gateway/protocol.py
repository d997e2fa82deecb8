"""What every gateway can do, and the words in which it answers."""

from dataclasses import dataclass
from typing import Protocol

from apps.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway said to one question.

    `refusal` is one of our words for why it said no: `declined`, `insufficient_funds`,
    `expired`, `needs_confirmation`, `unconfirmed`, `rejected`, `wrong_details`, `lapsed`,
    `account_closed`.
    """

    is_yes: bool
    reference: str = ""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Confirm:
    """No answer yet: the bank wants to hear from the payer first, on a page of its own."""

    reference: str
    page: str


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
        self,
        *,
        amount: Money,
        customer: str,
        card: str,
        holder: str,
        label: str,
        key: str,
        back: str = "",
    ) -> Answer | Confirm:
        """Have the bank promise the money, without taking it.

        `back` is where the payer comes back to from their bank's page.  Without it nobody is there
        to be led to one, and a bank that wants to hear from them has refused.
        """

    def confirmed(self, *, reference: str, key: str) -> Answer | Confirm:
        """Hear what came of a promise for which the bank wanted to hear from the payer."""

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
