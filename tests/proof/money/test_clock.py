"""D13: days of odd lengths, cities that are not on the same day, and clocks that go wrong.

Whatever the clock says, each entry is on exactly one statement and in exactly one of the books'
days, and the sums of both are those of the entries.
"""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.db.models import Sum

from apps.audit import operations as audit
from apps.kernel import clock
from apps.ledger import closing
from apps.ledger import operations as ledger
from apps.ledger.models import Entry, Journal, Period
from apps.parties.models import Provider
from apps.settlement import operations as settlement
from apps.settlement import queries
from apps.settlement.models import Payout
from tests.factories import CITY, CityFactory, ProviderFactory

pytestmark = [
    pytest.mark.proof("--faults"),
    pytest.mark.django_db(transaction=True),
]

# Each with a currency of its own, by which the night finds whom the city settles with.
CITIES = {
    "CLP": "America/Santiago",
    "EUR": "Europe/Madrid",
    "GBP": "Australia/Adelaide",  # half an hour off
    "JPY": "Pacific/Kiritimati",  # fourteen hours ahead
    "USD": "Pacific/Pago_Pago",  # eleven behind: never on Kiritimati's day
}
# Noons around which the day is short, long, added, or the last of its month.
ODD = {
    "a day of 23 hours in Madrid": datetime(2026, 3, 29, tzinfo=UTC),
    "a day of 25 hours in Madrid": datetime(2026, 10, 25, tzinfo=UTC),
    "a day of 25 hours in Chile": datetime(2026, 4, 4, tzinfo=UTC),
    "a day of 23 hours in Chile": datetime(2026, 9, 6, tzinfo=UTC),
    "a leap day": datetime(2028, 2, 29, tzinfo=UTC),
    "a February without one": datetime(2027, 2, 28, tzinfo=UTC),
    "the end of the year": datetime(2026, 12, 31, tzinfo=UTC),
}
EVENTS = count()
SKEWS = (-10, 0, 10)  # minutes


@pytest.fixture
def providers(transactional_db) -> dict[str, Provider]:
    """One in each city, by its currency."""
    for currency, zone in CITIES.items():
        CityFactory(slug=f"city-{currency.lower()}", currency=currency, timezone=zone)
    return {currency: ProviderFactory() for currency in CITIES}


def earn(provider, key: str, at: datetime, currency: str = "CLP") -> Journal:
    return ledger.post(
        key=key,
        kind="capture",
        about=None,
        lines=[("clearing:cards", 100), (queries.payable(provider.pk), -100)],
        currency=currency,
        by=CITY,
        at=at,
    )


def seal(at: datetime) -> None:
    told = {"event": next(EVENTS), "topic": "tests.ticked", "by": CITY, "at": at, "source": "task"}
    audit.keep(events=[told])
    audit.seal_all(at=at)


def settled_on(provider, entry: int) -> list[Payout]:
    return [
        one
        for one in Payout.objects.filter(provider=provider)
        if one.after_entry < entry < one.last_entry
    ]


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_each_entry_is_on_one_statement_and_in_one_day_of_the_books(providers, odd):
    """Three days of half hours, with somebody's clock ten minutes ahead and another's behind."""
    begins = odd - timedelta(days=1)
    for half_hour in range(3 * 48):
        true = begins + timedelta(minutes=30 * half_hour)
        currency = [*CITIES][half_hour % len(CITIES)]
        skew = timedelta(minutes=SKEWS[half_hour % len(SKEWS)])
        earn(providers[currency], f"ride:{half_hour}", true + skew, currency)
        if half_hour % 2:
            # The hour's clockwork, on a machine whose clock is off as well.
            seal(true - skew)
            settlement.settle_due(at=true - skew)
            settlement.settle_due(at=true + skew)
            closing.close_due(at=true - skew)
    over = begins + timedelta(days=5, hours=12)
    for later in (timedelta(), timedelta(hours=6)):  # at some hour it is night nowhere else
        seal(over + later)
        settlement.settle_due(at=over + later)
    closing.close_due(at=over + timedelta(days=1))

    earned = Entry.objects.filter(journal__kind="capture", amount_minor__lt=0)
    assert earned.count() == 3 * 48
    for provider in providers.values():
        mine = earned.filter(account__code=queries.payable(provider.pk))
        assert [len(settled_on(provider, entry.pk)) for entry in mine] == [1] * mine.count()
        paid = Payout.objects.filter(provider=provider)
        assert paid.aggregate(sum=Sum("amount_minor"))["sum"] == 100 * mine.count()
        # One a night of the city's own calendar.
        assert len({one.day for one in paid}) == paid.count()
    days = list(Period.objects.order_by("day"))
    assert [one.day for one in days] == [days[0].day + timedelta(days=n) for n in range(len(days))]
    assert sum(one.journals for one in days) == Journal.objects.count()
    assert sum(one.entries for one in days) == Entry.objects.count()
    for currency in CITIES:
        debits = Entry.objects.filter(currency=currency, amount_minor__gt=0)
        moved = debits.aggregate(sum=Sum("amount_minor"))["sum"]
        assert sum(one.moved.get(currency, 0) for one in days) == moved


def test_a_clock_that_is_behind_books_nothing_on_a_day_that_is_closed(providers):
    """Ten minutes are within the hour of grace; what is later is the next day's."""
    day = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
    earn(providers["CLP"], "first", day + timedelta(hours=12))
    late = day + timedelta(days=1) - timedelta(minutes=5)
    closing.close_due(at=day + timedelta(days=1, minutes=50))
    earn(providers["CLP"], "ten minutes behind", late)
    closing.close_due(at=day + timedelta(days=1, hours=1))
    closed = Period.objects.get()
    assert (closed.day, closed.journals) == (day.date(), 2)
    later = earn(providers["CLP"], "two hours behind", late)
    assert later.booked_at == day + timedelta(days=1)
    closing.close_due(at=day + timedelta(days=2, hours=1))
    assert [one.journals for one in Period.objects.order_by("day")] == [2, 1]
