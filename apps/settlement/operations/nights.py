"""The night: every provider whose turn it is is paid what was booked for them, and told why."""

import logging
from datetime import date, datetime

from django.db import transaction

from apps.audit import operations as audit
from apps.kernel.actors import Actor
from apps.ledger import operations as ledger
from apps.ledger import queries as books
from apps.places.models import City
from apps.settlement import plans, queries
from apps.settlement.models import Night, Payout, PayoutPlan, Reserve, Shortfall, payable, reserve
from apps.settlement.operations.booking import SETTLEMENT, Kind, lock, pay_provider
from apps.settlement.operations.invoicing import invoice_fees
from apps.settlement.operations.payees import settle_payees

# Local hour from which a city's night can be settled.
AFTER_HOUR = 3

logger = logging.getLogger(__name__)


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
            payout = settle_provider(
                provider_id=provider_id, currency=city.currency, day=day, by=SETTLEMENT, at=at
            )
        except audit.NotSealed:
            raise  # nobody else can be paid either
        except Exception:
            logger.exception("provider %s could not be settled with", provider_id)
            is_whole = False
        else:
            made += [payout] if payout else []
    paid, went_well = settle_payees(city=city, day=day, at=at)
    try:
        _invoice_month(city, day, at)
    except Exception:
        logger.exception("the fees of %s could not be invoiced", city.slug)
        is_whole = False
    return made + paid, is_whole and went_well


def _invoice_month(city: City, day: date, at: datetime) -> None:
    """Invoice last month's fees in the first night of a month that comes to its end.

    One city speaks for its currency, and a month is what it is there: two clocks would have months
    that overlap, and fees in both or in none.
    """
    is_done = Night.objects.filter(city=city, day__gte=day.replace(day=1)).exists()
    if not is_done and City.objects.filter(currency=city.currency, pk__lt=city.pk).first() is None:
        invoice_fees(city=city, day=day, at=at)


@transaction.atomic
def settle_provider(
    *, provider_id: int, currency: str, day: date, by: Actor, at: datetime
) -> Payout | None:
    """One provider's night: release what was kept back long enough, and pay if it is their turn.

    Raises `audit.NotSealed`.
    """
    release_reserves(provider_id=provider_id, currency=currency, day=day, by=by, at=at)
    # Everybody who is owed has a plan from their first night on, for officers to see and set.
    plan, _ = PayoutPlan.objects.get_or_create(provider_id=provider_id, currency=currency)
    payout = None
    if plans.is_due(plan, day):
        payout = settle(provider_id=provider_id, currency=currency, day=day, by=by, at=at)
        PayoutPlan.objects.filter(pk=plan.pk).update(settled_on=day)
    _note_shortfall(provider_id, currency, day)
    return payout


@transaction.atomic
def settle(*, provider_id: int, currency: str, day: date, by: Actor, at: datetime) -> Payout | None:
    """Pay a provider everything booked for them since their last payout, whatever the schedule.

    Once a day: again on that day it returns that day's payout.  None when there is nothing to
    pay, or less than the least payout; what a provider owes stays on the account and is taken
    from what they earn next.  Raises `audit.NotSealed` while nothing has been sealed for hours:
    no money leaves without proof.
    """
    audit.require_sealed(at=at)
    account = lock(payable(provider_id), currency)
    if account is None:
        return None
    nightly = Payout.objects.filter(account=account.code, currency=currency, kind=Kind.NIGHTLY)
    if before := nightly.filter(day=day).first():
        return before
    return pay_provider(
        provider_id=provider_id,
        account=account,
        plan=queries.plan_of(provider_id, currency),
        day=day,
        kind=Kind.NIGHTLY,
        key=None,
        by=by,
        at=at,
    )


@transaction.atomic
def release_reserves(
    *, provider_id: int, currency: str, day: date, by: Actor, at: datetime
) -> list[Reserve]:
    """Give back to a provider what was kept until this day.  Released once."""
    due = Reserve.objects.locked().filter(
        provider=provider_id, currency=currency, released_at=None, until__lte=day
    )
    released = list(due)
    for one in released:
        ledger.post(
            key=f"reserve-released:{one.pk}",
            kind="reserve_released",
            about=one.payout.ref,
            lines=[
                (reserve(provider_id), one.amount_minor),
                (payable(provider_id), -one.amount_minor),
            ],
            currency=currency,
            by=by,
            at=at,
        )
        one.released_at = at
        one.save(update_fields=["released_at"])
    return released


def _note_shortfall(provider_id: int, currency: str, day: date) -> None:
    """Keep since when a provider owes, for officers who are told when it takes long."""
    owed = books.balance(payable(provider_id), currency).minor
    running = Shortfall.objects.filter(provider=provider_id, currency=currency, ended_on=None)
    if owed <= 0:
        running.update(ended_on=day)
    elif not running.update(amount_minor=owed):
        Shortfall.objects.create(
            provider_id=provider_id, currency=currency, amount_minor=owed, since=day
        )
