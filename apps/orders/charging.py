"""What an order costs in the end, taken from what its consumer has promised for it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.ledger import operations as ledger
from apps.orders.models import Change, Order
from apps.payments import operations as payments
from apps.payments.models import Payment
from apps.pricing import operations as pricing
from apps.pricing.bounds import SUBSIDY
from apps.pricing.models import Line, Payee, VoucherUse


def promises(order: Order) -> list[Payment]:
    """What was promised for an order: with the order, and with every change that stands."""
    changes = order.changes.filter(state=Change.State.AGREED, holder__isnull=False)
    later = [change.holder for change in changes.order_by("number") if change.holder]
    holders: list[UUID] = [order.basket.ref, *later]
    found = {one.holder: one for one in Payment.objects.filter(holder__in=holders)}
    return [found[holder] for holder in holders if holder in found]


def charged_lines(order: Order) -> list[Line]:
    """The lines of what was charged in the end, or will be."""
    if order.state == Order.State.CANCELLED:
        fee = order.charged_minor or 0
        return [Line("cancel_fee", fee, Payee.PROVIDER)] if fee else []
    return order.quote.price


def charge(order: Order, lines: Sequence[Line], by: Actor, at: datetime) -> None:
    """Take the lines from the promises, the first of them first; give back what is left of them.

    Whoever does it gets their part whatever others pay of the price: what the consumer pays goes to
    the accounts in the order of the lines, then what a voucher pays, as far as the consumer's
    promises do not reach, and the city's subsidy is what they still miss.
    """
    order.charged_minor = left = sum(line.amount for line in lines)
    split = _split(order, [line for line in lines if line.code != SUBSIDY])
    promised = promises(order)
    for promise in promised:
        part = min(left, promise.amount_minor)
        if part:
            taken, split = _first(split, part)
            payments.capture(
                holder=promise.holder,
                amount_minor=part,
                split=taken,
                about=order.ref,
                collected_by=order.provider_id,
                was_paid=order.reason != payments.NOT_PAID,
                by=by,
                at=at,
            )
        else:
            payments.cancel(holder=promise.holder, by=by, at=at)
        left -= part
    if part := pricing.take_voucher(holder=order.ref, needed_minor=left, by=by, at=at):
        taken, split = _first(split, part)
        voucher = VoucherUse.objects.select_related("voucher__city").get(holder=order.ref).voucher
        _pay_out_of(voucher.account, "voucher", order, taken, by, at)
        left -= part
    if left:
        raise payments.TooMuch(f"{order}: {left} more than was promised")
    if split:
        _pay_out_of(f"city:{order.city.slug}:subsidies", "subsidy", order, split, by, at)
    if lines and not promised:
        bus.publish("orders.paid_by_others", by=by, at=at, order=order.pk, ref=order.ref)


def _pay_out_of(
    payer: str,
    kind: str,
    order: Order,
    split: Sequence[tuple[str, int]],
    by: Actor,
    at: datetime,
) -> None:
    """Have an account of the city's or the platform's pay parts of an order."""
    ledger.post(
        key=f"{kind}:{order.ref}",
        kind=kind,
        about=order.ref,
        lines=[
            (payer, sum(minor for _, minor in split)),
            *((account, -minor) for account, minor in split),
        ],
        currency=order.currency,
        by=by,
        at=at,
    )


def _first(
    split: Sequence[tuple[str, int]], amount: int
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """The parts up to an amount, and the rest."""
    taken, rest = [], []
    for account, minor in split:
        part = min(minor, amount)
        amount -= part
        if part:
            taken.append((account, part))
        if minor > part:
            rest.append((account, minor - part))
    return taken, rest


def _split(order: Order, lines: Sequence[Line]) -> list[tuple[str, int]]:
    """Whose account each line goes to, summed, in the order in which they first appear."""
    parts: dict[str, int] = {}
    for line in lines:
        match line.to:
            case Payee.PROVIDER:
                account = f"provider:{order.provider_id}:payable"
            case Payee.PLATFORM:
                account = "platform:fees"
            case Payee.CITY:
                account = f"city:{order.city.slug}:{line.beneficiary or 'fees'}"
            case Payee.TAX:
                account = f"tax:{order.city.slug}:{line.beneficiary or 'vat'}"
        parts[account] = parts.get(account, 0) + line.amount
    return [(account, minor) for account, minor in parts.items() if minor]
