"""The price of a ride under two sets of rules, worked out the same way for both."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.insight.trying.past import PAYEES, VERTICAL, Ordered
from apps.places.models import City
from apps.pricing import levies, operations
from apps.pricing.models import Line, Tariff
from apps.pricing.queries import levies_of
from apps.regulation.rules import Bounds

type Parts = dict[str, int]


class Prices:
    """Tariffs, taxes and fees of a time, read once."""

    def __init__(self, city: City, since: datetime, until: datetime) -> None:
        self.zone_info = city.zone_info
        # A price is good for minutes, and an order may change its price while it lasts.
        span = DateTimeTZRange(since - timedelta(days=1), until + timedelta(days=8))
        tariffs = Tariff.objects.filter(city=city, vertical=VERTICAL, valid__overlap=span)
        self.tariffs: dict[str, list[Tariff]] = {}
        for tariff in tariffs.order_by("kind", "valid"):
            self.tariffs.setdefault(tariff.kind, []).append(tariff)
        self.levies = levies_of(
            city_id=city.pk, vertical=VERTICAL, since=span.lower, until=span.upper
        )
        # Where none is a share of something, another fare owes the same.  A tax that the fare
        # names itself is asked by neither of the two.
        self._is_of_the_price = any(rule.kind == levies.Kind.PERCENT for rule in self.levies)
        # Sums for each ride are the same for all rides that the same of them cover.
        self._is_by_the_ride = all(
            (rule.kind, rule.per) == (levies.Kind.AMOUNT, levies.Per.RIDE) for rule in self.levies
        )
        self._named = {rule.zone for rule in self.levies}
        self._known: dict[tuple[object, ...], list[Line]] = {}

    def tariff(self, ordered: Ordered) -> Tariff | None:
        """The tariff that was in force when the price was named."""
        at = ordered.quoted_at
        return next((one for one in self.tariffs.get(ordered.kind, ()) if at in one.valid), None)

    def pair(
        self, ordered: Ordered, tariff: Tariff, zones: Sequence[str], both: tuple[Bounds, Bounds]
    ) -> tuple[list[Line], list[Line]]:
        """Its lines under each of two bounds.

        What meters ask is worked out once where the bounds differ only in what comes after it.
        """
        one, other = both
        before = self._metered(ordered, tariff, one)
        after = before
        if _on_the_meter(one) != _on_the_meter(other):
            after = self._metered(ordered, tariff, other)
        taxes = self._taxes(ordered, zones, before)
        others = taxes
        if after is not before and self._is_of_the_price:
            others = self._taxes(ordered, zones, after)
        way = {"metres": ordered.request["metres"], "seconds": ordered.request["seconds"]}
        return (
            operations.bounded(before + taxes, one, **way),
            operations.bounded(after + others, other, **way),
        )

    def _metered(self, ordered: Ordered, tariff: Tariff, bounds: Bounds) -> list[Line]:
        asked = ordered.request
        waiting = len(asked.get("stops", ())) * asked.get("stop_wait", 0)
        return operations.metered(
            tariff,
            metres=asked["metres"],
            seconds=asked["seconds"],
            waiting=waiting,
            demand_bp=ordered.demand_bp,
            bounds=bounds,
        )

    def _taxes(self, ordered: Ordered, zones: Sequence[str], lines: list[Line]) -> list[Line]:
        """The lines of the city's taxes and fees alone."""
        if not self.levies:
            return []
        at = ordered.moment(ordered.quoted_at).astimezone(self.zone_info)
        named = tuple(zone for zone in zones if zone in self._named)
        key: tuple[object, ...] = ()
        if self._is_by_the_ride:
            facts = levies.Facts(VERTICAL, (), category=ordered.kind, zones=named)
            covering = (rule.number for rule in self.levies if rule.covers(facts, at))
            # A tax that the fare names itself is not asked twice.
            key = (ordered.kind, named, *covering, *sorted({line.code for line in lines}))
            if key in self._known:
                return self._known[key]
        levied = operations.levied(
            lines,
            rules=self.levies,
            vertical=VERTICAL,
            category=ordered.kind,
            zones=named,
            at=at,
            metres=ordered.request["metres"],
            seconds=ordered.request["seconds"],
        )
        if key:
            self._known[key] = levied[len(lines) :]
        return levied[len(lines) :]


def parts_of(lines: Sequence[Line]) -> Parts:
    """Who gets how much."""
    parts = dict.fromkeys(PAYEES, 0)
    for line in lines:
        parts[line.to] += line.amount
    return parts


def frozen(prices: Prices) -> list[object]:
    """What prices were worked out with, for the digest of what went in."""
    tariffs = [
        [tariff.pk, tariff.number, *(getattr(tariff, name) for name in AMOUNTS)]
        for some in prices.tariffs.values()
        for tariff in some
    ]
    return [tariffs, [rule.frozen() for rule in prices.levies]]


AMOUNTS = (
    "start_minor", "per_km_minor", "per_minute_minor", "minimum_minor", "platform_bp",
    "city_fee_minor", "vat_bp", "surge_most_bp",
)  # fmt: skip


def _on_the_meter(bounds: Bounds) -> tuple[object, ...]:
    """What of the bounds a fare itself is made with."""
    return bounds.surge, bounds.pays, bounds.commission
