"""A rider reports what was left in the car, the driver answers, and it comes back or not."""

from datetime import datetime

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor, Kind
from apps.mobility.models import LostItem, LostStep
from apps.mobility.models.lost import OPEN_FOR
from apps.mobility.operations.quoting import VERTICAL
from apps.orders.models import Order

State = LostItem.State
# From where each state may be entered.
ENTERED_FROM = {
    State.NOT_FOUND: [State.REPORTED],
    State.FOUND: [State.REPORTED, State.NOT_FOUND],
    State.RETURNED: [State.FOUND],
    State.WITHDRAWN: [State.REPORTED, State.NOT_FOUND, State.FOUND],
    State.CLOSED: [State.REPORTED, State.NOT_FOUND, State.FOUND],
}


class NothingLost(Exception):
    """There is nothing to report: the ride is not over, or was over a fortnight ago."""


class LostOutOfTurn(Exception):
    """The report has come too far for this, or it is not this person's to say."""


@transaction.atomic
def report_lost(
    *, order_id: int, what: str, place: str, may_call: bool, by: Actor, at: datetime
) -> LostItem:
    """The rider left something in the car, and says whether the driver may call about it.

    While a report of a ride is open, reporting again is the same report.  Raises `NothingLost`,
    and `ValueError` for nothing or for a place that no car has.
    """
    order = Order.objects.locked().select_related("worker").get(pk=order_id, vertical=VERTICAL)
    if by.id != str(order.consumer_id):
        raise LostOutOfTurn
    if order.state != Order.State.COMPLETED or order.ended_at is None or order.worker is None:
        raise NothingLost
    if known := order.lost_items.open().first():
        return known
    if at >= order.ended_at + OPEN_FOR:
        raise NothingLost
    if not what.strip():
        raise ValueError("nothing is lost by nobody saying what")
    item = LostItem.objects.create(
        order=order,
        what=what.strip()[:120],
        place=LostItem.Place(place),
        may_call=may_call,
        reported_at=at,
        closes_at=at + OPEN_FOR,
    )
    _note(item, State.REPORTED, "", by, at)
    return item


@transaction.atomic
def answer_lost(*, item_id: int, way: str, detail: str = "", by: Actor, at: datetime) -> LostItem:
    """The driver has looked: with a way back it was found, without one it was not.

    Twice is harmless; what was not found may be found later.  Raises `LostOutOfTurn`.
    """
    item = _locked(item_id)
    worker = item.order.worker
    if worker is None or by.id != str(worker.user_id):
        raise LostOutOfTurn
    state = State.FOUND if way else State.NOT_FOUND
    return _enter(
        item,
        state,
        by,
        at,
        said=detail.strip(),
        way=LostItem.Way(way) if way else "",
        detail=detail.strip()[:200],
        answered_at=at,
    )


@transaction.atomic
def note_returned(*, item_id: int, by: Actor, at: datetime) -> LostItem:
    """Rider or driver says that it is back.  Twice is harmless.  Raises `LostOutOfTurn`."""
    item = _locked(item_id)
    if by.id not in _sides(item):
        raise LostOutOfTurn
    return _enter(item, State.RETURNED, by, at, closed_at=at)


@transaction.atomic
def withdraw_lost(*, item_id: int, by: Actor, at: datetime) -> LostItem:
    """It was in the rider's other bag.  Twice is harmless.  Raises `LostOutOfTurn`."""
    item = _locked(item_id)
    if by.id != str(item.order.consumer_id):
        raise LostOutOfTurn
    return _enter(item, State.WITHDRAWN, by, at, closed_at=at)


@transaction.atomic
def close_lost(*, item_id: int, reason: str, by: Actor, at: datetime) -> LostItem:
    """An officer closes a report, saying why.  Twice is harmless.  Raises `LostOutOfTurn`."""
    if by.kind not in (Kind.OFFICER, Kind.SYSTEM):
        raise LostOutOfTurn
    said = reason.strip()[:200]
    return _enter(_locked(item_id), State.CLOSED, by, at, said=said, closed_at=at, reason=said)


def close_old_lost(*, at: datetime) -> int:
    """Close what nobody has brought back in fourteen days.  Return how many.

    Each in a transaction of its own; any number may do it at once.
    """
    due = LostItem.objects.open().filter(closes_at__lte=at).order_by("closes_at", "pk")
    by = Actor.system(VERTICAL)
    return sum(_close_old(item_id, by, at) for item_id in list(due.values_list("pk", flat=True)))


@transaction.atomic
def _close_old(item_id: int, by: Actor, at: datetime) -> bool:
    item = _locked(item_id)
    if not item.is_open:
        return False
    _enter(item, State.CLOSED, by, at, closed_at=at)
    return True


def _locked(item_id: int) -> LostItem:
    return LostItem.objects.locked().select_related("order__worker").get(pk=item_id)


def _sides(item: LostItem) -> set[str]:
    worker = item.order.worker
    return {str(item.order.consumer_id), *([str(worker.user_id)] if worker else [])}


def _enter(
    item: LostItem, state: State, by: Actor, at: datetime, *, said: str = "", **fields: object
) -> LostItem:
    if item.state == state:
        return item
    if item.state not in ENTERED_FROM[state]:
        raise LostOutOfTurn(f"{state} from {item.state}")
    item.state = state
    for name, value in fields.items():
        setattr(item, name, value)
    item.save(update_fields=["state", *fields])
    _note(item, state, said, by, at)
    return item


def _note(item: LostItem, state: State, said: str, by: Actor, at: datetime) -> None:
    LostStep.objects.create(item=item, state=state, by=str(by), said=said[:200], taken_at=at)
    told = {"item": item.pk, "ref": item.order.ref, "state": state.value}
    bus.publish(f"mobility.lost_{state.lower()}", by=by, at=at, **told)
