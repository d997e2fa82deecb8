"""What happens when a payment is confirmed: authorised, captured, to be approved, or declined."""

from cityplatform.sandbox import cards, charges
from cityplatform.sandbox.customers import attach
from cityplatform.sandbox.endpoints import Call
from cityplatform.sandbox.errors import Json, StripeError, invalid
from cityplatform.sandbox.webhooks import emit

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
CARD_OPTIONS: Json = {
    "installments": None,
    "mandate_options": None,
    "network": None,
    "request_three_d_secure": "automatic",
}


def card_options(ask: Json) -> Json:
    """Of the options for cards, whether the holder must approve."""
    given = (ask.get("payment_method_options") or {}).get("card") or {}
    name = "request_three_d_secure"
    return {name: given[name]} if name in given else {}


def choose(call: Call, intent: Json, identifier: str) -> Json:
    """The card this payment will be made with."""
    method = cards.find_method(call, identifier)
    cards.usable(call, method, intent["customer"], "PaymentIntent")
    intent["payment_method"] = method["id"]
    intent["status"] = "requires_confirmation"
    return method


def unexpected(intent: Json, message: str) -> StripeError:
    return invalid(message, code="payment_intent_unexpected_state", payment_intent=intent)


def confirm(call: Call, intent: Json, ask: Json) -> Json:
    """Ask the bank: authorised, captured, needs the holder's approval, or declined (402)."""
    if intent["status"] == "succeeded":
        raise unexpected(
            intent,
            "You cannot confirm this PaymentIntent because it has already succeeded after being "
            "previously confirmed.",
        )
    if intent["status"] not in CONFIRMABLE:
        raise unexpected(
            intent,
            f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}. "
            "Only a PaymentIntent with one of the following statuses may be confirmed: "
            "requires_confirmation, requires_action.",
        )
    for name in ("capture_method", "receipt_email", "setup_future_usage", "shipping"):
        if name in ask:
            intent[name] = ask[name]
    method = choose(call, intent, ask["payment_method"]) if "payment_method" in ask else None
    if intent["payment_method"] is None:
        raise unexpected(
            intent,
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method or ConfirmationToken.",
        )
    method = method or call.refer("payment_method", intent["payment_method"], "payment_method")
    card = cards.card_of(call, method)
    away = ask.get("off_session") not in (None, "false")
    options = CARD_OPTIONS | card_options(ask) if "payment_method_options" in ask else None
    if options:
        intent["payment_method_options"] = {"card": options}
    intent["last_payment_error"] = None
    if needs_approval(call, intent, method, card):
        if away or ask.get("error_on_requires_action"):
            raise decline(call, intent, method, card, cards.APPROVAL)
        return ask_holder(call, intent, ask.get("return_url"))
    return pay(call, intent, method, card)


def needs_approval(call: Call, intent: Json, method: Json, card: cards.Card) -> bool:
    wish = intent["payment_method_options"]["card"]["request_three_d_secure"]
    if wish in ("any", "challenge") or card.approval == "always":
        return True
    return card.approval == "until_set_up" and not call.store.hidden(method["id"]).get("set_up")


def ask_holder(call: Call, intent: Json, return_url: str | None) -> Json:
    """The holder must approve on the bank's page before anything else."""
    intent["status"] = "requires_action"
    url = call.config.page(f"/approve/{intent['id']}?secret={intent['client_secret']}")
    if return_url:
        intent["next_action"] = {
            "redirect_to_url": {"return_url": return_url, "url": url},
            "type": "redirect_to_url",
        }
    else:
        intent["next_action"] = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"stripe_js": url, "type": "three_d_secure_redirect"},
        }
    call.store.save(intent)
    emit(call, "payment_intent.requires_action", intent)
    return intent


def pay(call: Call, intent: Json, method: Json, card: cards.Card) -> Json:
    """Authorise, and capture at once unless that is to be done by hand."""
    if card.decline:
        raise decline(call, intent, method, card, card.decline)
    charge = charges.new_charge(call, intent, method, card)
    intent |= {"latest_charge": charge["id"], "next_action": None, "last_payment_error": None}
    if intent["customer"] and intent["setup_future_usage"]:
        call.store.hide(method["id"], set_up=True)
        attach(call, method, {"id": intent["customer"]})
    elif method["customer"] is None:
        call.store.hide(method["id"], spent=True)
    if intent["capture_method"] == "manual":
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        call.store.save(intent)
        call.store.set_due(intent["id"], call.now + charges.AUTHORISED_FOR)
        emit(call, "payment_intent.amount_capturable_updated", intent)
        return intent
    charges.take(call, charge, intent["amount"])
    intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    call.store.save(intent)
    emit(call, "payment_intent.succeeded", intent)
    return intent


def decline(
    call: Call, intent: Json, method: Json, card: cards.Card, why: cards.Decline
) -> StripeError:
    """Remember the failed try, and the 402 that tells of it."""
    charge = charges.new_charge(call, intent, method, card, declined=why)
    error = cards.refusal(why, keep=True, charge=charge["id"], payment_method=method)
    intent |= {
        "last_payment_error": dict(error.body),
        "latest_charge": charge["id"],
        "next_action": None,
        "payment_method": None,
        "status": "requires_payment_method",
    }
    if method["customer"] is None:
        call.store.hide(method["id"], spent=True)
    call.store.save(intent)
    emit(call, "payment_intent.payment_failed", intent)
    error.body["payment_intent"] = intent
    return error


def answered(call: Call, intent: Json, *, approved: bool) -> Json:
    """The holder approved or refused on the bank's page."""
    method = call.refer("payment_method", intent["payment_method"], "payment_method")
    card = cards.card_of(call, method)
    if approved:
        return pay(call, intent, method, card)
    intent |= {
        "last_payment_error": cards.refusal(
            cards.Decline(
                "payment_intent_authentication_failure",
                "",
                "We are unable to authenticate your payment method. Please choose a different "
                "payment method and try again.",
            ),
            payment_method=method,
        ).body
        | {"type": "invalid_request_error"},
        "next_action": None,
        "payment_method": None,
        "status": "requires_payment_method",
    }
    call.store.save(intent)
    emit(call, "payment_intent.payment_failed", intent)
    return intent


def cancel(call: Call, intent: Json, reason: str | None) -> Json:
    """Cancelled; an uncaptured charge shows as wholly given back."""
    if intent["status"] == "requires_capture":
        charge = call.refer("charge", intent["latest_charge"], "charge")
        charge |= {"amount_refunded": charge["amount"], "refunded": True}
        call.store.save(charge)
        emit(call, "charge.expired" if reason == "automatic" else "charge.refunded", charge)
    intent |= {
        "amount_capturable": 0,
        "canceled_at": call.now,
        "cancellation_reason": reason,
        "next_action": None,
        "status": "canceled",
    }
    call.store.save(intent)
    call.store.set_due(intent["id"], None)
    emit(call, "payment_intent.canceled", intent)
    return intent
