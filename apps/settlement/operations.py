"""Settlement: once a night every provider is paid what was booked for them, and told why."""

import logging
from datetime import date, datetime
from uuid import UUID, uuid4

from django.db import transaction

from apps.audit import operations as audit
from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.kernel.money import Money
from apps.ledger import operations as ledger
from apps.ledger import queries as books
from apps.ledger.models import Account, Entry, Journal
from apps.payments import operations as payments
from apps.payments.models import Transfer
from apps.places.models import City
from apps.settlement import queries
from apps.settlement.models import Night, Payout
from apps.settlement.queries import payable

SETTLEMENT = Actor.system("settlement")
IN_TRANSIT = "payouts:in-transit"
# Local hour from which a city's night can be settled.
AFTER_HOUR = 3

State = Payout.State

logger = logging.getLogger(__name__)


class NotPossible(Exception):
    """The payout is not in a state in which this can be done."""


class SettledSince(Exception):
    """The returned money is part of a later payout already: paying it again would pay it twice."""


def settle_all(*, at: datetime) -> list[Payout]:
    """Settle with everybody, in every city, for the day it is there.  Return today's payouts.

    Raises `audit.NotSealed`.
    """
    cities = City.objects.order_by("pk")
    return [payout for city in cities for payout in _settle_city(city, at)[0]]


def settle_due(*, at: datetime) -> list[Payout]:
    """Settle the cities where the night has come and that are not settled yet.

    A night that was missed, because nothing ran or nothing was sealed, is made up for as soon as
    it can be.  Raises `audit.NotSealed`.
    """
    made: list[Payout] = []
    for city in City.objects.order_by("pk"):
        there = at.astimezone(city.zone_info)
        if there.hour < AFTER_HOUR or Night.objects.filter(city=city, day=there.date()).exists():
            continue
        payouts, is_whole = _settle_city(city, at)
        made += payouts
        if is_whole:
            Night.objects.get_or_create(city=city, day=there.date(), defaults={"settled_at": at})
    return made


def _settle_city(city: City, at: datetime) -> tuple[list[Payout], bool]:
    """One provider's trouble is nobody else's; the second value says that there was none."""
    day = at.astimezone(city.zone_info).date()
    made: list[Payout] = []
    is_whole = True
    for provider_id in queries.providers_to_settle(city):
        try:
            payout = settle(
                provider_id=provider_id, currency=city.currency, day=day, by=SETTLEMENT, at=at
            )
        except audit.NotSealed:
            raise  # nobody else can be paid either
        except Exception:
            logger.exception("provider %s could not be settled with", provider_id)
            is_whole = False
        else:
            made += [payout] if payout else []
    return made, is_whole


@transaction.atomic
def settle(*, provider_id: int, currency: str, day: date, by: Actor, at: datetime) -> Payout | None:
    """Pay a provider everything booked for them since their last payout.

    Once a day: again on that day it returns that day's payout.  None when there is nothing to
    pay; what a provider owes stays on the account and is taken from what they earn next.  Raises
    `audit.NotSealed` while nothing has been sealed for hours: no money leaves without proof.
    """
    audit.require_sealed(at=at)
    # Nobody books on this account until we commit, and what was booked is there to be seen:
    # `ledger_post` locks an account before an entry on it takes its id.
    account = Account.objects.select_for_update().filter(
        code=payable(provider_id), currency=currency
    )
    if account.first() is None:
        return None
    payouts = Payout.objects.filter(provider=provider_id, currency=currency)
    if before := payouts.filter(day=day).first():
        return before
    last = payouts.order_by("-last_entry").first()
    after = last.last_entry if last else 0
    due = -books.balance(payable(provider_id), currency, after=after)
    if due.minor <= 0:
        return None
    ref = uuid4()
    journal = _book_payout(f"payout:{ref}", provider_id, due, ref, by, at)
    payout = Payout.objects.create(
        ref=ref,
        provider_id=provider_id,
        amount_minor=due.minor,
        currency=currency,
        day=day,
        after_entry=after,
        last_entry=Entry.objects.get(journal=journal, account=account.get()).pk,
        settled_at=at,
    )
    _tell("settled", payout, by, at)
    return payout


@transaction.atomic
def send(*, ref: UUID, by: Actor, at: datetime) -> None:
    """Put a payout that is due on its way, unless an officer was faster and holds it.

    Raises `audit.NotSealed`.
    """
    audit.require_sealed(at=at)
    if Payout.objects.filter(ref=ref, state=State.DUE).update(state=State.SENT):
        payout = Payout.objects.get(ref=ref)
        payments.open_transfer(
            holder=ref, provider_id=payout.provider_id, amount=payout.amount, by=by, at=at
        )
        _tell("sent", payout, by, at)


@transaction.atomic
def note_transfer(*, ref: UUID, by: Actor, at: datetime) -> None:
    """Bring a payout up to what its transfer says: paid, or returned and owed again."""
    payout = Payout.objects.locked().filter(ref=ref, state=State.SENT).first()
    if payout is None:
        return
    transfer = Transfer.objects.get(holder=ref)
    if transfer.state == Transfer.State.SENT:
        payout.state, payout.paid_at, payout.failure = State.PAID, at, ""
        payout.save(update_fields=["state", "paid_at", "failure"])
        _tell("paid", payout, by, at)
    elif transfer.state == Transfer.State.FAILED:
        payout.state, payout.failure = State.FAILED, transfer.refusal
        payout.save(update_fields=["state", "failure"])
        ledger.post(
            key=f"payout-returned:{ref}:{_times(ref, 'payout_returned') + 1}",
            kind="payout_returned",
            about=ref,
            lines=[
                (IN_TRANSIT, payout.amount_minor),
                (payable(payout.provider_id), -payout.amount_minor),
            ],
            currency=payout.currency,
            by=by,
            at=at,
        )
        _tell("returned", payout, by, at)


@transaction.atomic
def hold_payout(*, payout_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Keep a payout from leaving.  Holding it twice is harmless.

    Raises `NotPossible` when it has left already, `ValueError` without a reason.
    """
    _step_in(payout_id, State.DUE, State.HELD, reason)
    _tell("held", Payout.objects.get(pk=payout_id), by, at, reason=reason)


@transaction.atomic
def release_payout(*, payout_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Let a payout go that an officer held.

    Raises `NotPossible` when nobody holds it, and `audit.NotSealed`.
    """
    audit.require_sealed(at=at)
    _step_in(payout_id, State.HELD, State.DUE, reason)
    payout = Payout.objects.get(pk=payout_id)
    _tell("released", payout, by, at, reason=reason)


@transaction.atomic
def retry_payout(*, payout_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Pay once more what the bank returned.

    Raises `SettledSince` when that money is in a later payout, `NotPossible` when the payout did
    not fail or the provider is not owed as much any more, and `audit.NotSealed`.
    """
    audit.require_sealed(at=at)
    payout = Payout.objects.locked().get(pk=payout_id)
    if payout.state != State.FAILED:
        raise NotPossible(payout.state)
    code = payable(payout.provider_id)
    Account.objects.select_for_update().get(code=code, currency=payout.currency)
    if Payout.objects.filter(
        provider=payout.provider_id, currency=payout.currency, last_entry__gt=payout.last_entry
    ).exists():
        raise SettledSince(payout.ref)
    _step_in(payout_id, State.FAILED, State.DUE, reason)
    if -books.balance(code, payout.currency).minor < payout.amount_minor:
        raise NotPossible("less than that is owed now")
    turn = _times(payout.ref, "payout") + 1
    key = f"payout:{payout.ref}:{turn}"
    _book_payout(key, payout.provider_id, payout.amount, payout.ref, by, at)
    _tell("released", payout, by, at, reason=reason)


def _step_in(payout_id: int, before: State, after: State, reason: str) -> None:
    if not reason.strip():
        raise ValueError("an officer who steps in says why")
    there = Payout.objects.filter(pk=payout_id)
    if not there.filter(state=before).update(state=after, reason=reason[:200]):
        state = there.values_list("state", flat=True).first()
        raise NotPossible(f"payout {payout_id} is {state}")


def _book_payout(
    key: str, provider_id: int, amount: Money, ref: UUID, by: Actor, at: datetime
) -> Journal:
    return ledger.post(
        key=key,
        kind="payout",
        about=ref,
        lines=[(payable(provider_id), amount.minor), (IN_TRANSIT, -amount.minor)],
        currency=amount.currency,
        by=by,
        at=at,
    )


def _times(ref: UUID, kind: str) -> int:
    return Journal.objects.filter(about=ref, kind=kind).count()


def _tell(what: str, payout: Payout, by: Actor, at: datetime, **facts: str) -> None:
    bus.publish(
        f"settlement.{what}",
        by=by,
        at=at,
        payout=payout.pk,
        ref=str(payout.ref),
        provider=payout.provider_id,
        **facts,
    )
