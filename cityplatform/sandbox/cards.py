"""The test cards: which numbers exist, and what happens to a payment made with each."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from cityplatform.sandbox.endpoints import Call
from cityplatform.sandbox.errors import Json, StripeError, invalid, missing


@dataclass(frozen=True)
class Decline:
    """How a bank says no: Stripe's code, its finer decline code, and the words for the payer."""

    code: str
    reason: str
    message: str = "Your card was declined."


GENERIC = Decline("card_declined", "generic_decline")
FUNDS = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
LOST = Decline("card_declined", "lost_card")
STOLEN = Decline("card_declined", "stolen_card")
EXPIRED = Decline("expired_card", "expired_card", "Your card has expired.")
CODE = Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.")
BUSY = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)
LIVE = Decline(
    "card_declined",
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test (live) card. For "
    "a list of valid test cards, visit: https://stripe.com/docs/testing.",
)
NUMBER = Decline("incorrect_number", "", "Your card number is incorrect.")
APPROVAL = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)


@dataclass(frozen=True)
class Card:
    """A test card. `decline` hits payments, and saving too unless `saves`; `approval` says when
    the holder must approve: never, always, or only while the card is not set up."""

    number: str
    tokens: tuple[str, ...]
    brand: str = "visa"
    funding: str = "credit"
    decline: Decline | None = None
    saves: bool = False
    approval: Literal["never", "always", "until_set_up"] = "never"
    disputed: bool = False
    immediate: bool = False
    refund_fails: bool = False

    @property
    def last4(self) -> str:
        return self.number[-4:]


# stripe.com/docs/testing
CARDS = (
    Card("4242424242424242", ("visa",)),
    Card("4000056655665556", ("visa_debit",), funding="debit"),
    Card("5555555555554444", ("mastercard",), "mastercard"),
    Card("5200828282828210", ("mastercard_debit",), "mastercard", "debit"),
    Card("378282246310005", ("amex",), "amex"),
    Card("6011111111111117", ("discover",), "discover"),
    Card("4000000000000002", ("chargeDeclined", "visa_chargeDeclined"), decline=GENERIC),
    Card(
        "4000000000009995",
        ("chargeDeclinedInsufficientFunds", "visa_chargeDeclinedInsufficientFunds"),
        decline=FUNDS,
    ),
    Card(
        "4000000000009987",
        ("chargeDeclinedLostCard", "visa_chargeDeclinedLostCard"),
        decline=LOST,
    ),
    Card(
        "4000000000009979",
        ("chargeDeclinedStolenCard", "visa_chargeDeclinedStolenCard"),
        decline=STOLEN,
    ),
    Card(
        "4000000000000069",
        ("chargeDeclinedExpiredCard", "visa_chargeDeclinedExpiredCard"),
        decline=EXPIRED,
    ),
    Card(
        "4000000000000127",
        ("chargeDeclinedIncorrectCvc", "visa_chargeDeclinedIncorrectCvc"),
        decline=CODE,
    ),
    Card(
        "4000000000000119",
        ("chargeDeclinedProcessingError", "visa_chargeDeclinedProcessingError"),
        decline=BUSY,
    ),
    Card("4000000000000341", ("chargeCustomerFail",), decline=GENERIC, saves=True),
    Card("4000002760003184", ("authenticationRequired",), approval="always"),
    Card(
        "4000002500003155",
        ("authenticationRequiredOnSetup", "threeDSecureRequired"),
        approval="until_set_up",
    ),
    Card("4000000000000259", ("createDispute",), disputed=True),
    Card("4000000000005126", ("refundFail",), refund_fails=True),
    Card("4000000000000077", ("bypassPending",), immediate=True),
)
BY_NUMBER = {card.number: card for card in CARDS}
BY_TOKEN = {token: card for card in CARDS for token in card.tokens}


def luhn(number: str) -> bool:
    """Whether the last digit of a card number fits the others (ISO/IEC 7812)."""
    total = 0
    for at, digit in enumerate(reversed(number)):
        doubled = int(digit) * (2 if at % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def read(number: str) -> Card | Decline:
    """The test card of that number, or the decline for a number that is none."""
    digits = number.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit() and 12 <= len(digits) <= 19 and luhn(digits)):
        return NUMBER
    return BY_NUMBER.get(digits, LIVE)


def refusal(
    decline: Decline, *, param: str | None = None, keep: bool = False, **objects: Any
) -> StripeError:
    """The 402 that the SDK raises as `CardError`."""
    return StripeError(
        402,
        keep=keep,
        type="card_error",
        code=decline.code,
        decline_code=decline.reason or None,
        message=decline.message,
        param=param,
        **objects,
    )


ADDRESS_FIELDS = ("city", "country", "line1", "line2", "postal_code", "state")


def billing(given: Json | None) -> Json:
    """Billing details with every field Stripe answers with."""
    given = given or {}
    address = given.get("address") or {}
    return {
        "address": {name: address.get(name) for name in ADDRESS_FIELDS},
        "email": given.get("email"),
        "name": given.get("name"),
        "phone": given.get("phone"),
        "tax_id": given.get("tax_id"),
    }


def new_method(
    call: Call,
    card: Card,
    *,
    exp_month: int = 12,
    exp_year: int = 0,
    billing_details: Json | None = None,
    metadata: Json | None = None,
) -> Json:
    """A payment method made of a test card; a real row like any other."""
    method = call.create(
        "pm",
        "payment_method",
        allow_redisplay="unspecified",
        billing_details=billing(billing_details),
        card={
            "brand": card.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "fail" if card.decline is CODE else "pass",
            },
            "country": "US",
            "display_brand": card.brand,
            "exp_month": exp_month,
            "exp_year": exp_year or year(call.now) + 3,
            "fingerprint": hashlib.sha256(card.number.encode()).hexdigest()[:16],
            "funding": card.funding,
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        customer=None,
        customer_account=None,
        metadata=metadata or {},
        type="card",
    )
    return call.keep(method, hidden={"card": card.number})


def year(now: int) -> int:
    """The calendar year of a moment, UTC."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(now, UTC).year


def find_method(call: Call, identifier: str, param: str = "payment_method") -> Json:
    """A payment method by its id; a magic id such as `pm_card_visa` makes a fresh one."""
    if identifier.startswith("pm_card_"):
        card = BY_TOKEN.get(identifier.removeprefix("pm_card_"))
        if card is None:
            raise missing("payment_method", identifier, param=param, status=400)
        return new_method(call, card)
    return call.refer("payment_method", identifier, param)


def card_of(call: Call, method: Json) -> Card:
    """The test card behind a payment method."""
    return BY_NUMBER[call.store.hidden(method["id"])["card"]]


def usable(call: Call, method: Json, customer: str | None, holder: str) -> None:
    """Refuse a method of another customer, or one that was used up without a customer."""
    if method["customer"] is not None and method["customer"] != customer:
        if customer is None:
            raise invalid(
                f"The PaymentMethod {method['id']} belongs to the Customer {method['customer']}. "
                f"Please include the Customer in the `customer` parameter on the {holder}.",
                param="payment_method",
            )
        raise invalid(
            f"The provided PaymentMethod ({method['id']}) can't be attached, because it belongs to "
            "another Customer.",
            param="payment_method",
        )
    if method["customer"] is None and call.store.hidden(method["id"]).get("spent"):
        raise invalid(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer "
            "attachment, shared with a connected account without Customer attachment, or was "
            "detached from a Customer. It may not be used again. To use a PaymentMethod multiple "
            "times, you must attach it to a Customer first.",
            param="payment_method",
        )
