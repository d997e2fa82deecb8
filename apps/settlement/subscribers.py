"""What follows from a settlement, and from the bank's answers to its transfers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from apps.bus import operations as bus
from apps.kernel.money import Money
from apps.settlement import fees, operations, telling
from apps.settlement.operations import SETTLEMENT


@bus.subscribe("settlement.settled")
@bus.subscribe("settlement.released")
def send(*, ref: str, at: datetime, **_: Any) -> None:
    operations.send(ref=UUID(ref), by=SETTLEMENT, at=at)


NEWS = {
    "settlement.paid": "payout_paid",
    "settlement.returned": "payout_returned",
    "settlement.refused_by_bank": "payout_refused_by_bank",
}


@bus.subscribe("settlement.paid")
@bus.subscribe("settlement.returned")
@bus.subscribe("settlement.refused_by_bank")
def tell_those_who_see_money(*, topic: str, payout: int, at: datetime, **_: Any) -> None:
    telling.tell_team(kind=NEWS[topic], payout_id=payout, by=SETTLEMENT, at=at)


@bus.subscribe("payments.payout_failed")
def note_bank_refusal(
    *, account: str, amount_minor: int, currency: str, error: str, at: datetime, **_: Any
) -> None:
    amount = Money(amount_minor, currency)
    operations.note_bank_refusal(account=account, amount=amount, error=error, by=SETTLEMENT, at=at)


# The bus promises no order, so it is the transfer that says how it went, not the news of it.
@bus.subscribe("payments.transferred")
@bus.subscribe("payments.transfer_failed")
def note_transfer(*, holder: str, at: datetime, **_: Any) -> None:
    operations.note_transfer(ref=UUID(holder), by=SETTLEMENT, at=at)


@bus.subscribe("payments.captured")
@bus.subscribe("payments.refunded")
@bus.subscribe("payments.refund_failed")
def invoice(*, payment: int, at: datetime, **_: Any) -> None:
    operations.invoice_payment(payment_id=payment, by=SETTLEMENT, at=at)


@bus.subscribe("orders.paid_by_others")
def invoice_what_nobody_was_asked_for(*, order: int, at: datetime, **_: Any) -> None:
    operations.invoice_order(order_id=order, by=SETTLEMENT, at=at)


@bus.subscribe("payments.captured")
def note_fee(*, payment: int, at: datetime, **_: Any) -> None:
    fees.note_taken(payment_id=payment, by=SETTLEMENT, at=at)


@bus.subscribe("regulation.case_closed")
def give_fee_back(*, case: int, at: datetime, **_: Any) -> None:
    fees.give_back_when_refused(case_id=case, by=SETTLEMENT, at=at)


@bus.subscribe("payments.refunded")
def note_fee_returned(*, payment: int, at: datetime, **_: Any) -> None:
    fees.note_returned(payment_id=payment, by=SETTLEMENT, at=at)
