"""Payment intents: one payment from the first ask to captured or cancelled."""

import secrets

from cityplatform.sandbox import charges, money
from cityplatform.sandbox.customers import payer
from cityplatform.sandbox.endpoints import PLATFORM, Call, endpoint, listed
from cityplatform.sandbox.errors import Json, invalid
from cityplatform.sandbox.params import CARD_OPTIONS as OPTIONS
from cityplatform.sandbox.params import (
    SHIPPING,
    amount,
    anything,
    array,
    boolean,
    either,
    group,
    integer,
    merged,
    metadata,
    text,
)
from cityplatform.sandbox.payments import (
    CARD_OPTIONS,
    CONFIRMABLE,
    cancel,
    card_options,
    choose,
    confirm,
    unexpected,
)
from cityplatform.sandbox.webhooks import emit

CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)
DETAILS = {
    "description": text(unset=True, longest=1000),
    "metadata": metadata(),
    "receipt_email": text(unset=True),
    "setup_future_usage": text("off_session", "on_session", unset=True),
    "shipping": SHIPPING,
    "statement_descriptor": text(longest=22),
    "statement_descriptor_suffix": text(longest=22),
    "transfer_group": text(),
    "application_fee_amount": integer(least=0),
}
CONFIRMING = {
    "capture_method": text("automatic", "automatic_async", "manual"),
    "error_on_requires_action": boolean(),
    "mandate_data": anything(),
    "off_session": either(group(), text("true", "false", "one_off", "recurring")),
    "payment_method": text(),
    "payment_method_options": OPTIONS,
    "payment_method_types": array(text("card")),
    "return_url": text(),
    "use_stripe_sdk": boolean(),
}


@endpoint(
    "POST",
    "/v1/payment_intents",
    amount=amount(required=True),
    currency=text(required=True),
    automatic_payment_methods=group(enabled=boolean(), allow_redirects=text("always", "never")),
    confirm=boolean(),
    confirmation_method=text("automatic", "manual"),
    customer=text(),
    on_behalf_of=text(),
    transfer_data=group(amount=amount(), destination=text(required=True)),
    **DETAILS,
    **CONFIRMING,
)
def create_intent(call: Call) -> Json:
    """Ask a payer for an amount of minor units; with `confirm` at once."""
    intent = new_intent(call, call.params)
    if call.params.get("confirm"):
        chosen = {name: item for name, item in call.params.items() if name != "payment_method"}
        return confirm(call, intent, chosen)
    return intent


def new_intent(call: Call, ask: Json, *, hidden: Json | None = None) -> Json:
    """A payment that waits for its card or its confirmation."""
    code = money.currency(ask["currency"])
    money.chargeable(ask["amount"], code)
    customer = payer(call, ask["customer"])["id"] if "customer" in ask else None
    transfer = ask.get("transfer_data")
    if transfer:
        recipient(call, transfer["destination"], "transfer_data[destination]")
    if ask.get("application_fee_amount") is not None:
        if not transfer and call.account == PLATFORM:
            raise invalid(
                "Can only apply an application_fee_amount when the PaymentIntent is attempting a "
                "direct payment (using an OAuth key or Stripe-Account header) or destination "
                "payment (using `transfer_data[destination]`).",
                param="application_fee_amount",
            )
        if ask["application_fee_amount"] > ask["amount"]:
            raise invalid(
                "Amount must be greater than the application fee.", param="application_fee_amount"
            )
    if "on_behalf_of" in ask:
        recipient(call, ask["on_behalf_of"], "on_behalf_of")
    automatic = ask.get("automatic_payment_methods")
    if automatic is None and "payment_method_types" not in ask:
        automatic = {"enabled": True}
    intent = call.create(
        "pi",
        "payment_intent",
        amount=ask["amount"],
        amount_capturable=0,
        amount_details={"tip": {}},
        amount_received=0,
        application=None,
        application_fee_amount=ask.get("application_fee_amount"),
        automatic_payment_methods={"allow_redirects": "always"} | automatic if automatic else None,
        canceled_at=None,
        cancellation_reason=None,
        capture_method=ask.get("capture_method", "automatic_async"),
        confirmation_method=ask.get("confirmation_method", "automatic"),
        currency=code,
        customer=customer,
        customer_account=None,
        description=ask.get("description"),
        excluded_payment_method_types=None,
        last_payment_error=None,
        latest_charge=None,
        metadata=merged({}, ask.get("metadata")),
        next_action=None,
        on_behalf_of=ask.get("on_behalf_of"),
        payment_method=None,
        payment_method_configuration_details=None,
        payment_method_options={"card": CARD_OPTIONS | card_options(ask)},
        payment_method_types=ask.get("payment_method_types", ["card"]),
        processing=None,
        receipt_email=ask.get("receipt_email"),
        review=None,
        setup_future_usage=ask.get("setup_future_usage"),
        shipping=ask.get("shipping"),
        statement_descriptor=ask.get("statement_descriptor"),
        statement_descriptor_suffix=ask.get("statement_descriptor_suffix"),
        status="requires_payment_method",
        transfer_data=transfer,
        transfer_group=ask.get("transfer_group"),
    )
    intent["client_secret"] = f"{intent['id']}_secret_{secrets.token_hex(12)}"
    call.keep(intent, hidden=hidden)
    if "payment_method" in ask:
        choose(call, intent, ask["payment_method"])
    call.store.save(intent)
    emit(call, "payment_intent.created", intent)
    return intent


def recipient(call: Call, identifier: str, param: str) -> Json:
    return call.at(PLATFORM).refer("account", identifier, param)


@endpoint("GET", "/v1/payment_intents/{id}", client_secret=text())
def retrieve_intent(call: Call) -> Json:
    return call.find("payment_intent")


@listed("/v1/payment_intents", customer=text())
def list_intents(call: Call) -> Json:
    return call.listing("payment_intent", customer=call.params.get("customer"))


@endpoint(
    "POST",
    "/v1/payment_intents/{id}",
    amount=amount(),
    currency=text(),
    customer=text(),
    payment_method=text(),
    payment_method_types=array(text("card")),
    payment_method_options=OPTIONS,
    transfer_data=group(amount=amount()),
    **DETAILS,
)
def update_intent(call: Call) -> Json:
    """Change what is asked for before it is confirmed; words at any time."""
    intent, ask = call.find("payment_intent"), dict(call.params)
    ask.pop("expand", None)
    binding = set(ask) - {"description", "metadata", "receipt_email", "transfer_group"}
    if binding and intent["status"] not in CONFIRMABLE:
        raise unexpected(
            intent,
            "This PaymentIntent's "
            f"{sorted(binding)[0]} could not be updated because it has a status of "
            f"{intent['status']}. You may only update the {sorted(binding)[0]} of a PaymentIntent "
            "with one of the following statuses: requires_payment_method, requires_confirmation, "
            "requires_action.",
        )
    if "metadata" in ask:
        intent["metadata"] = merged(intent["metadata"], ask.pop("metadata"))
    if "customer" in ask:
        intent["customer"] = payer(call, ask.pop("customer"))["id"]
    if "payment_method" in ask:
        choose(call, intent, ask.pop("payment_method"))
    if "currency" in ask:
        intent["currency"] = money.currency(ask.pop("currency"))
    ask.pop("payment_method_options", None)
    if "transfer_data" in ask:
        intent["transfer_data"] = (intent["transfer_data"] or {}) | ask.pop("transfer_data")
    intent |= ask
    money.chargeable(intent["amount"], intent["currency"])
    return call.store.save(intent)


@endpoint(
    "POST",
    "/v1/payment_intents/{id}/confirm",
    **CONFIRMING,
    receipt_email=text(),
    setup_future_usage=text("off_session", "on_session"),
    shipping=SHIPPING,
)
def confirm_intent(call: Call) -> Json:
    """Try the payment now."""
    return confirm(call, call.find("payment_intent"), call.params)


@endpoint(
    "POST",
    "/v1/payment_intents/{id}/capture",
    amount_to_capture=amount(),
    application_fee_amount=integer(least=0),
    final_capture=boolean(),
    metadata=metadata(),
    statement_descriptor=text(longest=22),
    statement_descriptor_suffix=text(longest=22),
    transfer_data=group(amount=amount()),
)
def capture_intent(call: Call) -> Json:
    """Take all or part of what was authorised, once; the rest is let go."""
    intent, ask = call.find("payment_intent"), call.params
    if intent["status"] != "requires_capture":
        raise unexpected(
            intent,
            "This PaymentIntent could not be captured because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following statuses may be "
            "captured: requires_capture.",
        )
    value = int(ask.get("amount_to_capture") or intent["amount_capturable"])
    if value > intent["amount_capturable"]:
        code = intent["currency"]
        raise invalid(
            f"The requested capture amount ({money.words(value, code)}) is greater than the "
            f"authorized amount ({money.words(intent['amount_capturable'], code)}).",
            param="amount_to_capture",
            code="amount_too_large",
        )
    charge = call.refer("charge", intent["latest_charge"], "charge")
    if "application_fee_amount" in ask:
        intent["application_fee_amount"] = charge["application_fee_amount"] = ask[
            "application_fee_amount"
        ]
    if "transfer_data" in ask and intent["transfer_data"]:
        intent["transfer_data"] |= ask["transfer_data"]
        charge["transfer_data"] = intent["transfer_data"]
    charges.take(call, charge, value)
    emit(call, "charge.captured", charge)
    intent |= {
        "amount_capturable": 0,
        "amount_received": value,
        "metadata": merged(intent["metadata"], ask.get("metadata")),
        "status": "succeeded",
    }
    call.store.save(intent)
    call.store.set_due(intent["id"], None)
    emit(call, "payment_intent.succeeded", intent)
    return intent


@endpoint(
    "POST",
    "/v1/payment_intents/{id}/cancel",
    cancellation_reason=text("abandoned", "duplicate", "fraudulent", "requested_by_customer"),
)
def cancel_intent(call: Call) -> Json:
    """Let go of what was authorised, or of a payment not made yet."""
    intent = call.find("payment_intent")
    if intent["status"] not in CANCELABLE:
        raise unexpected(
            intent,
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. "
            "Only a PaymentIntent with one of the following statuses may be canceled: "
            f"{', '.join(CANCELABLE)}.",
        )
    return cancel(call, intent, call.params.get("cancellation_reason"))
