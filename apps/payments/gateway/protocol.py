"""What every gateway can do, and the words in which it answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from apps.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway said to one question.

    `refusal` is one of our words for why it said no: `declined`, `insufficient_funds`,
    `expired`, `needs_confirmation`, `unconfirmed`, `rejected`, `wrong_details`, `lapsed`,
    `account_closed`.  `holds_until`: how long the bank keeps a promise, where it says so.
    """

    is_yes: bool
    reference: str = ""
    refusal: str = ""
    holds_until: datetime | None = None


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


@dataclass(frozen=True, slots=True)
class IntentFacts:
    """How a payment stands with the gateway; `attempt` is the key under which it was opened."""

    reference: str
    status: str
    received_minor: int
    refusal: str
    attempt: str
    lapsed: bool


@dataclass(frozen=True, slots=True)
class RefundFacts:
    """How a refund stands with the gateway; `attempt` is the key under which it was asked for."""

    reference: str
    status: str
    failure: str
    attempt: str


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """Whether a provider's account pays out, and what the gateway still wants to know."""

    reference: str
    pays_out: bool
    wanted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that a dispute moved at the gateway: negative when a bank took it."""

    reference: str
    amount_minor: int
    fee_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class DisputeFacts:
    """How a dispute stands with the gateway; `due_by` in seconds since 1970, 0 for never."""

    reference: str
    intent: str
    amount_minor: int
    currency: str
    reason: str
    status: str
    opened: int
    due_by: int
    submissions: int
    movements: tuple[Movement, ...]


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

    def hurry(self, *, account: str, amount: Money, key: str) -> Answer:
        """Have money that lies in an account paid out to its bank at once, or hear why not."""

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

    def intent(self, *, reference: str) -> IntentFacts:
        """How a payment stands now, whatever was told of it and when."""

    def refund_facts(self, *, reference: str) -> RefundFacts:
        """How a refund stands now."""

    def account_facts(self, *, reference: str) -> AccountFacts:
        """How a provider's account stands now."""

    def events(self, *, since: int, account: str = "") -> Iterator[dict[str, Any]]:
        """What the gateway told, or meant to tell, since a moment in seconds since 1970."""

    def dispute(self, *, reference: str) -> DisputeFacts:
        """How a dispute stands now."""

    def answer_dispute(
        self, *, reference: str, evidence: Mapping[str, str], key: str
    ) -> DisputeFacts:
        """Send the evidence to the payer's bank, once and for all."""

    def close_dispute(self, *, reference: str, key: str) -> DisputeFacts:
        """Accept that the money stays with the payer."""

    def balance_lines(
        self, *, since: datetime, until: datetime | None = None
    ) -> Iterator[list[BalanceLine]]:
        """Every movement of the money at the gateway in that time, page by page, newest first."""

    def balance(self) -> dict[str, int]:
        """All that the gateway holds for us, on its way or there, in minor units by currency."""
