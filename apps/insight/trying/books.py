"""The rules that were in force, and the same with the draft among them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.insight.trying.past import VERTICAL, Shown
from apps.places.geometry import Area, Point, Shape, cell
from apps.places.models import City, Zone
from apps.regulation.in_force import Book
from apps.regulation.models import Exemption, PolicyVersion
from apps.regulation.rules import (
    Act,
    Answer,
    Bounds,
    Commission,
    Crisis,
    Fee,
    Pay,
    Price,
    Rule,
    Subsidy,
    ask,
)
from apps.regulation.rules.asking import bounds_of

# What is ordered for later is asked about at its own hour.
AHEAD = timedelta(days=8)
OF_PRICES = (Price, Commission, Pay, Fee, Subsidy, Crisis)

type Zones = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Ground:
    """Every zone of the city, and which of them a point lies in; districts by their number."""

    shapes: dict[int, list[tuple[str, Shape]]]
    cells: dict[str, int]
    edges: dict[str, Area]
    districts: dict[str, Zone]

    @classmethod
    def of(cls, zones: Iterable[Zone]) -> Self:
        shapes: dict[int, list[tuple[str, Shape]]] = {}
        cells: dict[str, int] = {}
        edges, districts = {}, {}
        for zone in sorted(zones, key=lambda one: (one.name, one.pk)):
            shape = Shape(zone.boundary)
            cells[zone.slug], edges[zone.slug] = len(zone.cells), zone.boundary
            if zone.kind == Zone.Kind.DISTRICT:
                districts[zone.slug] = zone
            for h3_cell in zone.cells:
                shapes.setdefault(h3_cell, []).append((zone.slug, shape))
        return cls(shapes, cells, edges, districts)

    def at(self, point: Point) -> tuple[str, ...]:
        """The zones in which a point lies, by name."""
        found = self.shapes.get(cell(point), ())
        return tuple(slug for slug, shape in found if shape.contains(point))

    def district(self, zones: Zones) -> str:
        """The first district in which it begins, "" for none."""
        return next((slug for slug in zones["pickup"] if slug in self.districts), "")

    def smallest_first(self, zones: Zones) -> list[str]:
        """The zones that a ride touches, as taxes and fees ask for them."""
        touched = {slug for slugs in zones.values() for slug in slugs}
        return sorted(touched, key=lambda slug: (self.cells[slug], slug))


class Books:
    """The rules of a time without a draft and with it; the draft stands in for its own policy."""

    def __init__(self, city: City, draft: Rule, since: datetime, until: datetime) -> None:
        span = DateTimeTZRange(since, until + AHEAD)
        versions = PolicyVersion.objects.filter(
            policy__city=city, state=PolicyVersion.State.APPROVED, valid__overlap=span
        )
        versions = versions.exclude(pk=draft.pk).select_related("policy")
        exempt = Exemption.objects.filter(policy__city=city, valid__overlap=span)
        zones = list(Zone.objects.filter(city=city))
        self.draft = draft
        self.rules = [one.rule for one in versions.order_by("policy__number", "version")]
        self.replaced = [one for one in self.rules if one.number == draft.number]
        self.book = Book.of(
            [*self.rules, draft],
            zones,
            city.zone_info,
            [one.exempt for one in exempt.select_related("policy").order_by("pk")],
        )
        self.ground = Ground.of(zones)
        # Rules of this policy alone, old and new: where none of them speaks, nothing changes.
        self._own = [
            rule
            for rule in [*self.replaced, draft]
            if VERTICAL in rule.scope.verticals or not rule.scope.verticals
        ]
        self._is_of_prices = any(isinstance(rule.terms, OF_PRICES) for rule in self._own)

    def zones(self, shown: Shown) -> Zones:
        """The zones of both ends of a ride."""
        return {end: self.ground.at(point) for end, point in shown.points.items()}

    def draft_says(self, shown: Shown, act: Act, zones: Zones, at: datetime) -> Answer:
        """What the draft alone says of it, whoever is exempt from its policy being spared."""
        is_asked = self.draft in self._own and act in self.draft.terms.acts
        return self._ask([self.draft] if is_asked else [], shown, act, zones, at)

    def bounds(self, shown: Shown, zones: Zones) -> tuple[Bounds, Bounds]:
        """What the rules say of its price, without the draft and with it; the same where it says
        nothing."""
        at = shown.quoted_at
        if not self._is_of_prices or not self._ask(self._own, shown, Act.QUOTE, zones, at).findings:
            return _SAME
        rules = self.book.rules(VERTICAL, zones)
        found = [one.rule for one in self._ask(rules, shown, Act.QUOTE, zones, at).findings]
        without = [rule for rule in found if rule is not self.draft]
        with_it = [rule for rule in found if rule is self.draft or rule.number != self.draft.number]
        return bounds_of(without, zones), bounds_of(with_it, zones)

    def _ask(
        self, rules: Iterable[Rule], shown: Shown, act: Act, zones: Zones, at: datetime
    ) -> Answer:
        moment = shown.moment(at)
        return ask(
            rules,
            shown.case(act, moment),
            zones=zones,
            now=moment.astimezone(self.book.zone_info),
            exemptions=self.book.exemptions,
        )


_SAME = (Bounds(), Bounds())
