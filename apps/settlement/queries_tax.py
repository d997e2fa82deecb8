"""What a year of a provider comes to, from the books and the orders alone.

The report has the shape of the European Union's DAC7 (Council Directive (EU) 2021/514, annex V):
per seller and quarter what they were paid or credited, for how many activities, and what was
withheld.  Whatever stands in it is an entry of the ledger about an order.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from apps.ledger.models import Entry
from apps.orders.models import Order
from apps.parties.models import Provider
from apps.places.models import City
from apps.settlement.models import SUFFIX, Payout
from apps.settlement.queries import EARNINGS, providers_to_settle

PLATFORM_FEES = "platform:fees"
QUARTERS = (1, 4, 7, 10)


def fees(city: City, start: datetime, end: datetime) -> dict[int, dict[str, int]]:
    """What the platform kept of each provider's orders and payouts, by kind of journal."""
    found = _of_providers(
        Entry.objects.filter(
            account__code=PLATFORM_FEES,
            currency=city.currency,
            journal__booked_at__gte=start,
            journal__booked_at__lt=end,
        )
    ).exclude(whose=None)
    told: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for row in found.values("whose", "journal__kind").annotate(total=Sum("amount_minor")):
        if row["total"]:
            told[row["whose"]][row["journal__kind"]] = -int(row["total"])
    return dict(told)


def _of_providers(entries: QuerySet[Entry]) -> Any:
    """Entries with the provider whose order, or payout, their journal is about."""
    order = Order.objects.filter(ref=OuterRef("journal__about")).values("provider")[:1]
    payout = Payout.objects.filter(ref=OuterRef("journal__about")).values("provider")[:1]
    return entries.order_by().annotate(whose=Coalesce(Subquery(order), Subquery(payout)))


@dataclass(slots=True)
class Quarter:
    """A quarter of a provider's year, in minor units.

    `consideration` is what they were credited, after fees and taxes; what was withheld beside it.
    """

    consideration: int = 0
    activities: int = 0
    fees: int = 0
    taxes: int = 0


@dataclass(slots=True)
class Year:
    """A provider's year in one currency, quarter by quarter."""

    provider: Provider
    currency: str
    quarters: list[Quarter] = field(default_factory=lambda: [Quarter() for _ in QUARTERS])

    @property
    def sums(self) -> Quarter:
        return Quarter(
            *(
                sum(getattr(one, name) for one in self.quarters)
                for name in ("consideration", "activities", "fees", "taxes")
            )
        )


def year_of(city: City, year: int) -> list[Year]:
    """The year of every provider that the city settles with and that was credited anything."""
    ours = providers_to_settle(city)
    years = {
        one.pk: Year(one, city.currency)
        for one in Provider.objects.filter(pk__in=ours).order_by("pk")
    }
    starts = [datetime.combine(date(year, month, 1), time(), city.zone_info) for month in QUARTERS]
    ends = [*starts[1:], datetime.combine(date(year + 1, 1, 1), time(), city.zone_info)]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        for provider_id, quarter in _quarter(city, start, end).items():
            if provider_id in years:
                years[provider_id].quarters[number] = quarter
    return [one for one in years.values() if one.sums != Quarter()]


def _quarter(city: City, start: datetime, end: datetime) -> dict[int, Quarter]:
    told: defaultdict[int, Quarter] = defaultdict(Quarter)
    entries = _of_providers(
        Entry.objects.filter(
            currency=city.currency, journal__booked_at__gte=start, journal__booked_at__lt=end
        )
    ).exclude(whose=None)
    earned = entries.filter(account__code__endswith=SUFFIX, journal__kind__in=EARNINGS)
    for row in earned.values("whose").annotate(total=Sum("amount_minor")):
        told[row["whose"]].consideration = -int(row["total"])
    captured = earned.filter(journal__kind="capture")
    for row in captured.values("whose").annotate(count=Count("journal__about", distinct=True)):
        told[row["whose"]].activities = row["count"]
    withheld = (
        ("fees", entries.filter(account__code=PLATFORM_FEES)),
        ("taxes", entries.filter(account__code__startswith="tax:")),
        ("taxes", entries.filter(account__code__startswith="city:", journal__kind__in=EARNINGS)
                         .exclude(account__code__endswith=":subsidies")),
    )  # fmt: skip
    for name, found in withheld:
        for row in found.values("whose").annotate(total=Sum("amount_minor")):
            quarter = told[row["whose"]]
            setattr(quarter, name, getattr(quarter, name) - int(row["total"]))
    return dict(told)
