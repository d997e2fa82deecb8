"""What a request costs, line by line, frozen so that it cannot change on the way."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.kernel.money import share_of
from apps.listings.models import Listing
from apps.pricing import levies
from apps.pricing.bounds import fees, held_within, least_pay, subsidies, surge_of
from apps.pricing.models import Line, Payee, Quote, Tariff
from apps.regulation.models import Decision
from apps.regulation.rules import UNBOUND, WHOLE, Bounds

QUOTE_LASTS = timedelta(minutes=5)


def metered(
    tariff: Tariff,
    *,
    metres: int,
    seconds: int,
    waiting: int = 0,
    demand_bp: int = WHOLE,
    bounds: Bounds = UNBOUND,
) -> list[Line]:
    """The lines of a fare by distance and time, in minor units, each rounded half up.

    `waiting` are the seconds for which the car may wait on the way, at the tariff's minute.
    `demand_bp` is how far demand would lift the fare, 10,000 being not at all; the tariff and the
    city's rules say how far it may.  The platform's share is added on top of what the worker
    gets, and VAT is owed on the platform's share alone: carrying passengers is exempt.
    """
    distance = (tariff.per_km_minor * metres + 500) // 1_000
    time = (tariff.per_minute_minor * seconds + 30) // 60
    waits = (tariff.per_minute_minor * waiting + 30) // 60
    fare = tariff.start_minor + distance + time + waits
    lines = [
        Line("start", tariff.start_minor, Payee.PROVIDER),
        Line("distance", distance, Payee.PROVIDER, quantity=metres, rate=tariff.per_km_minor),
        Line("time", time, Payee.PROVIDER, quantity=seconds, rate=tariff.per_minute_minor),
        Line("waiting", waits, Payee.PROVIDER, quantity=waiting, rate=tariff.per_minute_minor),
    ]
    if (missing := tariff.minimum_minor - fare) > 0:
        lines.append(Line("minimum", missing, Payee.PROVIDER))
        fare += missing
    surge = surge_of(tariff, demand_bp, bounds)
    if added := share_of(fare, surge.rate_bp - WHOLE):
        lines.append(Line("surge", added, Payee.PROVIDER, rate=surge.rate_bp, rule=surge.rule))
        fare += added
    due, rule = least_pay(bounds, metres=metres, seconds=seconds)
    if (missing := due - fare) > 0:
        lines.append(Line("least_pay", missing, Payee.PROVIDER, rule=rule))
        fare += missing
    share, rule = min((tariff.platform_bp, ""), bounds.commission or (WHOLE, ""))
    platform = share_of(fare, share)
    lines.append(Line("platform", platform, Payee.PLATFORM, rate=share, rule=rule))
    lines = [line for line in lines if line.amount or line.code == "start"]
    own = (tariff.number, tariff.vertical, tariff.vat_bp, tariff.city_fee_minor)
    return [*lines, *_own_taxes(*own, platform, tariff.valid.lower)]


def bounded(lines: list[Line], bounds: Bounds, *, metres: int = 0, seconds: int = 0) -> list[Line]:
    """The lines of a price, taxes included, held to what the city's rules say of the whole.

    Fees first, then floor and ceiling; of what is left the city pays its subsidies.
    """
    fare = sum(line.amount for line in lines if line.to == Payee.PROVIDER)
    lines = lines + fees(bounds, fare)
    due, _ = least_pay(bounds, metres=metres, seconds=seconds)
    lines += held_within(bounds, lines, due)
    return lines + subsidies(bounds, sum(line.amount for line in lines))


def levied(
    lines: list[Line],
    *,
    rules: Iterable[levies.Rule],
    vertical: str,
    category: str,
    zones: Iterable[str],
    at: datetime,
    metres: int = 0,
    seconds: int = 0,
) -> list[Line]:
    """The lines of a ride or a parcel with the city's taxes and fees on them.

    `at` is the moment at which it happens, on the city's clock; zones are those that it touches,
    the smallest first.  What the price names itself, as a tariff does its VAT, is not asked twice.
    """
    amounts = Counter[str]()
    for line in lines:
        amounts[line.code] += line.amount
    part = levies.Part(at, amounts, metres=metres, seconds=seconds)
    facts = levies.Facts(vertical, (part,), category=category, zones=tuple(zones))
    return lines + levies.due([rule for rule in rules if rule.code not in amounts], facts)


@lru_cache(maxsize=8192)
def _own_taxes(
    number: str, vertical: str, vat_bp: int, city_fee_minor: int, platform: int, at: datetime
) -> tuple[Line, ...]:
    """The VAT and the city's fee that a tariff names itself, as the two rules that they are.

    Kept, because they ask for nothing but the platform's share: neither asks when it is.
    """
    own = [
        levies.Rule(
            number=number,
            code="vat",
            name="",
            shares=(levies.Share(Payee.TAX),),
            kind=levies.Kind.PERCENT,
            rate=vat_bp,
            per=levies.Per.RIDE,
            base=("platform",),
        ),
        levies.Rule(
            number=number,
            code="city_fee",
            name="",
            shares=(levies.Share(Payee.CITY),),
            kind=levies.Kind.AMOUNT,
            rate=city_fee_minor,
            per=levies.Per.RIDE,
        ),
    ]
    ride = levies.Part(at, {"platform": platform})
    return tuple(levies.due(own, levies.Facts(vertical, (ride,))))


@transaction.atomic
def set_tariff(
    *,
    city_id: int,
    vertical: str,
    kind: str,
    number: str,
    prices: Mapping[str, int],
    valid_from: datetime,
    by: Actor,
    at: datetime,
) -> Tariff:
    """Put a tariff in force from a moment on; the one before it ends there.

    `prices` are the amounts and shares of `Tariff`, by field.  Quotes keep the tariff they were
    made under.  Setting the same number again is harmless.  Raises `ValueError` when one
    that begins later is set already.
    """
    same = Tariff.objects.filter(city_id=city_id, vertical=vertical, kind=kind)
    if known := same.filter(number=number).first():
        return known
    if same.filter(valid__startswith__gte=valid_from).exists():
        raise ValueError(f"a tariff for {kind} begins after {valid_from}")
    for before in same.filter(valid__contains=valid_from):
        before.valid = DateTimeTZRange(before.valid.lower, valid_from)
        before.save(update_fields=["valid"])
    tariff = Tariff.objects.create(
        city_id=city_id,
        vertical=vertical,
        kind=kind,
        number=number,
        valid=DateTimeTZRange(valid_from, None),
        **prices,
    )
    bus.publish("pricing.tariff_set", by=by, at=at, tariff=tariff.pk, number=number, kind=kind)
    return tariff


@transaction.atomic
def freeze(
    *,
    bundle: UUID,
    listing: Listing,
    consumer_id: int | None,
    request: dict[str, Any],
    lines: list[Line],
    terms: dict[str, Any],
    tariff: Tariff,
    currency: str,
    by: Actor,
    at: datetime,
    decision: Decision | None = None,
    replaces: Quote | None = None,
) -> Quote:
    """Write a price down for five minutes.  Whoever orders by it pays exactly that.

    One that `replaces` another is good for the order of that other, and for nothing else.
    """
    quote = Quote.objects.create(
        bundle=bundle,
        listing=listing,
        decision=decision,
        consumer_id=consumer_id,
        replaces=replaces,
        request=request,
        lines=Quote.frozen(lines),
        terms=terms,
        tariff=tariff.number,
        total_minor=sum(line.amount for line in lines),
        currency=currency,
        quoted_at=at,
        expires_at=at + QUOTE_LASTS,
    )
    bus.publish("pricing.quoted", by=by, at=at, quote=quote.pk, total_minor=quote.total_minor)
    return quote
