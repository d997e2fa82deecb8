"""Where the money is now, and how long it has been there: all of it summed from entries."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.kernel.money import Money
from apps.ledger.models import Account
from apps.ledger.queries import with_balances
from apps.payments.operations import CLEARING
from apps.treasury.accounts import BANK_IN_TRANSIT, CLEARING_ACCOUNTS, DISPUTES, IN_TRANSIT


@dataclass(frozen=True, slots=True)
class Place:
    """One answer to where the money is: `sign` turns what is owed into a positive sum."""

    name: str
    label: str | Promise
    find: str
    sign: int


PLACES = (
    Place("gateway", _("At the gateway"), CLEARING, 1),
    Place("transit", _("On its way to providers"), IN_TRANSIT, -1),
    Place("sent", _("Sent, and not yet on the gateway's statement"), "bank:payouts", -1),
    Place("to_bank", _("On its way to the city's bank"), BANK_IN_TRANSIT, 1),
    Place("bank", _("At the city's bank"), "bank:city", 1),
    Place("providers", _("Owed to providers"), ":payable", -1),
    Place("reserve", _("Kept back for providers"), ":reserve", -1),
    Place("cash", _("Cash in providers' hands"), ":cash", 1),
    Place("platform", _("The platform's part"), "platform:", -1),
    Place("city", _("The city's part"), "city:", -1),
    Place("tax", _("Taxes"), "tax:", -1),
    Place("vouchers", _("Vouchers"), "vouchers:", -1),
    Place("disputes", _("Taken back while disputed"), DISPUTES, 1),
    Place("fees", _("Kept by the gateway as fees"), "gateway:fees", 1),
    Place("other", _("Elsewhere"), "", 1),
)


def place_of(code: str) -> Place:
    """The place that an account belongs to."""
    for place in PLACES[:-1]:
        is_own = code.startswith("provider:") if place.find.startswith(":") else True
        if is_own and (
            code.endswith(place.find) if place.find[0] == ":" else code.startswith(place.find)
        ):
            return place
    return PLACES[-1]


def standing() -> dict[str, list[tuple[Place, Money]]]:
    """By currency, what stands at each place that has or had anything."""
    sums: dict[str, dict[str, int]] = {}
    for account in with_balances(Account.objects.all()).order_by("currency"):
        here = sums.setdefault(account.currency, {})
        name = place_of(account.code).name
        here[name] = here.get(name, 0) + int(account.total)  # type: ignore[attr-defined]
    return {
        currency: [
            (place, Money(place.sign * here[place.name], currency))
            for place in PLACES
            if place.name in here
        ]
        for currency, here in sums.items()
    }


# Up to so many days, then more.
AGES = (1, 3, 7, 30)


@dataclass(frozen=True, slots=True)
class Aged:
    """What stands open on one clearing account, by how long it has: `AGES`, then older."""

    code: str
    currency: str
    sums: tuple[int, ...]

    @property
    def total(self) -> Money:
        return Money(sum(self.sums), self.currency)

    @property
    def cells(self) -> list[Money]:
        return [Money(minor, self.currency) for minor in self.sums]


@dataclass(frozen=True, slots=True)
class Item:
    """One fact that is open on a clearing account: `about` is what its journals have in common."""

    code: str
    about: str
    amount: Money
    since: datetime
    days: int


# Money at the gateway has no names on it: what came in first has left first, so the balance is
# made of what came last.
FIRST_OUT = """
WITH balance AS MATERIALIZED (
    SELECT id, currency, ledger_balance(code, currency) AS minor
    FROM ledger_account WHERE code = %s
), side AS (
    SELECT balance.currency, journal.booked_at, abs(entry.amount_minor) AS minor,
        sign(balance.minor) AS sign, abs(balance.minor) AS left_over,
        sum(abs(entry.amount_minor)) OVER (
            PARTITION BY balance.id ORDER BY journal.booked_at DESC, entry.id DESC
        ) AS running
    FROM balance
    JOIN ledger_entry entry ON entry.account_id = balance.id
        AND sign(entry.amount_minor) = sign(balance.minor)
    JOIN ledger_journal journal ON journal.id = entry.journal_id
)
SELECT currency, booked_at, (sign * least(minor, left_over - (running - minor)))::bigint
FROM side WHERE running - minor < left_over
"""

# Elsewhere what comes and what goes is about the same thing.
BY_WHAT = """
SELECT account.code, account.currency, coalesce(journal.about::text, journal.key) AS what,
    sum(entry.amount_minor)::bigint, min(journal.booked_at)
FROM ledger_account account
JOIN ledger_entry entry ON entry.account_id = account.id
JOIN ledger_journal journal ON journal.id = entry.journal_id
WHERE account.code = ANY(%s)
GROUP BY account.code, account.currency, what
HAVING sum(entry.amount_minor) <> 0
ORDER BY min(journal.booked_at), what
"""


def items(at: datetime) -> list[Item]:
    """What is open on the clearing accounts but the cards', the oldest first."""
    codes = [code for code in CLEARING_ACCOUNTS if code != CLEARING]
    with connection.cursor() as cursor:
        cursor.execute(BY_WHAT, [codes])
        return [
            Item(code, what, Money(int(minor), currency), since, (at - since).days)
            for code, currency, what, minor, since in cursor.fetchall()
        ]


def ageing(at: datetime, open_items: list[Item] | None = None) -> list[Aged]:
    """What stands open on each clearing account, by age; a row sums to its balance."""
    sums: dict[tuple[str, str], list[int]] = {}

    def add(code: str, currency: str, since: datetime, minor: int) -> None:
        row = sums.setdefault((code, currency), [0] * (len(AGES) + 1))
        row[sum(at - since >= timedelta(days=days) for days in AGES)] += minor

    with connection.cursor() as cursor:
        cursor.execute(FIRST_OUT, [CLEARING])
        for currency, since, minor in cursor.fetchall():
            add(CLEARING, currency, since, int(minor))
    for item in items(at) if open_items is None else open_items:
        add(item.code, item.amount.currency, item.since, item.amount.minor)
    order = {code: place for place, code in enumerate(CLEARING_ACCOUNTS)}
    return [
        Aged(code, currency, tuple(row))
        for (code, currency), row in sorted(
            sums.items(), key=lambda one: (order[one[0][0]], one[0][1])
        )
    ]
