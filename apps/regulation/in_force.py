"""The policies in force and who is exempt from them, kept in memory, ordered so that few are asked
in each case.

Every process keeps a copy and asks once a second whether it is still right, which costs one small
statement: so a policy that is approved or stopped holds everywhere within two seconds.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Self
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from apps.kernel import clock
from apps.places.geometry import Point, Shape, cell
from apps.places.models import City, Zone
from apps.regulation.models import Edition, Exemption, PolicyVersion
from apps.regulation.rules import Crisis, Rule
from apps.regulation.rules import Exemption as Exempt

# How old a copy may be before it is asked whether it still holds.
FRESH_SECONDS = 1.0
# What ended so long ago concerns no case any more.
FORGOTTEN = timedelta(days=1)


@dataclass(frozen=True)
class Book:
    """The rules of one city, by kind of service and by the zones that they speak of."""

    zone_info: ZoneInfo
    shapes: Mapping[int, Sequence[tuple[str, Shape]]]
    everywhere: Mapping[str, Sequence[Rule]]
    in_zone: Mapping[tuple[str, str], Sequence[Rule]]
    exemptions: Mapping[str, Sequence[Exempt]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        rules: Iterable[Rule],
        zones: Iterable[Zone],
        zone_info: ZoneInfo,
        exemptions: Iterable[Exempt] = (),
    ) -> Self:
        """Order rules for asking.  Under the service "" stand those that concern every service."""
        everywhere: dict[str, list[Rule]] = defaultdict(list)
        in_zone: dict[tuple[str, str], list[Rule]] = defaultdict(list)
        named: set[str] = set()
        for rule in rules:
            is_local = bool(rule.scope.zones) and not isinstance(rule.terms, Crisis)
            named |= rule.scope.zones
            if isinstance(rule.terms, Crisis):
                named |= rule.terms.shelters
            for vertical in rule.scope.verticals or {""}:
                if is_local:
                    for slug in rule.scope.zones:
                        in_zone[vertical, slug].append(rule)
                else:
                    everywhere[vertical].append(rule)
        shapes: dict[int, list[tuple[str, Shape]]] = defaultdict(list)
        for zone in zones:
            if zone.slug in named:
                shape = Shape(zone.boundary)
                for h3_cell in zone.cells:
                    shapes[h3_cell].append((zone.slug, shape))
        freed: dict[str, list[Exempt]] = defaultdict(list)
        for exempt in exemptions:
            freed[exempt.number].append(exempt)
        return cls(zone_info, shapes, everywhere, in_zone, dict(freed))

    def zones(self, points: Mapping[str, Point]) -> dict[str, tuple[str, ...]]:
        """The zones that some rule speaks of, in which each of these points lies."""
        return {
            end: tuple(
                slug for slug, shape in self.shapes.get(cell(point), ()) if shape.contains(point)
            )
            for end, point in points.items()
        }

    def rules(self, vertical: str, zones: Mapping[str, Sequence[str]]) -> list[Rule]:
        """The rules that may concern a case in these zones, each once."""
        found = [*self.everywhere.get("", ()), *self.everywhere.get(vertical, ())]
        local = {
            rule.name: rule
            for slug in {slug for slugs in zones.values() for slug in slugs}
            for key in ("", vertical)
            for rule in self.in_zone.get((key, slug), ())
        }
        return found + list(local.values())


@dataclass(frozen=True, slots=True)
class Copy:
    stamp: UUID | None
    books: Mapping[int, Book]


_copy: Copy | None = None
_looked = 0.0
_lock = Lock()


def book(city_id: int) -> Book:
    """The rules of a city as they stand now.  Raises `KeyError` for a city that is not."""
    copy = _current()
    if city_id not in copy.books:
        # A city that was opened after the copy was made.
        forget()
        copy = _current()
    return copy.books[city_id]


def forget() -> None:
    """Look anew before the next case: something was approved or stopped here."""
    global _copy, _looked
    with _lock:
        _copy, _looked = None, 0.0


def _current() -> Copy:
    global _copy, _looked
    copy = _copy
    if copy is not None and monotonic() - _looked < FRESH_SECONDS:
        return copy
    with _lock:
        # Before the look, so that a change that commits during it is seen by the next.
        looking = monotonic()
        stamp = Edition.objects.values_list("stamp", flat=True).first()
        if _copy is None or _copy.stamp != stamp:
            _copy = Copy(stamp, _read(clock.now()))
        _looked = looking
        return _copy


def _read(at: datetime) -> dict[int, Book]:
    approved = PolicyVersion.objects.filter(state=PolicyVersion.State.APPROVED)
    lasting = approved.filter(
        Q(valid__upper_inf=True) | Q(valid__endswith__gte=at - FORGOTTEN)
    ).select_related("policy")
    rules: dict[int, list[Rule]] = defaultdict(list)
    for version in lasting.order_by("policy__number", "version"):
        rules[version.policy.city_id].append(version.rule)
    zones: dict[int, list[Zone]] = defaultdict(list)
    if rules:
        for zone in Zone.objects.filter(city__in=list(rules)).order_by("slug"):
            zones[zone.city_id].append(zone)
    exempt: dict[int, list[Exempt]] = defaultdict(list)
    for one in Exemption.objects.filter(valid__endswith__gte=at).select_related("policy"):
        exempt[one.policy.city_id].append(one.exempt)
    return {
        city.pk: Book.of(rules[city.pk], zones[city.pk], city.zone_info, exempt[city.pk])
        for city in City.objects.all()
    }
