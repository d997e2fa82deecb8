"""Orders: from a quote to an agreement to a service that was delivered.

`place` and `advance` are the only ways in: five surfaces cannot disagree.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse

from apps.bus import operations as bus
from apps.kernel.actors import Actor, Kind
from apps.kernel.money import Money
from apps.orders import changes, charging, verticals
from apps.orders.models import Basket, Change, Order, Step
from apps.orders.verticals import PAYING, Data, OutOfTurn, StepRefused
from apps.parties.models import Worker
from apps.payments import operations as payments
from apps.payments.queries import owes_cash
from apps.places.queries import district_at
from apps.pricing import operations as pricing
from apps.pricing.models import Line, Quote
from apps.regulation import operations as regulation
from apps.regulation.models import Decision
from apps.regulation.rules import Case

__all__ = [
    "TOLD_LATER",
    "CardsOnly",
    "CashOwed",
    "KeyReused",
    "OutOfTurn",
    "QuoteGone",
    "StepRefused",
    "advance",
    "place",
    "take",
]


# So long after it was taken the city still hears of a step: a valley, a tunnel, an empty battery.
TOLD_LATER = timedelta(minutes=30)
CLOCKS_DIFFER = timedelta(seconds=5)


class KeyReused(Exception):
    """This key was used before, for something else."""


class QuoteGone(Exception):
    """There is no such price any more: it ran out, was used, or was never this consumer's."""


class CardsOnly(Exception):
    """The city does not allow paying in cash, or not for several things at once."""


class CashOwed(Exception):
    """An earlier ride of this consumer was to be paid in cash, and was not."""


def place(
    *,
    key: UUID,
    quote_refs: Sequence[UUID],
    consumer_id: int,
    card_id: int | None,
    by: Actor,
    at: datetime,
    voucher: str = "",
) -> Basket:
    """Ask the city, hold every leg, open the payment, and record the agreement.

    The key becomes the basket's reference: placing it twice is harmless, and `KeyReused`
    says that it came with another request.  Without a card it is paid in cash.  A voucher's code
    has its issuer pay a part of one order.  Raises `QuoteGone`, `CardsOnly` where the city takes
    no cash, `CashOwed`; what the city or an engine has against it, such as `NotPermitted` or
    `nights.Taken`, and what a voucher has (`pricing.NotUsable`), passes through.
    """
    fingerprint = _fingerprint(quote_refs, consumer_id, card_id, voucher)
    refused: Decision | None = None
    try:
        with transaction.atomic():
            if known := Basket.objects.filter(ref=key).first():
                return _same(known, fingerprint)
            quotes = _quotes(quote_refs, consumer_id, at)
            if card_id is None:
                _check_cash(quotes, consumer_id)
                if voucher:
                    # The driver collects what the screen says, and that is the whole price.
                    raise pricing.NotUsable("cards_only")
            cases = [_case(quote, at) for quote in quotes]
            decisions = regulation.decide_all(cases, by=by, at=at)
            refused = next((said for said in decisions if said.refusal), None)
            if refused:
                # One refusal stops the basket; what the others took is given back.
                for said in decisions:
                    regulation.give_back(decision_id=said.pk, by=by, at=at)
            else:
                basket = Basket.objects.create(
                    ref=key, consumer_id=consumer_id, fingerprint=fingerprint, placed_at=at
                )
                placed = [
                    _order(basket, quote, case, decision, by, at)
                    for quote, case, decision in zip(quotes, cases, decisions, strict=True)
                ]
                paid = _by_voucher(placed, voucher, by, at) if voucher else 0
                if total := sum(quote.total_minor for quote in quotes) - paid:
                    payments.open(
                        holder=key,
                        payer_id=consumer_id,
                        card_id=card_id,
                        amount=Money(total, quotes[0].currency),
                        label=placed[0].code,
                        back=reverse("orders:back", args=[placed[0].ref]),
                        by=by,
                        at=at,
                    )
                else:  # the city, or a voucher, pays all of it
                    bus.publish("orders.nothing_to_pay", by=by, at=at, holder=str(key))
    except (IntegrityError, QuoteGone):
        # The same form, sent twice at the same moment; or the same quote, ordered twice.
        if again := Basket.objects.filter(ref=key).first():
            return _same(again, fingerprint)
        if Order.objects.filter(quote__ref__in=quote_refs).exists():
            raise QuoteGone("used") from None
        raise
    if refused:
        # Out here, so that the city's refusal is committed and stays on record.
        raise regulation.NotPermitted.by(refused)
    return basket


@transaction.atomic
def advance(
    *,
    order_id: int,
    step: str,
    by: Actor,
    at: datetime,
    data: Data | None = None,
    heard_at: datetime | None = None,
    key: UUID | None = None,
) -> Order:
    """Take one step of the order's vertical.  Taking it twice is harmless.

    `at` is when it is taken; `heard_at` when the city hears of it, if that is later; `key` names
    this very step, so that one sent again is known even when the order has moved on.

    Raises `OutOfTurn` when the order is not ready for it or it is not this actor's to take,
    and `StepRefused` when what came with it is wrong.
    """
    data = data or {}
    order = Order.objects.locked().select_related("quote", "city", "basket").get(pk=order_id)
    vertical = verticals.get(order.vertical)
    move = vertical.step(step)
    _check_actor(order, move, by)
    if key and Step.objects.filter(order=order, name=step, key=key).exists():
        return order
    if order.stage not in move.sources:
        if order.stage == move.stage:
            return order
        raise OutOfTurn(f"{step} by {by} while {order.stage}")
    if heard_at is not None:
        at = _time_of(order, move, at, heard_at)
    if move.check:
        move.check(order, data, at)

    if "worker" in data:
        worker = Worker.objects.get(pk=data["worker"])
        order.worker, order.provider_id = worker, worker.provider_id
    before, order.state, order.stage = order.state, move.state, move.stage
    order.reason = str(data.get("reason", ""))[:50]
    order.changed_at = at
    if not order.is_live:
        order.ended_at = at
        _settle(order, vertical.charge(order, move, at), by, at)
    if move.legs:
        for leg in vertical.legs:
            getattr(leg.engine, move.legs)(holder=order.ref, by=by, at=at)
    Step.objects.create(
        order=order,
        name=step,
        state=order.state,
        stage=order.stage,
        by=str(by),
        reason=order.reason,
        taken_at=at,
        heard_at=heard_at,
        key=key,
    )
    vertical.stepped(order, move, data, by, at)
    if move.legs == "put_back":
        order.worker = order.provider = None
    order.save()
    topic = "orders.stepped" if order.state == before else f"orders.{order.state.lower()}"
    bus.publish(topic, by=by, at=at, order=order.pk, ref=order.ref, step=step, stage=order.stage)
    return order


def take(
    *,
    ref: UUID,
    step: str,
    by: Actor,
    at: datetime,
    code: str = "",
    reason: str = "",
    seen: str = "",
    taken_at: datetime | None = None,
    key: UUID | None = None,
) -> Order:
    """A person takes a step of an order, with the code or the reason that it asks for.

    `seen` is what their screen said of the order, for verticals in which that may change meanwhile;
    `taken_at` is when they took it, where a phone without a line could not say so at once.
    As `advance`, which raises `OutOfTurn` and `StepRefused`; a refused step is noted by the
    vertical, which may be counting.  Raises `Order.DoesNotExist`.
    """
    order = Order.objects.get(ref=ref)
    try:
        return advance(
            order_id=order.pk,
            step=step,
            by=by,
            at=taken_at or at,
            data={"code": code, "reason": reason, "seen": seen},
            heard_at=at if taken_at else None,
            key=key,
        )
    except StepRefused as no:
        # After the transaction that was refused, so that the note stays.
        vertical = verticals.get(order.vertical)
        vertical.refused(order, vertical.step(step), no.code)
        raise


def _by_voucher(placed: Sequence[Order], code: str, by: Actor, at: datetime) -> int:
    """What a voucher pays of an order, in minor units.  Raises `NotUsable`."""
    if len(placed) > 1:
        raise pricing.NotUsable("not_for_this")
    order = placed[0]
    use = pricing.promise_voucher(
        code=code,
        holder=order.ref,
        person_id=order.consumer_id,
        city_id=order.city_id,
        vertical=order.vertical,
        total_minor=order.total_minor,
        currency=order.currency,
        rest=lambda minor: payments.chargeable(Money(minor, order.currency)).minor,
        by=by,
        at=at,
    )
    return use.promised_minor


def _fingerprint(
    quote_refs: Sequence[UUID], consumer_id: int, card_id: int | None, voucher: str
) -> str:
    asked = [
        sorted(map(str, quote_refs)),
        consumer_id,
        card_id,
        *([pricing.written(voucher)] if voucher else []),
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def _same(basket: Basket, fingerprint: str) -> Basket:
    if basket.fingerprint != fingerprint:
        raise KeyReused
    return basket


def _quotes(refs: Sequence[UUID], consumer_id: int, at: datetime) -> list[Quote]:
    changed = Change.objects.filter(before=OuterRef("pk"))
    quotes = list(
        # A price that changes an order, or was in force before a change, orders nothing else.
        Quote.objects.filter(~Exists(changed), ref__in=refs, replaces=None)
        .select_related("listing__city", "order")
        .order_by("listing__provider_id", "pk")
    )
    if not quotes or len(quotes) != len(set(refs)):
        raise QuoteGone("unknown")
    for quote in quotes:
        if quote.consumer_id not in (None, consumer_id):
            raise QuoteGone("unknown")
        if quote.expires_at <= at:
            raise QuoteGone("expired")
        if hasattr(quote, "order"):
            raise QuoteGone("used")
    if len({quote.currency for quote in quotes}) > 1:
        raise QuoteGone("currencies")
    return quotes


def _check_cash(quotes: Sequence[Quote], consumer_id: int) -> None:
    if len(quotes) > 1 or not quotes[0].listing.city.takes_cash:
        raise CardsOnly
    if owes_cash(consumer_id):
        raise CashOwed


def _case(quote: Quote, at: datetime) -> Case:
    return verticals.get(quote.listing.vertical).case(quote, at)


def _order(
    basket: Basket, quote: Quote, case: Case, decision: Decision, by: Actor, at: datetime
) -> Order:
    vertical = verticals.get(quote.listing.vertical)
    begins = next(iter(case.points.values()), None)
    order = Order.objects.create(
        ref=uuid5(basket.ref, str(quote.ref)),
        basket=basket,
        consumer_id=basket.consumer_id,
        city=quote.listing.city,
        district=district_at(quote.listing.city, begins) if begins else None,
        vertical=vertical.slug,
        listing=quote.listing,
        quote=quote,
        decision=decision,
        total_minor=quote.total_minor,
        currency=quote.currency,
        stage=PAYING,
        placed_at=at,
        changed_at=at,
    )
    vertical.placed(order)
    for leg in vertical.legs:
        leg.engine.hold(
            leg.asks(quote), holder=order.ref, until=vertical.held_until(quote, at), by=by, at=at
        )
    bus.publish("orders.placed", by=by, at=at, order=order.pk, ref=order.ref, stage=PAYING)
    return order


def _check_actor(order: Order, move: verticals.Step, by: Actor) -> None:
    match by.kind:
        case Kind.CONSUMER:
            is_theirs = by.id == str(order.consumer_id)
        case Kind.WORKER:
            is_theirs = order.worker is not None and by.id == str(order.worker.user_id)
        case _:
            is_theirs = True
    if by.kind not in move.by or not is_theirs:
        raise OutOfTurn(f"{move.name} is not for {by} to take")


def _time_of(
    order: Order, move: verticals.Step, taken_at: datetime, heard_at: datetime
) -> datetime:
    """When a step was taken that the city hears of later.

    Raises `StepRefused` for a time at which it cannot have been, or that is too long ago.  Clocks
    differ by a little: so little is put right.
    """
    if not move.may_be_told_later:
        raise StepRefused("not_later")
    if taken_at > heard_at + CLOCKS_DIFFER:
        raise StepRefused("in_the_future")
    if taken_at < heard_at - TOLD_LATER:
        raise StepRefused("too_old")
    last = order.steps.order_by("-pk").values_list("taken_at", flat=True).first()
    if last and taken_at < last - CLOCKS_DIFFER:
        raise StepRefused("before_the_last_step")
    return max(min(taken_at, heard_at), last or taken_at)


def _settle(order: Order, lines: Sequence[Line], by: Actor, at: datetime) -> None:
    """Charge what is owed in the end, and give back what the city had counted for nothing."""
    # Before the legs, as in `place`: whoever locks in two orders waits for ever.
    is_over = order.state == Order.State.COMPLETED
    regulation.give_back(decision_id=order.decision_id, is_over=is_over, by=by, at=at)
    changes.lapse(order, by, at)
    charging.charge(order, lines, by, at)
