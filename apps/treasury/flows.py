"""Where each euro went: what was taken in a time, followed to where it is today.

It follows the journals of those captures and whatever was booked later about the same orders, so
that nothing is counted that belongs to other days.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.kernel.money import Money
from apps.places.models import City

FOLLOWED = """
WITH taken AS (
    SELECT journal.id, journal.about, row_number() OVER (ORDER BY journal.id) AS number,
        count(*) OVER () AS total
    FROM ledger_journal journal
    WHERE journal.booked_at >= %(since)s AND journal.booked_at < %(until)s
        AND journal.key LIKE 'capture:%%'
        AND (journal.about IN (SELECT ref FROM orders_order WHERE city_id = %(city)s)
            OR EXISTS (
                SELECT FROM ledger_entry entry
                JOIN ledger_account account ON account.id = entry.account_id
                WHERE entry.journal_id = journal.id
                    AND (account.code LIKE %(city_codes)s OR account.code LIKE %(tax_codes)s)))
), capture AS (
    SELECT id, about FROM taken WHERE number <= total - total %% %(by)s
), journal AS (
    SELECT id, 'capture' AS kind FROM capture
    UNION
    SELECT later.id, later.kind FROM ledger_journal later
    JOIN capture ON capture.about = later.about
    WHERE later.key NOT LIKE 'capture:%%'
)
SELECT journal.kind,
    CASE
        WHEN account.code ~ '^provider:[0-9]+:payable$' THEN 'provider'
        WHEN account.code ~ '^provider:[0-9]+:cash$' THEN 'cash'
        WHEN account.code ~ '^provider:[0-9]+:reserve$' THEN 'reserve'
        ELSE split_part(account.code, ':', 1)
    END AS place,
    entry.amount_minor < 0 AS is_credit,
    coalesce(payout.state, '') AS payout,
    sum(entry.amount_minor)::bigint
FROM journal
JOIN ledger_entry entry ON entry.journal_id = journal.id
JOIN ledger_account account ON account.id = entry.account_id
LEFT JOIN settlement_payout payout
    ON payout.account = account.code AND payout.currency = entry.currency
    AND payout.state <> 'FAILED'
    AND entry.id > payout.after_entry AND entry.id <= payout.last_entry
WHERE entry.currency = %(currency)s
GROUP BY 1, 2, 3, 4
"""


@dataclass(frozen=True, slots=True)
class Flow:
    """So much went from one place to another; `rows` names the admin's list that has it."""

    source: str
    target: str
    amount: Money
    rows: str


# The places in the order of the picture, by column.
LABELS: dict[str, str | Promise] = {
    "card": _("Paid by card"),
    "cash": _("Paid in cash"),
    "elsewhere": _("Vouchers and others"),
    "provider": _("Providers"),
    "platform": _("Platform"),
    "city": _("City"),
    "tax": _("Taxes"),
    "other": _("Others"),
    "paid": _("Paid out"),
    "way": _("On its way"),
    "kept": _("Kept in cash"),
    "reserve": _("Kept back"),
    "owed": _("Still owed"),
    "refunded": _("Refunded"),
    "fees": _("Gateway's fees"),
    "stays": _("Stays there"),
}
COLUMNS = (
    ("card", "cash", "elsewhere"),
    ("provider", "platform", "city", "tax", "other"),
    ("paid", "way", "kept", "reserve", "owed", "stays", "refunded", "fees"),
)
SHARES = COLUMNS[1]


@dataclass(frozen=True, slots=True)
class Followed:
    """All flows of a time; `beyond` are fees of the gateway that are more than the platform's part,
    `overpaid` what providers were paid and have to give back."""

    flows: list[Flow]
    taken: Money
    beyond: Money
    overpaid: Money


def follow(city: City, since: datetime, until: datetime, *, by: int = 1) -> Followed:
    """Follow what was taken in a city from a moment up to, and without, another.

    Only whole groups of `by` captures, in the order of the books, so that where everybody looks
    nobody's own price is the difference between two looks.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            FOLLOWED,
            {
                "since": since,
                "until": until,
                "city": city.pk,
                "city_codes": f"city:{city.slug}:%",
                "tax_codes": f"tax:{city.slug}:%",
                "currency": city.currency,
                "by": by,
            },
        )
        return divided([(*row[:4], int(row[4])) for row in cursor.fetchall()], city.currency)


type Row = tuple[str, str, bool, str, int]


def divided(rows: list[Row], currency: str) -> Followed:
    """Make flows of the sums by kind of journal, place, side and state of the payout."""

    def total(kinds: tuple[str, ...], place: str, *states: str) -> int:
        return sum(
            minor
            for kind, where, _credit, state, minor in rows
            if kind in kinds and where == place and (not states or state in states)
        )

    def credited(place: str) -> int:
        if place == "other":
            known = {*SHARES, "clearing", "cash"}
            return -sum(row[4] for row in rows
                        if row[0] == "capture" and row[2] and row[1] not in known)  # fmt: skip
        return -sum(r[4] for r in rows if r[0] == "capture" and r[1] == place and r[2])

    def debited(place: str) -> int:
        return sum(r[4] for r in rows if r[0] == "capture" and r[1] == place and not r[2])

    made: list[Flow] = []

    def flow(source: str, target: str, minor: int, where: str) -> int:
        if minor > 0:
            made.append(Flow(source, target, Money(minor, currency), where))
        return max(minor, 0)

    paid_by = {"card": debited("clearing"), "cash": debited("cash")}
    everything = sum(r[4] for r in rows if r[0] == "capture" and not r[2])
    paid_by["elsewhere"] = everything - sum(paid_by.values())
    parts = {place: credited(place) for place in SHARES}
    for source, target, minor in _dealt(paid_by, parts):
        flow(source, target, minor, "captures")

    refunds = ("refund", "refund_failed", "dispute_lost")
    back = {place: total(refunds, place) for place in SHARES}
    fees = total(("gateway_fee", "dispute"), "gateway")
    beyond = overpaid = 0
    for place, part in parts.items():
        left = part - flow(place, "refunded", min(back.get(place, 0), part), "refunds")
        if place == "platform":
            beyond = max(fees - left, 0)
            left -= flow(place, "fees", min(fees, left), "fees")
        everyday: tuple[str, ...] = ("capture", *refunds)
        if place == "provider":
            left -= flow(place, "kept", min(total(("cash_kept",), place), left), "cash")
            everyday = (*everyday, "cash_kept")
        way = max(-total(everyday, place, "DUE", "HELD", "SENT"), 0)
        paid = max(-total(everyday, place, "PAID"), 0)
        if place == "provider":
            overpaid = max(way + paid - left, 0)
        left -= flow(place, "way", min(way, left), "payouts_way")
        left -= flow(place, "paid", min(paid, left), "payouts")
        flow(place, "stays" if place == "platform" else "owed", left, place)
    return Followed(
        made, Money(everything, currency), Money(beyond, currency), Money(overpaid, currency)
    )


def _dealt(sources: dict[str, int], targets: dict[str, int]) -> list[tuple[str, str, int]]:
    """Deal each source out over the targets in proportion, to the unit: rows and columns agree."""
    dealt: list[tuple[str, str, int]] = []
    left = dict(targets)
    for source, minor in sources.items():
        rest, total = minor, sum(left.values())
        for place in targets:
            # The last unit of a source falls to whoever has room for it.
            part = min(left[place], rest, -(-minor * left[place] // total) if total else 0)
            left[place] -= part
            rest -= part
            if part:
                dealt.append((source, place, part))
    return dealt
