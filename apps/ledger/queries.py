"""Questions to the books.  Balances are summed from the entries, never kept beside them."""

from django.db.models import Q, QuerySet, Sum

from apps.kernel.money import Money
from apps.ledger.models import Account, Entry


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
    total = entries(code, currency, after, upto).aggregate(total=Sum("amount_minor"))["total"]
    return Money(int(total or 0), currency)


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
