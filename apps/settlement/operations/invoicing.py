"""Invoices and credit notes, each with the number that follows its issuer's last.

What an order cost is invoiced by its provider when it is paid; what comes back is credited.  The
platform invoices its fees to each provider once a month.  A subscriber may hear of things twice and
in any order: it says "look at this order", and what is missing is issued.
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext, override

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.orders.charging import charged_lines, promises
from apps.orders.models import Order
from apps.parties.models import Provider
from apps.payments.models import Attempt, Payment
from apps.payments.operations import NOT_PAID
from apps.places.models import City
from apps.pricing import words as prices
from apps.settlement import plans, queries_tax
from apps.settlement.models import Invoice, InvoiceSeries
from apps.settlement.operations.booking import SETTLEMENT

PLATFORM = "platform"
LETTERS = {Invoice.Kind.INVOICE: "F", Invoice.Kind.CREDIT: "N"}
KEPT = (Payment.State.OPENED, Payment.State.CONFIRM, Payment.State.AUTHORISED)


@transaction.atomic
def issue(
    *,
    key: str,
    kind: Invoice.Kind,
    provider: Provider | None,
    lines: Sequence[dict[str, Any]],
    currency: str,
    day: date,
    by: Actor,
    at: datetime,
    **to: Any,
) -> Invoice:
    """Issue an invoice, or return the one that has this key.

    The series is locked until the transaction ends: a number that is rolled back is given again,
    and the next in line waits.  Raises `ValueError` where the lines sum to nothing.
    """
    issuer = f"provider:{provider.pk}" if provider else PLATFORM
    total = sum(line["minor"] for line in lines)
    if total <= 0:
        raise ValueError(f"{key}: nothing to invoice")
    series: dict[str, Any] = {"issuer": issuer, "letter": LETTERS[kind], "year": day.year}
    InvoiceSeries.objects.get_or_create(**series)
    counter = InvoiceSeries.objects.locked().get(**series)
    if before := Invoice.objects.filter(key=key).first():
        return before
    counter.last += 1
    counter.save(update_fields=["last"])
    invoice = Invoice.objects.create(
        key=key,
        kind=kind,
        provider=provider,
        issuer_name=provider.name if provider else settings.PLATFORM_NAME,
        issuer_tax_id=provider.tax_id if provider else settings.PLATFORM_TAX_ID,
        number=counter.last,
        lines=list(lines),
        total_minor=total,
        currency=currency,
        day=day,
        issued_at=at,
        **series,
        **to,
    )
    bus.publish(
        "settlement.invoiced",
        by=by,
        at=at,
        invoice=invoice.pk,
        number=invoice.code,
        issuer=issuer,
    )
    return invoice


@transaction.atomic
def invoice_order(*, order_id: int, by: Actor, at: datetime) -> Invoice | None:
    """Invoice an order that is paid, and credit what of it was given back.  Harmless twice.

    None while something of it is still promised, and for what nobody paid.
    """
    order = Order.objects.select_related("city", "consumer", "provider", "quote", "basket").get(
        pk=order_id
    )
    paid = promises(order)
    is_over = not any(one.state in KEPT for one in paid)
    # Whose consumer pays nothing is paid by the city, or with a voucher, when it is done.
    is_done = not paid and order.state == Order.State.COMPLETED
    is_paid = is_done or any(one.state == Payment.State.CAPTURED for one in paid)
    if (
        not (is_over and is_paid and order.charged_minor and order.provider)
        or order.reason == NOT_PAID
    ):
        return None
    day = at.astimezone(order.city.zone_info).date()
    to: dict[str, Any] = {
        "consumer": order.consumer,
        "recipient_name": order.consumer.name or order.consumer.email,
        "order": order,
        "provider": order.provider,
        "currency": order.currency,
        "day": day,
        "by": by,
        "at": at,
    }
    with override(order.consumer.language):
        lines = charged_lines(order)
        labels = prices.lines_of(lines, order.currency)
        invoice = issue(
            key=f"order:{order.ref}",
            kind=Invoice.Kind.INVOICE,
            lines=[
                {"label": str(said["label"]), "minor": line.amount, "to": str(line.to.value)}
                for line, said in zip(lines, labels, strict=True)
            ],
            **to,
        )
        refunds = Attempt.objects.filter(
            payment__in=paid, kind=Attempt.Kind.REFUND, succeeded=True, about=order.ref
        )
        for refund in refunds.order_by("pk"):
            line = {"label": gettext("Given back"), "minor": refund.amount_minor, "to": ""}
            issue(
                key=f"refund:{refund.key}",
                kind=Invoice.Kind.CREDIT,
                credits=invoice,
                lines=[line],
                **to,
            )
        _invoice_what_came_back(order, to)
    return invoice


def _invoice_what_came_back(order: Order, to: dict[str, Any]) -> None:
    """Take a credit note back whose refund the gateway could not bring to the payer."""
    notes = {
        note.key.removeprefix("refund:"): note
        for note in order.invoices.filter(kind=Invoice.Kind.CREDIT, key__startswith="refund:")
    }
    for key in Attempt.objects.filter(key__in=notes, succeeded=False).values_list("key", flat=True):
        note = notes[str(key)]
        label = gettext("Not given back after all: %s") % note.code
        issue(
            key=f"refund-failed:{key}",
            kind=Invoice.Kind.INVOICE,
            lines=[{"label": label, "minor": note.total_minor, "to": ""}],
            **to,
        )


def invoice_payment(*, payment_id: int, by: Actor, at: datetime) -> None:
    """Money of this payment moved: look at every order that it is for."""
    about = Attempt.objects.filter(payment=payment_id, about__isnull=False).values("about")
    for order_id in Order.objects.filter(ref__in=about).values_list("pk", flat=True):
        invoice_order(order_id=order_id, by=by, at=at)


def invoice_fees(*, city: City, day: date, at: datetime) -> list[Invoice]:
    """Invoice each provider the platform's fees of the month before, once.

    A month in which more fees were given back than taken is a credit note to the one before.
    """
    begins, ends = plans.last_month(day)
    start, end = (datetime.combine(one, time(), city.zone_info) for one in (begins, ends))
    key = f"fees:{city.currency}:{begins:%Y-%m}"
    is_done = Invoice.objects.filter(key__startswith=f"{key}:").values_list("recipient", flat=True)
    fees = queries_tax.fees(city, start, end)
    issued = []
    for provider in Provider.objects.filter(pk__in=set(fees) - set(is_done)).order_by("pk"):
        made = _invoice_fees(provider, fees[provider.pk], f"{key}:{provider.pk}", city, begins, at)
        issued += [made] if made else []
    return issued


def _invoice_fees(
    provider: Provider, fees: dict[str, int], key: str, city: City, month: date, at: datetime
) -> Invoice | None:
    total = sum(fees.values())
    facts: dict[str, Any] = {
        "key": key,
        "provider": None,
        "recipient": provider,
        "recipient_name": provider.name,
        "recipient_tax_id": provider.tax_id,
        "currency": city.currency,
        "day": at.astimezone(city.zone_info).date(),
        "by": SETTLEMENT,
        "at": at,
    }
    lines = [
        {"label": f"{kind} {month:%Y-%m}", "kind": kind, "month": f"{month:%Y-%m}", "minor": minor}
        for kind, minor in sorted(fees.items())
        if minor
    ]
    if total > 0:
        return issue(kind=Invoice.Kind.INVOICE, lines=lines, **facts)
    before = Invoice.objects.filter(
        recipient=provider, kind=Invoice.Kind.INVOICE, currency=city.currency
    ).order_by("-pk")
    last = before.first()
    if total == 0 or last is None:
        return None
    back = [line | {"minor": -int(str(line["minor"]))} for line in lines]
    return issue(kind=Invoice.Kind.CREDIT, credits=last, lines=back, **facts)
