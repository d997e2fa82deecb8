"""Questions to the books.

A balance is what the entries sum to: those before the horizon are summed already, which
`operations.roll_up` does every minute, the few behind it when somebody asks.
"""

from datetime import datetime

from django.db import connection
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from apps.kernel.money import Money
from apps.ledger.models import Account, Entry, Horizon


def entries(code: str, currency: str, after: int = 0, upto: int | None = None) -> QuerySet[Entry]:
    """The entries on an account after one entry's id, up to and with another's, oldest first."""
    found = Entry.objects.filter(
        account__code=code, account__currency=currency, pk__gt=after
    ).select_related("journal")
    if upto is not None:
        found = found.filter(pk__lte=upto)
    return found.order_by("pk")


def balance(code: str, currency: str, after: int = 0, upto: int | None = None) -> Money:
    """What stands on an account: positive is a debit balance, negative is what the city owes.

    With `upto`, as it was when that entry was the last; with `after`, only what came since.
    """
    if not after and upto is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_balance(%s, %s)", [code, currency])
            return Money(int(cursor.fetchone()[0]), currency)
    total = entries(code, currency, after, upto).aggregate(total=Sum("amount_minor"))["total"]
    return Money(int(total or 0), currency)


def balance_at(code: str, currency: str, at: datetime) -> Money:
    """What stood on an account when everything up to a moment was booked."""
    found = Entry.objects.filter(
        account__code=code, account__currency=currency, journal__booked_at__lte=at
    )
    return Money(int(found.aggregate(total=Sum("amount_minor"))["total"] or 0), currency)


def with_balances(accounts: QuerySet[Account]) -> QuerySet[Account]:
    """Accounts with their balances in minor units, as `total`."""
    horizon = Horizon.objects.filter(pk=1).values_list("tx", flat=True).first() or 0
    tail = (
        Entry.objects.filter(account=OuterRef("pk"), tx__gte=horizon)
        .order_by()
        .values("account")
        .annotate(sum=Sum("amount_minor"))
        .values("sum")
    )
    return accounts.annotate(
        total=Coalesce(F("rollup__balance_minor"), 0) + Coalesce(Subquery(tail), 0)
    )


def trial_balance(upto: int | None = None) -> dict[str, dict[str, int]]:
    """Every account's balance in minor units, by currency and code; each currency sums to zero.

    With `upto`, the books as they were when that entry was the last.
    """
    within = Q() if upto is None else Q(entries__pk__lte=upto)
    sums = (
        Account.objects.annotate(total=Sum("entries__amount_minor", filter=within))
        .filter(total__isnull=False)
        .order_by("currency", "code")
        .values_list("currency", "code", "total")
    )
    trial: dict[str, dict[str, int]] = {}
    for currency, code, total in sums:
        trial.setdefault(currency, {})[code] = int(total)
    return trial
