"""One dry run, from the first order to the result."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from apps.insight.models import DryRun
from apps.insight.trying import past, prices
from apps.insight.trying.books import Books
from apps.insight.trying.caps import Caps, counts_from
from apps.insight.trying.past import Ordered
from apps.insight.trying.prices import Prices
from apps.insight.trying.tally import Tally
from apps.regulation.models import Decision
from apps.regulation.rules import Act, Cap, Closed, Crisis, Hours, Limit

# Rules of these kinds may keep a price from being named.
REFUSES = (Closed, Crisis, Hours, Limit)

# Told how many of how many rows are done; False stops the work.
type Report = Callable[[int, int], bool]


class Stopped(Exception):
    """The run was called off, or another worker has taken it."""


@dataclass(frozen=True, slots=True)
class Worked:
    """What came out, and the digest of what went in."""

    result: dict[str, Any]
    digest: str


def work_out(run: DryRun, report: Report) -> Worked:
    """Try the draft on every order of the time.  Raises `Stopped`.

    Reads and writes nothing but progress, by `report`.  The same orders, rules and tariffs come to
    the same result and the same digest.
    """
    return _Work(run, report).done()


class _Work:
    def __init__(self, run: DryRun, report: Report) -> None:
        self.run, self.report = run, report
        self.city = run.version.policy.city
        self.draft = run.rule
        begins = counts_from(self.draft, self.city.now(run.since))
        self.begins = min(begins, run.since)
        self.books = Books(self.city, self.draft, self.begins, run.until)
        self.prices = Prices(self.city, self.begins, run.until)
        self.tally, self.caps = Tally(), Caps()
        self.has_cap = isinstance(self.draft.terms, Cap)
        self.asks_quotes = isinstance(self.draft.terms, REFUSES)
        self.may_refuse = self.asks_quotes or self.has_cap
        self.digest = sha256(json.dumps(self._frozen(), sort_keys=True, default=str).encode())
        self.rows = 0

    def done(self) -> Worked:
        run = self.run
        total = past.count(self.city, self.begins, run.until, with_quotes=False)
        if self.asks_quotes:
            total = past.count(self.city, self.begins, run.until, with_quotes=True)
        self._told(total)
        for kept, ordered in past.orders(self.city, self.begins, run.until):
            self._count(kept, total)
            self._order(ordered)
        if self.asks_quotes:
            for kept, shown in past.quotes(self.city, run.since, run.until):
                self._count(kept, total)
                zones = self.books.zones(shown)
                said = self.books.draft_says(shown, Act.QUOTE, zones, shown.quoted_at)
                self.tally.quotes += 1
                self.tally.quotes_refused += said.refused_by is not None
        result = self.tally.told() | self._about()
        return Worked(result, self.digest.hexdigest())

    def _order(self, ordered: Ordered) -> None:
        books, zones = self.books, self.books.zones(ordered)
        district = books.ground.district(zones)
        is_refused = self.may_refuse and self._is_refused(ordered, zones)
        if ordered.placed_at < self.run.since:
            # Of the same day, month or year: counted by a cap, and nothing else.
            return
        if is_refused:
            self.tally.refuse(ordered, district)
            return
        both = books.bounds(ordered, zones)
        if both[0] == both[1]:
            self.tally.keep(ordered, district)
            return
        tariff = self.prices.tariff(ordered)
        if tariff is None:
            self.tally.no_tariff += 1
            self.tally.keep(ordered, district)
            return
        touched = books.ground.smallest_first(zones)
        before, after = self.prices.pair(ordered, tariff, touched, both)
        self.tally.reprice(ordered, district, prices.parts_of(before), prices.parts_of(after))

    def _is_refused(self, ordered: Ordered, zones: dict[str, tuple[str, ...]]) -> bool:
        """Whether no price would have been named, or the order not been taken."""
        books = self.books
        if books.draft_says(ordered, Act.QUOTE, zones, ordered.quoted_at).refused_by:
            return True
        said = books.draft_says(ordered, Act.BOOK, zones, ordered.placed_at)
        if said.refused_by:
            return True
        return bool(said.takes) and not self.caps.take(said.takes, ordered)

    def _count(self, kept: bytes, total: int) -> None:
        self.digest.update(kept)
        self.rows += 1
        if self.rows % past.BATCH == 0:
            self._told(total)

    def _told(self, total: int) -> None:
        if not self.report(self.rows, max(total, self.rows)):
            raise Stopped

    def _frozen(self) -> list[Any]:
        """The rules, zones, tariffs and taxes of the time, as JSON."""
        run, books = self.run, self.books
        return [
            [run.version.kind, run.scope, run.terms, run.since, run.until],
            [[one.name, one.begins, one.ends, one.scope.frozen(), one.terms.kind,
              one.terms.frozen()] for one in books.rules],
            books.ground.edges,
            sorted((number, [[one.of, one.subject, one.begins, one.ends] for one in some])
                   for number, some in books.book.exemptions.items()),
            prices.frozen(self.prices),
        ]  # fmt: skip

    def _about(self) -> dict[str, Any]:
        """What the result is of, and what it cannot say."""
        run = self.run
        number = self.draft.number
        before = Decision.objects.filter(
            city=self.city,
            decided_at__gte=run.since,
            decided_at__lt=run.until,
            rule__startswith=f"{number}/",
        )
        return {
            "currency": self.city.currency,
            "rows": self.rows,
            "names": {
                slug: zone.name
                for slug, zone in self.books.ground.districts.items()
                if slug in self.tally.districts
            },
            "replaced": [one.name for one in self.books.replaced],
            "refused_before": before.exclude(refusal="").count(),
            "has_cap": self.has_cap,
            "is_of_quotes": self.asks_quotes,
        }
