"""What a draft would have changed, added up: for the city and for each district."""

from dataclasses import dataclass, field
from typing import Any

from apps.insight.trying.past import Ordered
from apps.insight.trying.prices import Parts
from apps.insight.trying.waits import Waiting
from apps.pricing.models import Payee

PAYEES = (Payee.PROVIDER, Payee.PLATFORM, Payee.CITY, Payee.TAX)
# The edges of the histogram, in percent of the price without the draft; nought has its own bar.
EDGES = (-50, -25, -10, 0, 10, 25, 50)
SAMPLES = 20


@dataclass(slots=True)
class Sums:
    """Orders and money of one district, or of the city."""

    orders: int = 0
    refused: int = 0
    dearer: int = 0
    cheaper: int = 0
    was: Parts = field(default_factory=lambda: dict.fromkeys(PAYEES, 0))
    less: Parts = field(default_factory=lambda: dict.fromkeys(PAYEES, 0))
    change: Parts = field(default_factory=lambda: dict.fromkeys(PAYEES, 0))
    waiting: Waiting = field(default_factory=Waiting)

    def told(self) -> dict[str, Any]:
        """As the result keeps it: what was, what refusals take away, what other prices change."""
        return {
            "orders": self.orders,
            "refused": self.refused,
            "dearer": self.dearer,
            "cheaper": self.cheaper,
            "money": {
                name: {"was": sum(self.was[one] for one in some),
                       "refused": sum(self.less[one] for one in some),
                       "prices": sum(self.change[one] for one in some)}
                for name, some in SIDES.items()
            },
            "waits": self.waiting.told(),
        }  # fmt: skip


# What people pay is what all the others get.
SIDES = {
    "people": PAYEES,
    "drivers": (Payee.PROVIDER,),
    "platform": (Payee.PLATFORM,),
    "city": (Payee.CITY,),
    "tax": (Payee.TAX,),
}


class Tally:
    """Adds up one order after the other; the same orders come to the same result."""

    def __init__(self) -> None:
        self.city = Sums()
        self.districts: dict[str, Sums] = {}
        self.bars = [0] * (len(EDGES) + 2)
        self.samples: list[list[Any]] = []
        self.repriced = self.compared = self.agree = self.capped = self.no_tariff = 0
        self.quotes = self.quotes_refused = 0

    def refuse(self, ordered: Ordered, district: str) -> None:
        """An order that would not have been: what it brought is gone."""
        parts = ordered.parts
        for sums in self._both(ordered, district, is_refused=True):
            sums.refused += 1
            for payee in PAYEES:
                sums.less[payee] -= parts[payee]
        # References are drawn by lot, so the smallest are spread over the whole time.
        self.samples.append([str(ordered.ref), ordered.pk, ordered.placed_at.isoformat(), district])
        if len(self.samples) > 50 * SAMPLES:
            self.samples = sorted(self.samples)[:SAMPLES]

    def keep(self, ordered: Ordered, district: str) -> None:
        """An order that would have been the same."""
        self._both(ordered, district, is_refused=False)
        if ordered.is_done:
            self.bars[EDGES.index(0) + 1] += 1

    def reprice(self, ordered: Ordered, district: str, before: Parts, after: Parts) -> None:
        """An order that would have been at another price; if it was done, money changes."""
        both = self._both(ordered, district, is_refused=False)
        self.repriced += 1
        self.capped += ordered.is_capped
        if not ordered.is_done:
            return
        one, other = sum(before.values()), sum(after.values())
        self.compared += 1
        self.agree += before == ordered.parts
        self.bars[_bar(one, other)] += 1
        for sums in both:
            sums.dearer += other > one
            sums.cheaper += other < one
            for payee in PAYEES:
                sums.change[payee] += after[payee] - before[payee]

    def _both(self, ordered: Ordered, district: str, *, is_refused: bool) -> tuple[Sums, Sums]:
        sums = self.districts.get(district)
        if sums is None:
            sums = self.districts[district] = Sums()
        parts = ordered.parts
        for one in (self.city, sums):
            one.orders += 1
            for payee in PAYEES:
                one.was[payee] += parts[payee]
        self.city.waiting.add(ordered, is_refused)
        sums.waiting.add(ordered, is_refused)
        return self.city, sums

    def told(self) -> dict[str, Any]:
        """The whole, in whole numbers and in a fixed order."""
        city = self.city.told()
        # A driver of one district says nothing about another.
        city["waits"]["might_be_served"] = sum(
            sums.waiting.might_be_served for sums in self.districts.values()
        )
        return {
            **city,
            "repriced": self.repriced,
            "compared": self.compared,
            "agree": self.agree,
            "capped": self.capped,
            "no_tariff": self.no_tariff,
            "quotes": self.quotes,
            "quotes_refused": self.quotes_refused,
            "bars": self.bars,
            "samples": sorted(self.samples)[:SAMPLES],
            "districts": [
                {"slug": slug, **self.districts[slug].told()} for slug in sorted(self.districts)
            ],
        }


def _bar(before: int, after: int) -> int:
    """Which bar a change belongs to: those below nought, nought itself, those above it."""
    change = after - before
    middle = EDGES.index(0) + 1
    if not change:
        return middle
    if not before:
        return len(EDGES) + 1
    if change < 0:
        return sum(100 * change > edge * before for edge in EDGES[: middle - 1])
    return middle + 1 + sum(100 * change > edge * before for edge in EDGES[middle:])
