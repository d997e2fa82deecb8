"""Charges: what a card was asked for, and what was taken."""

from cityplatform.sandbox import balance, cards, disputes, money, transfers
from cityplatform.sandbox.cards import Card, Decline
from cityplatform.sandbox.endpoints import Call, endpoint, listed
from cityplatform.sandbox.errors import Json, invalid
from cityplatform.sandbox.params import merged, metadata, text
from cityplatform.sandbox.webhooks import emit

# A card keeps an authorisation for a week (stripe.com/docs/payments/place-a-hold).
AUTHORISED_FOR = 7 * 86_400


def new_charge(
    call: Call, intent: Json, method: Json, card: Card, *, declined: Decline | None = None
) -> Json:
    """The bank's answer for one try of a payment, nothing captured yet."""
    manual = intent["capture_method"] == "manual" and declined is None
    details = {name: method["card"][name] for name in CARD_FACTS}
    details |= {
        "amount_authorized": None if declined else intent["amount"],
        "authorization_code": None if declined else "482617",
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": None if declined else "101103117788275",
        "overcapture": {
            "maximum_amount_capturable": intent["amount"],
            "status": "unavailable",
        },
        "three_d_secure": None,
    }
    if manual:
        details["capture_before"] = call.now + AUTHORISED_FOR
    outcome = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if declined else "approved_by_network",
        "reason": declined.reason if declined else None,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": "The bank declined the payment." if declined else "Payment complete.",
        "type": "issuer_declined" if declined else "authorized",
    }
    charge = call.create(
        "ch",
        "charge",
        amount=intent["amount"],
        amount_captured=0,
        amount_refunded=0,
        application=None,
        application_fee=None,
        application_fee_amount=intent["application_fee_amount"],
        balance_transaction=None,
        billing_details=method["billing_details"],
        calculated_statement_descriptor="SANDBOX",
        captured=False,
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        disputed=False,
        failure_balance_transaction=None,
        failure_code=declined.code if declined else None,
        failure_message=declined.message if declined else None,
        fraud_details={},
        metadata=dict(intent["metadata"]),
        on_behalf_of=intent["on_behalf_of"],
        outcome=outcome,
        paid=declined is None,
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details={"card": details, "type": "card"},
        radar_options={},
        receipt_email=intent["receipt_email"],
        receipt_number=None,
        receipt_url=None,
        refunded=False,
        review=None,
        shipping=intent["shipping"],
        source_transfer=None,
        statement_descriptor=None,
        statement_descriptor_suffix=intent["statement_descriptor_suffix"],
        status="failed" if declined else "succeeded",
        transfer_data=intent["transfer_data"],
        transfer_group=intent["transfer_group"],
    )
    call.keep(charge, hidden={"card": card.number})
    emit(call, "charge.failed" if declined else "charge.succeeded", charge)
    return charge


CARD_FACTS = (
    "brand",
    "checks",
    "country",
    "exp_month",
    "exp_year",
    "fingerprint",
    "funding",
    "last4",
    "regulated_status",
    "wallet",
)


def take(call: Call, charge: Json, value: int) -> Json:
    """Capture `value` minor units; what was authorised beyond it is let go."""
    card = cards.BY_NUMBER[call.store.hidden(charge["id"])["card"]]
    ready = call.now if card.immediate else call.now + call.config.pending_seconds
    entry = balance.book(
        call,
        "charge",
        value,
        charge["currency"],
        charge["id"],
        fee=money.fee(value, charge["currency"]),
        available_on=ready,
        description=charge["description"],
    )
    charge |= {
        "amount_captured": value,
        "balance_transaction": entry["id"],
        "captured": True,
    }
    charge["payment_method_details"]["card"].pop("capture_before", None)
    call.store.save(charge)
    if charge["transfer_data"] or (charge["application_fee_amount"] and call.account):
        transfers.split(call, charge, ready)
    if card.disputed:
        disputes.open_for(call, charge)
    return charge


@endpoint("GET", "/v1/charges/{id}")
def retrieve_charge(call: Call) -> Json:
    return call.find("charge")


@endpoint(
    "POST",
    "/v1/charges/{id}",
    description=text(unset=True),
    metadata=metadata(),
    transfer_group=text(),
)
def update_charge(call: Call) -> Json:
    charge, ask = call.find("charge"), call.params
    if "metadata" in ask:
        charge["metadata"] = merged(charge["metadata"], ask["metadata"])
    if "description" in ask:
        charge["description"] = ask["description"]
    if "transfer_group" in ask:
        if charge["transfer_group"]:
            raise invalid("The transfer group was already set.", param="transfer_group")
        charge["transfer_group"] = ask["transfer_group"]
    call.store.save(charge)
    emit(call, "charge.updated", charge)
    return charge


@listed("/v1/charges", customer=text(), payment_intent=text(), transfer_group=text())
def list_charges(call: Call) -> Json:
    ask = call.params
    return call.listing(
        "charge",
        customer=ask.get("customer"),
        payment_intent=ask.get("payment_intent"),
        transfer_group=ask.get("transfer_group"),
    )
