"""Refunds: money on its way back to the card it came from."""

from cityplatform.sandbox import balance, cards, disputes, money, transfers
from cityplatform.sandbox.endpoints import Call, endpoint, listed
from cityplatform.sandbox.errors import Json, invalid, malformed
from cityplatform.sandbox.params import amount, boolean, merged, metadata, text
from cityplatform.sandbox.webhooks import emit

# Seconds until a bank that does not take a refund says so.
FAILS_AFTER = 3600
REASONS = ("duplicate", "fraudulent", "requested_by_customer")


@endpoint(
    "POST",
    "/v1/refunds",
    charge=text(),
    payment_intent=text(),
    amount=amount(),
    reason=text(*REASONS),
    metadata=metadata(),
    reverse_transfer=boolean(),
    refund_application_fee=boolean(),
)
def create_refund(call: Call) -> Json:
    """Give money back to the card it came from, never more than was captured."""
    ask = call.params
    if ("charge" in ask) == ("payment_intent" in ask):
        raise malformed(
            "One of the following params should be provided for this request: payment_intent or "
            "charge.",
            param="payment_intent",
            code="parameter_missing",
        )
    if "charge" in ask:
        charge = call.refer("charge", ask["charge"], "charge")
    else:
        intent = call.refer("payment_intent", ask["payment_intent"], "payment_intent")
        if not intent["latest_charge"] or intent["status"] != "succeeded":
            raise invalid(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                param="payment_intent",
            )
        charge = call.refer("charge", intent["latest_charge"], "charge")
    if not charge["captured"]:
        raise invalid(
            f"Charge {charge['id']} has not been captured. Cancel its PaymentIntent instead.",
            param="charge",
        )
    left = charge["amount_captured"] - charge["amount_refunded"]
    if disputes.stands(call, charge):
        raise invalid(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    if left == 0:
        raise invalid(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    value = ask.get("amount", left)
    if value > left:
        code = charge["currency"]
        raise invalid(
            f"Refund amount ({money.words(value, code)}) is greater than unrefunded amount on "
            f"charge ({money.words(left, code)})",
            param="amount",
        )
    return give_back(call, charge, value, ask)


def give_back(call: Call, charge: Json, value: int, ask: Json) -> Json:
    refund = call.create(
        "re",
        "refund",
        amount=value,
        charge=charge["id"],
        currency=charge["currency"],
        destination_details={
            "card": {
                "reference": "7262262746163748",
                "reference_status": "available",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        metadata=merged({}, ask.get("metadata")),
        payment_intent=charge["payment_intent"],
        reason=ask.get("reason"),
        receipt_number=None,
        source_transfer_reversal=None,
        status="succeeded",
        transfer_reversal=None,
    )
    del refund["livemode"]
    entry = balance.book(call, "refund", -value, charge["currency"], refund["id"])
    refund["balance_transaction"] = entry["id"]
    if ask.get("reverse_transfer"):
        refund["transfer_reversal"] = transfers.reverse_for(call, charge, refund)
    if ask.get("refund_application_fee"):
        transfers.return_fee(call, charge, value)
    card = cards.BY_NUMBER[call.store.hidden(charge["id"])["card"]]
    call.keep(refund, due=call.now + FAILS_AFTER if card.refund_fails else None)
    before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge["amount_refunded"] += value
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    call.store.save(charge)
    emit(call, "refund.created", refund)
    emit(call, "charge.refunded", charge, before)
    return refund


def fail(call: Call, refund: Json) -> None:
    """The holder's bank does not take it: the money is back with whoever gave it."""
    call.store.set_due(refund["id"], None)
    entry = balance.book(call, "refund_failure", refund["amount"], refund["currency"], refund["id"])
    refund |= {
        "failure_balance_transaction": entry["id"],
        "failure_reason": "expired_or_canceled_card",
        "status": "failed",
    }
    call.store.save(refund)
    charge = call.refer("charge", refund["charge"], "charge")
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    call.store.save(charge)
    emit(call, "refund.failed", refund)
    emit(call, "charge.refund.updated", refund)


@endpoint("GET", "/v1/refunds/{id}")
def retrieve_refund(call: Call) -> Json:
    return call.find("refund")


@endpoint("POST", "/v1/refunds/{id}", metadata=metadata())
def update_refund(call: Call) -> Json:
    refund = call.find("refund")
    refund["metadata"] = merged(refund["metadata"], call.params.get("metadata"))
    emit(call, "refund.updated", refund)
    return call.store.save(refund)


@listed("/v1/refunds", charge=text(), payment_intent=text())
def list_refunds(call: Call) -> Json:
    ask = call.params
    return call.listing(
        "refund", charge=ask.get("charge"), payment_intent=ask.get("payment_intent")
    )


@listed("/v1/charges/{charge}/refunds")
def list_charges_refunds(call: Call) -> Json:
    return call.listing("refund", charge=call.find("charge", "charge")["id"])
