"""Taking money and giving it back."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import stripe

from apps.kernel.money import Money
from apps.payments.gateway.asking import Asking, attempt_of, translated
from apps.payments.gateway.protocol import Answer, Confirm, NotUnderstood

# Nobody confirmed in time; the payer said no on their bank's page, or was not who they should be.
UNCONFIRMED = "unconfirmed"
REJECTED = "rejected"


class Charges(Asking):
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
        # Either the payer is there to be led to their bank's page, or nobody is.
        there: Any = (
            {"payment_method_types": ["card"], "return_url": back}
            if back
            else {
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                "off_session": True,
            }
        )
        with translated():
            try:
                intent = self.stripe.v1.payment_intents.create(
                    there
                    | {
                        "amount": amount.minor,
                        "currency": amount.currency.lower(),
                        "customer": customer,
                        "payment_method": card,
                        "capture_method": "manual",
                        "confirm": True,
                        "transfer_group": holder,
                        "metadata": {"attempt": key, "holder": holder, "order": label or holder},
                        "expand": ["latest_charge"],
                    },
                    {"idempotency_key": key},
                )
            except stripe.CardError as error:
                refused = getattr(error.error, "payment_intent", None)
                return Answer(False, refused["id"] if refused else "", word_for(_reason(error)))
            if intent.status == "requires_capture":
                return Answer(True, intent.id, holds_until=_held_until(intent))
            if back and intent.status == "requires_action":
                return self._wanted(intent)
            # The bank wants the payer to confirm, and nobody is there.
            self.cancel(reference=intent.id, key=f"{key}:unconfirmed")
            return Answer(False, intent.id, "needs_confirmation")

    def confirmed(self, *, reference: str, key: str) -> Answer | Confirm:
        with translated():
            intent = self.stripe.v1.payment_intents.retrieve(
                reference, {"expand": ["latest_charge"]}
            )
            match intent.status:
                case "requires_capture":
                    return Answer(True, intent.id, holds_until=_held_until(intent))
                case "requires_action":
                    return self._wanted(intent)
                case "canceled":
                    return Answer(False, intent.id, _why_not(intent))
                case "requires_payment_method":
                    # The payer has the intent's secret: nothing is to be left that they could pay.
                    self.cancel(reference=intent.id, key=f"{key}:refused")
                    return Answer(False, intent.id, _why_not(intent))
        raise NotUnderstood(f"the payer's confirmation left {intent.status}")

    def capture(self, *, reference: str, amount: Money, key: str) -> Answer:
        with translated():
            try:
                intent = self.stripe.v1.payment_intents.capture(
                    reference,
                    {"amount_to_capture": amount.minor},
                    {"idempotency_key": key},
                )
            except stripe.InvalidRequestError as error:
                intent = self._as_it_stands(reference, error)
            if intent.status == "succeeded" and intent.amount_received == amount.minor:
                return Answer(True, reference)
            if intent.status == "canceled":
                return Answer(False, reference, "lapsed")
            raise NotUnderstood(f"capture left {intent.status}, {intent.amount_received}")

    def cancel(self, *, reference: str, key: str) -> Answer:
        with translated():
            try:
                intent = self.stripe.v1.payment_intents.cancel(
                    reference, {}, {"idempotency_key": key}
                )
            except stripe.InvalidRequestError as error:
                intent = self._as_it_stands(reference, error)
            if intent.status == "canceled":
                return Answer(True, reference)
            raise NotUnderstood(f"cancel left {intent.status}")

    def refund(self, *, reference: str, amount: Money, key: str) -> Answer:
        with translated():
            # A key is forgotten after a day; what it did is not, and a part could be given twice.
            made = self._earlier(reference, key)
            if made is None:
                try:
                    made = self.stripe.v1.refunds.create(
                        {
                            "payment_intent": reference,
                            "amount": amount.minor,
                            "metadata": {"attempt": key},
                        },
                        {"idempotency_key": key},
                    )
                except stripe.InvalidRequestError as error:
                    if error.code == "charge_disputed":
                        return Answer(False, "", "disputed")
                    raise
            if made.status in ("succeeded", "pending"):
                return Answer(True, made.id)
            return Answer(False, made.id, str(made.failure_reason or made.status))

    def _earlier(self, reference: str, key: str) -> stripe.Refund | None:
        """The refund that this attempt made already."""
        refunds = self.stripe.v1.refunds.list({"payment_intent": reference, "limit": 100})
        for one in refunds.auto_paging_iter():
            if attempt_of(one.metadata) == key:
                return one
        return None

    def _wanted(self, intent: stripe.PaymentIntent) -> Confirm:
        """Where the payer confirms; never an address to which the bank itself would not lead."""
        action: Any = intent.next_action
        redirect = getattr(action, "redirect_to_url", None)
        page = str(redirect.url or "") if redirect else ""
        there = urlsplit(page)
        host = there.hostname or ""
        is_stripes = there.scheme == "https" and f".{host}".endswith(".stripe.com")
        # A server that speaks like Stripe has its pages where it says, which is never production.
        if not (is_stripes or (self.base and there.scheme in ("http", "https") and host)):
            raise NotUnderstood("the bank names no page of its own for the payer's confirmation")
        return Confirm(intent.id, page)

    def _as_it_stands(
        self, reference: str, error: stripe.InvalidRequestError
    ) -> stripe.PaymentIntent:
        """The intent itself, when it is past the state in which it was asked something."""
        if error.code != "payment_intent_unexpected_state":
            raise error
        return self.stripe.v1.payment_intents.retrieve(reference)


def _held_until(intent: stripe.PaymentIntent) -> datetime | None:
    """When the bank lets go of what it has promised."""
    charge = intent.to_dict().get("latest_charge")
    card = (charge.get("payment_method_details") or {}).get("card") if charge else None
    moment = (card or {}).get("capture_before")
    return datetime.fromtimestamp(moment, UTC) if moment else None


def _why_not(intent: stripe.PaymentIntent) -> str:
    """Why a promise came to nothing for which the bank wanted to hear from the payer."""
    error = intent.to_dict().get("last_payment_error")
    if not error:
        return UNCONFIRMED
    finer = word_for(str(error.get("decline_code")))
    return finer if finer != "declined" else word_for(str(error.get("code")))


def _reason(error: stripe.CardError) -> str:
    detail: Any = error.error
    finer = str(getattr(detail, "decline_code", None) or "")
    return finer if word_for(finer) != "declined" else str(error.code)


def word_for(reason: str) -> str:
    """Our word for why the bank said no.  Whether a card was stolen is not ours to tell."""
    words = {
        "insufficient_funds": "insufficient_funds",
        "expired_card": "expired",
        "authentication_required": "needs_confirmation",
        "payment_intent_authentication_failure": REJECTED,
        "incorrect_cvc": "wrong_details",
        "incorrect_number": "wrong_details",
        "invalid_expiry_month": "wrong_details",
        "invalid_expiry_year": "wrong_details",
    }
    return words.get(reason, "declined")
