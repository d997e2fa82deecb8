"""Pricing: what a request costs, line by line, frozen so that it cannot change on the way."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.kernel.money import share_of
from apps.listings.models import Listing
from apps.pricing.models import Line, Payee, Quote, Tariff

QUOTE_LASTS = timedelta(minutes=5)


def metered(tariff: Tariff, *, metres: int, seconds: int, waiting: int = 0) -> list[Line]:
    """The lines of a fare by distance and time, in minor units, each rounded half up.

    `waiting` are the seconds for which the car may wait on the way, at the tariff's minute.
    The platform's share is added on top of what the worker gets, and VAT is owed on the
    platform's share alone: carrying passengers is exempt.
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
    platform = share_of(fare, tariff.platform_bp)
    lines += [
        Line("platform", platform, Payee.PLATFORM, rate=tariff.platform_bp),
        Line("vat", share_of(platform, tariff.vat_bp), Payee.TAX, rate=tariff.vat_bp),
        Line("city_fee", tariff.city_fee_minor, Payee.CITY),
    ]
    return [line for line in lines if line.amount or line.code == "start"]


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
    replaces: Quote | None = None,
) -> Quote:
    """Write a price down for five minutes.  Whoever orders by it pays exactly that.

    One that `replaces` another is good for the order of that other, and for nothing else.
    """
    quote = Quote.objects.create(
        bundle=bundle,
        listing=listing,
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
