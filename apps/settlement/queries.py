"""Questions about payouts: when a provider is paid, how much, and why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Sum, Window

from apps.kernel.money import Money
from apps.ledger import queries as books
from apps.ledger.models import Account, Entry
from apps.orders.models import Order
from apps.parties.models import Provider
from apps.places.models import City
from apps.settlement import plans
from apps.settlement.models import (
    PREFIX,
    SUFFIX,
    Night,
    Payee,
    Payout,
    PayoutPlan,
    Reserve,
    payable,
)

__all__ = ["payable"]


def providers_to_settle(city: City) -> list[int]:
    """Whom this city settles with, in ascending order: everybody who is owed in its currency.

    Where cities share a currency, a provider's own is the one of their latest order.
    """
    codes = Account.objects.filter(
        code__startswith=PREFIX, code__endswith=SUFFIX, currency=city.currency
    ).values_list("code", flat=True)
    owed = {int(code.removeprefix(PREFIX).removesuffix(SUFFIX)) for code in codes}
    latest = Order.objects.filter(provider=OuterRef("pk"), currency=city.currency)
    homes = dict(
        Provider.objects.filter(pk__in=owed)
        .annotate(home=Subquery(latest.order_by("-placed_at").values("city")[:1]))
        .values_list("pk", "home")
    )
    first = City.objects.filter(currency=city.currency).order_by("pk").first()
    is_first = first is not None and first.pk == city.pk
    return sorted(pk for pk, home in homes.items() if home == city.pk or (is_first and not home))


def city_of(provider: Provider, currency: str) -> City | None:
    """The city on whose clocks a provider is paid."""
    latest = Order.objects.filter(provider=provider, currency=currency).order_by("-placed_at")
    order = latest.select_related("city").first()
    return order.city if order else City.objects.filter(currency=currency).order_by("pk").first()


def city_of_payout(payout: Payout) -> City | None:
    """The city on whose clocks a payout was made."""
    if payout.payee is not None:
        return payout.payee.city
    return city_of(payout.provider, payout.currency) if payout.provider else None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a statement, as the provider sees it: what they get is positive."""

    entry: int
    booked_at: datetime
    kind: str
    amount: Money
    running: Money
    order: Order | None


def entries_of(payout: Payout) -> QuerySet[Entry]:
    """A payout's entries, oldest first: everything but the payout itself."""
    return books.entries(
        payout.account,
        payout.currency,
        after=payout.after_entry,
        upto=payout.last_entry - 1,
    ).annotate(running=-Window(Sum("amount_minor"), order_by=F("pk").asc()))


def lines(entries: Sequence[Entry]) -> list[Line]:
    """The lines of a statement, each with the order that it is about."""
    abouts = {entry.journal.about for entry in entries if entry.journal.about}
    orders: dict[UUID, Order] = {order.ref: order for order in Order.objects.filter(ref__in=abouts)}
    return [
        Line(
            entry=entry.pk,
            booked_at=entry.journal.booked_at,
            kind=entry.journal.kind,
            amount=-entry.amount,
            running=Money(entry.running, entry.currency),  # type: ignore[attr-defined]  # annotated
            order=orders.get(entry.journal.about) if entry.journal.about else None,
        )
        for entry in entries
    ]


@dataclass(frozen=True, slots=True)
class Part:
    """What a statement is made of: so many entries of a kind, and their sum."""

    kind: str
    count: int
    amount: Money


def parts(payout: Payout) -> list[Part]:
    """A statement in short, the kind with the most in it first."""
    return _parts(entries_of(payout), payout.currency)


def _parts(entries: QuerySet[Entry], currency: str) -> list[Part]:
    counts: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    plain = entries.order_by().values("journal__kind")
    for row in plain.annotate(count=Count("pk"), total=Sum("amount_minor")):
        counts[row["journal__kind"]] += row["count"]
        sums[row["journal__kind"]] -= row["total"]
    made = [Part(kind, counts[kind], Money(sums[kind], currency)) for kind in counts]
    return sorted(made, key=lambda part: -part.amount.minor)


@dataclass(frozen=True, slots=True)
class Next:
    """The payout that is growing: what stands on the account, and the day it is paid.

    `amount` is what stands there, `kept` what of it would be kept back, `missing` how much is
    missing to the least payout.  `day` is None where nobody is paid before asking for it.
    """

    amount: Money
    day: date | None
    city: City
    parts: list[Part]
    plan: PayoutPlan
    kept: Money
    missing: Money

    @property
    def payable(self) -> Money:
        """What would be paid now."""
        return self.amount - self.kept

    @property
    def may_ask(self) -> bool:
        return self.payable.minor > 0 and not self.missing


def next_payouts(provider: Provider, at: datetime) -> list[Next]:
    """What a provider is paid next, in each currency in which anything was booked for them."""
    growing: list[Next] = []
    accounts = Account.objects.filter(code=payable(provider.pk)).order_by("currency")
    for currency in accounts.values_list("currency", flat=True):
        city = city_of(provider, currency)
        if city is None:
            continue
        after = last_entry(payable(provider.pk), currency)
        entries = books.entries(payable(provider.pk), currency, after=after)
        made = _parts(entries, currency)
        plan = plan_of(provider.pk, currency)
        due = sum(part.amount.minor for part in made)
        kept = plans.kept(plan, due, earned(entries))
        growing.append(
            Next(
                amount=Money(due, currency),
                day=plans.next_day(plan, at.astimezone(city.zone_info).date()),
                city=city,
                parts=made,
                plan=plan,
                kept=Money(kept, currency),
                missing=Money(plans.missing(plan, due - kept), currency),
            )
        )
    return growing


def last_entry(account: str, currency: str) -> int:
    """Up to which entry an account is settled."""
    payouts = Payout.objects.filter(account=account, currency=currency).order_by("-last_entry")
    return payouts.values_list("last_entry", flat=True).first() or 0


# What a provider earned, as against what came back to them or went from one pocket to the other.
EARNINGS = ("capture", "change", "tip", "subsidy", "voucher", "refund")


def earned(entries: QuerySet[Entry]) -> int:
    """What of these entries was earned, in minor units."""
    found = entries.order_by().filter(journal__kind__in=EARNINGS)
    return -int(found.aggregate(total=Sum("amount_minor"))["total"] or 0)


def plan_of(provider_id: int, currency: str) -> PayoutPlan:
    """A provider's plan, or the one of those who have chosen none: every night."""
    kept = PayoutPlan.objects.filter(provider=provider_id, currency=currency).first()
    return kept or PayoutPlan(provider_id=provider_id, currency=currency)


def reserves(provider: Provider) -> QuerySet[Reserve]:
    """What is kept back of a provider's earnings, the next to be released first."""
    return provider.reserves.filter(released_at=None).order_by("until", "pk")


def accounts_of(payee: Payee) -> list[str]:
    """The codes of a payee's accounts in the city's currency, in the order of their numbers."""
    found = Account.objects.filter(code__startswith=payee.prefix, currency=payee.city.currency)
    return list(found.order_by("pk").values_list("code", flat=True))


def owed_to(payee: Payee) -> list[tuple[str, Money]]:
    """What stands on each account of a payee: positive is owed to them, negative by them."""
    return [(code, -books.balance(code, payee.city.currency)) for code in accounts_of(payee)]


# A night can be settled from three in the morning; when it is not by five, somebody looks.
LATE_FROM = 5


def nights(at: datetime) -> list[tuple[City, bool]]:
    """Every city, and whether its night is late: neither the last one nor this one is settled.

    Until the hour at which today's is late, yesterday's counts.  A city that was never settled is
    late once it has somebody to pay.
    """
    told = []
    for city in City.objects.order_by("pk"):
        there = at.astimezone(city.zone_info)
        day = there.date() if there.hour >= LATE_FROM else there.date() - timedelta(days=1)
        is_late = not Night.objects.filter(city=city, day__gte=day).exists()
        is_old = Night.objects.filter(city=city).exists()
        told.append((city, is_late and (is_old or bool(providers_to_settle(city)))))
    return told
