"""Disputes: the holder's bank takes the money back until somebody decides."""

from cityplatform.sandbox import balance
from cityplatform.sandbox.endpoints import Call, endpoint, listed
from cityplatform.sandbox.errors import Json, invalid
from cityplatform.sandbox.params import boolean, group, merged, metadata, text
from cityplatform.sandbox.webhooks import emit

FEE = 1500
TIME_TO_ANSWER = 9 * 86_400


def open_for(call: Call, charge: Json) -> Json:
    """The holder says it was not them."""
    kept = call.create(
        "du",
        "dispute",
        amount=charge["amount_captured"],
        charge=charge["id"],
        currency=charge["currency"],
        enhanced_eligibility_types=[],
        evidence=dict.fromkeys(EVIDENCE.split()) | {"enhanced_evidence": {}},
        evidence_details={
            "due_by": call.now + TIME_TO_ANSWER,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        is_charge_refundable=False,
        metadata={},
        payment_intent=charge["payment_intent"],
        payment_method_details={
            "card": {
                "brand": charge["payment_method_details"]["card"]["brand"],
                "case_type": "chargeback",
                "network_reason_code": "10.4",
            },
            "type": "card",
        },
        reason="fraudulent",
        status="needs_response",
    )
    entry = balance.book(
        call,
        "adjustment",
        -charge["amount_captured"],
        charge["currency"],
        kept["id"],
        fee=FEE,
        description=f"Chargeback withdrawal for {charge['id']}",
    )
    kept["balance_transactions"] = [entry]
    call.keep(kept, due=call.now + TIME_TO_ANSWER)
    charge["disputed"] = True
    call.store.save(charge)
    emit(call, "charge.dispute.created", kept)
    emit(call, "charge.dispute.funds_withdrawn", kept)
    return kept


EVIDENCE = (
    "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure "
    "cancellation_rebuttal customer_communication customer_email_address customer_name "
    "customer_purchase_ip customer_signature duplicate_charge_documentation "
    "duplicate_charge_explanation duplicate_charge_id product_description receipt refund_policy "
    "refund_policy_disclosure refund_refusal_explanation service_date service_documentation "
    "shipping_address shipping_carrier shipping_date shipping_documentation "
    "shipping_tracking_number uncategorized_file uncategorized_text"
)


# Evidence in these words decides at once (stripe.com/docs/testing#evidence).
WINNING, LOSING = "winning_evidence", "losing_evidence"


def stands(call: Call, charge: Json) -> bool:
    """Whether the holder's bank has the money of this charge, for now or for good."""
    found, _ = call.store.find(
        "dispute", account=call.account, where={"charge": charge["id"]}, limit=100
    )
    return any(dispute["status"] != "won" for dispute in found)


@endpoint(
    "POST",
    "/v1/disputes/{id}",
    evidence=group({name: text(longest=20_000, unset=True) for name in EVIDENCE.split()}),
    metadata=metadata(),
    submit=boolean(),
)
def update_dispute(call: Call) -> Json:
    """Keep evidence, and send it to the holder's bank when asked to: once, and before the day."""
    kept, ask = call.find("dispute"), call.params
    if kept["status"] != "needs_response":
        raise invalid("This dispute is not open to evidence any more.")
    if "metadata" in ask:
        kept["metadata"] = merged(kept["metadata"], ask["metadata"])
    kept["evidence"] |= {name: value or None for name, value in ask.get("evidence", {}).items()}
    said = [value for value in kept["evidence"].values() if value and isinstance(value, str)]
    kept["evidence_details"]["has_evidence"] = bool(said)
    if ask.get("submit") and said:
        kept["status"] = "under_review"
        kept["evidence_details"]["submission_count"] += 1
        call.store.set_due(kept["id"], call.now + call.config.review_seconds)
    call.store.save(kept)
    emit(call, "charge.dispute.updated", kept)
    if kept["status"] == "under_review" and kept["evidence"]["uncategorized_text"] in (
        WINNING,
        LOSING,
    ):
        decide(call, kept)
    return kept


def decide(call: Call, kept: Json) -> None:
    """The day has come: who was silent has lost, who answered has won, unless the test says not."""
    call.store.set_due(kept["id"], None)
    losing = kept["evidence"]["uncategorized_text"] == LOSING
    if kept["status"] == "needs_response" or losing:
        kept["evidence_details"]["past_due"] = kept["status"] == "needs_response"
        end(call, kept, "lost")
        return
    entry = balance.book(
        call,
        "adjustment",
        kept["amount"],
        kept["currency"],
        kept["id"],
        description=f"Chargeback reversal for {kept['charge']}",
    )
    kept["balance_transactions"] = [*kept["balance_transactions"], entry]
    end(call, kept, "won")
    emit(call, "charge.dispute.funds_reinstated", kept)


def end(call: Call, kept: Json, status: str) -> None:
    kept["status"] = status
    call.store.save(kept)
    emit(call, "charge.dispute.closed", kept)


@endpoint("GET", "/v1/disputes/{id}")
def retrieve_dispute(call: Call) -> Json:
    return call.find("dispute")


@listed("/v1/disputes", charge=text(), payment_intent=text())
def list_disputes(call: Call) -> Json:
    ask = call.params
    return call.listing(
        "dispute", charge=ask.get("charge"), payment_intent=ask.get("payment_intent")
    )


@endpoint("POST", "/v1/disputes/{id}/close")
def close_dispute(call: Call) -> Json:
    """Accept that the dispute is lost; the money stays with the holder of the card."""
    kept = call.find("dispute")
    if kept["status"] != "needs_response":
        raise invalid("This dispute is already closed.")
    call.store.set_due(kept["id"], None)
    end(call, kept, "lost")
    return kept
