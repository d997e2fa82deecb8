"""A payer's bank wants the money back: how that stands, and what we say to it."""

from collections.abc import Mapping
from typing import Any

import stripe

from apps.payments.gateway.asking import Asking, translated
from apps.payments.gateway.protocol import DisputeFacts, Movement


class Disputes(Asking):
    def dispute(self, *, reference: str) -> DisputeFacts:
        with translated():
            return _facts(self.stripe.v1.disputes.retrieve(reference))

    def answer_dispute(
        self, *, reference: str, evidence: Mapping[str, str], key: str
    ) -> DisputeFacts:
        told: Any = dict(evidence)
        with translated():
            return _facts(
                self.stripe.v1.disputes.update(
                    reference, {"evidence": told, "submit": True}, {"idempotency_key": key}
                )
            )

    def close_dispute(self, *, reference: str, key: str) -> DisputeFacts:
        with translated():
            return _facts(self.stripe.v1.disputes.close(reference, {}, {"idempotency_key": key}))


def _facts(found: stripe.Dispute) -> DisputeFacts:
    told = found.to_dict()
    details = told.get("evidence_details") or {}
    intent = told.get("payment_intent")
    return DisputeFacts(
        reference=found.id,
        intent=str(intent or ""),
        amount_minor=found.amount,
        currency=found.currency.upper(),
        reason=found.reason,
        status=found.status,
        opened=found.created,
        due_by=int(details.get("due_by") or 0),
        submissions=int(details.get("submission_count") or 0),
        movements=tuple(
            Movement(one["id"], one["amount"], one["fee"], one["currency"].upper())
            for one in told.get("balance_transactions") or []
        ),
    )
