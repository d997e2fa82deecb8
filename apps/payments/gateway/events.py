"""What the gateway tells of its own accord, and how the things stand that it tells of."""

from collections.abc import Iterator
from typing import Any

from apps.payments.gateway.asking import Asking, translated
from apps.payments.gateway.charges import word_for
from apps.payments.gateway.protocol import AccountFacts, IntentFacts, RefundFacts


class Events(Asking):
    def intent(self, *, reference: str) -> IntentFacts:
        with translated():
            found = self.stripe.v1.payment_intents.retrieve(reference)
        facts = found.to_dict()
        error = facts.get("last_payment_error") or {}
        finer = word_for(str(error.get("decline_code")))
        return IntentFacts(
            reference=found.id,
            status=found.status,
            received_minor=found.amount_received,
            refusal=finer if finer != "declined" else word_for(str(error.get("code"))),
            attempt=_attempt(facts),
            # Nobody asked for it: the promise ran out.
            lapsed=found.status == "canceled" and found.cancellation_reason == "automatic",
        )

    def refund_facts(self, *, reference: str) -> RefundFacts:
        with translated():
            found = self.stripe.v1.refunds.retrieve(reference)
        facts = found.to_dict()
        return RefundFacts(
            reference=found.id,
            status=str(found.status),
            failure=str(facts.get("failure_reason") or ""),
            attempt=_attempt(facts),
        )

    def account_facts(self, *, reference: str) -> AccountFacts:
        with translated():
            found = self.stripe.v1.accounts.retrieve(reference)
        wanted = (found.to_dict().get("requirements") or {}).get("currently_due") or []
        return AccountFacts(
            reference=found.id, pays_out=bool(found.payouts_enabled), wanted=tuple(wanted)
        )

    def events(self, *, since: int, account: str = "") -> Iterator[dict[str, Any]]:
        with translated():
            page = self.stripe.v1.events.list(
                {"created": {"gte": since}, "limit": 100},
                {"stripe_account": account} if account else {},
            )
            for event in page.auto_paging_iter():
                told = event.to_dict()
                yield ({**told, "account": account} if account else told)


def _attempt(facts: dict[str, Any]) -> str:
    return str((facts.get("metadata") or {}).get("attempt", ""))
