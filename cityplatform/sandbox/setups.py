"""Setup intents: a card is kept for later without taking money."""

import secrets

from cityplatform.sandbox import cards
from cityplatform.sandbox.customers import attach, payer
from cityplatform.sandbox.endpoints import Call, endpoint, listed
from cityplatform.sandbox.errors import Json, StripeError, invalid
from cityplatform.sandbox.params import CARD_OPTIONS as OPTIONS
from cityplatform.sandbox.params import (
    anything,
    array,
    boolean,
    group,
    merged,
    metadata,
    text,
)
from cityplatform.sandbox.webhooks import emit

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
CONFIRMING = {
    "mandate_data": anything(),
    "payment_method": text(),
    "payment_method_options": OPTIONS,
    "return_url": text(),
    "use_stripe_sdk": boolean(),
}


@endpoint(
    "POST",
    "/v1/setup_intents",
    automatic_payment_methods=group(enabled=boolean(), allow_redirects=text("always", "never")),
    confirm=boolean(),
    customer=text(),
    description=text(),
    metadata=metadata(),
    payment_method_types=array(text("card")),
    usage=text("off_session", "on_session"),
    **CONFIRMING,
)
def create_setup(call: Call) -> Json:
    """Ask somebody for a card to keep; with `confirm` at once."""
    setup = new_setup(call, call.params)
    if call.params.get("confirm"):
        chosen = {name: item for name, item in call.params.items() if name != "payment_method"}
        return confirm(call, setup, chosen)
    return setup


def new_setup(call: Call, ask: Json, *, hidden: Json | None = None) -> Json:
    """A card to keep that still waits for the card or for its confirmation."""
    automatic = ask.get("automatic_payment_methods")
    if automatic is None and "payment_method_types" not in ask:
        automatic = {"enabled": True}
    setup = call.create(
        "seti",
        "setup_intent",
        application=None,
        automatic_payment_methods={"allow_redirects": "always"} | automatic if automatic else None,
        cancellation_reason=None,
        customer=payer(call, ask["customer"])["id"] if "customer" in ask else None,
        customer_account=None,
        description=ask.get("description"),
        excluded_payment_method_types=None,
        flow_directions=None,
        last_setup_error=None,
        latest_attempt=None,
        mandate=None,
        metadata=merged({}, ask.get("metadata")),
        next_action=None,
        on_behalf_of=None,
        payment_method=None,
        payment_method_configuration_details=None,
        payment_method_options={
            "card": {
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        payment_method_types=ask.get("payment_method_types", ["card"]),
        single_use_mandate=None,
        status="requires_payment_method",
        usage=ask.get("usage", "off_session"),
    )
    setup["client_secret"] = f"{setup['id']}_secret_{secrets.token_hex(12)}"
    call.keep(setup, hidden=hidden)
    if "payment_method" in ask:
        choose(call, setup, ask["payment_method"])
    call.store.save(setup)
    emit(call, "setup_intent.created", setup)
    return setup


def choose(call: Call, setup: Json, identifier: str) -> Json:
    method = cards.find_method(call, identifier)
    cards.usable(call, method, setup["customer"], "SetupIntent")
    setup |= {"payment_method": method["id"], "status": "requires_confirmation"}
    return method


@endpoint("GET", "/v1/setup_intents/{id}", client_secret=text())
def retrieve_setup(call: Call) -> Json:
    return call.find("setup_intent")


@listed("/v1/setup_intents", customer=text(), payment_method=text())
def list_setups(call: Call) -> Json:
    ask = call.params
    return call.listing(
        "setup_intent", customer=ask.get("customer"), payment_method=ask.get("payment_method")
    )


@endpoint("POST", "/v1/setup_intents/{id}/confirm", **CONFIRMING)
def confirm_setup(call: Call) -> Json:
    return confirm(call, call.find("setup_intent"), call.params)


def unexpected(setup: Json, message: str) -> StripeError:
    return invalid(message, code="setup_intent_unexpected_state", setup_intent=setup)


def confirm(call: Call, setup: Json, ask: Json) -> Json:
    """Keep the card, after its holder's approval where the card wants it; 402 when declined."""
    if setup["status"] not in OPEN:
        raise unexpected(
            setup,
            f"You cannot confirm this SetupIntent because it has a status of {setup['status']}. "
            f"Only a SetupIntent with one of the following statuses may be confirmed: "
            f"{', '.join(OPEN)}.",
        )
    if "payment_method" in ask:
        choose(call, setup, ask["payment_method"])
    if setup["payment_method"] is None:
        raise unexpected(
            setup,
            "You cannot confirm this SetupIntent because it's missing a payment method. Update "
            "the SetupIntent with a payment method and then confirm it again.",
        )
    method = call.refer("payment_method", setup["payment_method"], "payment_method")
    card = cards.card_of(call, method)
    if card.decline and not card.saves:
        raise decline(call, setup, method, card.decline)
    if card.approval == "never":
        return finish(call, setup, method)
    url = call.config.page(f"/approve/{setup['id']}?secret={setup['client_secret']}")
    back = ask.get("return_url")
    setup["status"] = "requires_action"
    setup["next_action"] = (
        {"redirect_to_url": {"return_url": back, "url": url}, "type": "redirect_to_url"}
        if back
        else {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"stripe_js": url, "type": "three_d_secure_redirect"},
        }
    )
    call.store.save(setup)
    emit(call, "setup_intent.requires_action", setup)
    return setup


def finish(call: Call, setup: Json, method: Json) -> Json:
    """The card is kept, with its customer if there is one."""
    if setup["customer"]:
        attach(call, method, {"id": setup["customer"]})
    call.store.hide(method["id"], set_up=True)
    setup |= {"last_setup_error": None, "next_action": None, "status": "succeeded"}
    call.store.save(setup)
    emit(call, "setup_intent.succeeded", setup)
    return setup


def decline(call: Call, setup: Json, method: Json, why: cards.Decline) -> StripeError:
    """Remember that the card was refused, and the 402 that tells of it."""
    error = cards.refusal(why, keep=True, payment_method=method)
    setup |= {
        "last_setup_error": dict(error.body),
        "next_action": None,
        "payment_method": None,
        "status": "requires_payment_method",
    }
    call.store.save(setup)
    emit(call, "setup_intent.setup_failed", setup)
    error.body["setup_intent"] = setup
    return error


def answered(call: Call, setup: Json, *, approved: bool) -> Json:
    """The holder approved or refused on the bank's page."""
    method = call.refer("payment_method", setup["payment_method"], "payment_method")
    if approved:
        return finish(call, setup, method)
    why = cards.Decline(
        "setup_intent_authentication_failure",
        "",
        "We are unable to authenticate your payment method. Please choose a different payment "
        "method and try again.",
    )
    decline(call, setup, method, why)
    setup["last_setup_error"]["type"] = "invalid_request_error"
    return call.store.save(setup)


@endpoint(
    "POST",
    "/v1/setup_intents/{id}/cancel",
    cancellation_reason=text("abandoned", "duplicate", "requested_by_customer"),
)
def cancel_setup(call: Call) -> Json:
    setup = call.find("setup_intent")
    if setup["status"] not in OPEN:
        raise unexpected(
            setup,
            f"You cannot cancel this SetupIntent because it has a status of {setup['status']}.",
        )
    setup |= {
        "cancellation_reason": call.params.get("cancellation_reason"),
        "next_action": None,
        "status": "canceled",
    }
    call.store.save(setup)
    emit(call, "setup_intent.canceled", setup)
    return setup
