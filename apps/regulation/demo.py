"""What the demo shows of rules: five in force, and one that waits for the second pair of eyes."""

from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.db import transaction

from apps.kernel.actors import Kind
from apps.parties.models import User
from apps.places import geometry, outlines
from apps.places import operations as places
from apps.places import queries as found
from apps.places.demo import Demo
from apps.places.models import Place, Zone
from apps.regulation import demo_cases, operations
from apps.regulation.models import Policy

RIDES = ["mobility"]
NIGHT = {"hour_from": "22:00", "hour_to": "06:00"}
AIRPORT, WALK = "Aeropuerto La Florida", "Paseo Prat"
# Around the terminal: west, south, east, north.
AIRPORT_BOX = (-71.2090, -29.9215, -71.1985, -29.9130)
# The street of the centre on which people walk, and how wide it is in metres.
WALK_STREET, WALK_METRES = "Prat", 12.0


@dataclass(frozen=True, slots=True)
class Seed:
    """A rule of the demo."""

    kind: str
    title: str
    why: str
    terms: dict[str, Any] = field(default_factory=dict)
    scope: dict[str, Any] = field(default_factory=dict)
    zone: str = ""
    is_approved: bool = True


RULES = (
    Seed(
        "price",
        "When many ask, a fare is at most 1.5 times the tariff.",
        "A storm is no reason to pay three times as much for the way home.",
        {"surge_most_bp": 15_000},
        {"verticals": RIDES},
    ),
    Seed(
        "commission",
        "The platform takes at most 10 % on top of what the provider gets.",
        "The platform is the city's own: it covers its costs and earns nothing.",
        {"most_bp": 1_000},
    ),
    Seed(
        "pay",
        "Drivers get at least CLP 600 for a ride, 300 a kilometre and 40 a minute.",
        "Whoever drives for the city can live on it.",
        {"per_order_minor": 600, "per_km_minor": 300, "per_minute_minor": 40},
        {"verticals": RIDES},
    ),
    Seed(
        "fee",
        "Rides from the airport at night cost CLP 500 more.",
        "It pays for the night bus that those without a car take.",
        {"flat_minor": 500},
        {"verticals": RIDES, "ends": ["pickup"], **NIGHT},
        zone=AIRPORT,
    ),
    Seed(
        "closed",
        "Nobody is picked up or set down on Paseo Prat while the shops are open.",
        "People walk there. The next corner is a few steps away.",
        {},
        {
            "verticals": RIDES,
            "ends": ["pickup", "dropoff"],
            "weekdays": [0, 1, 2, 3, 4, 5],
            "hour_from": "10:00",
            "hour_to": "20:00",
        },
        zone=WALK,
    ),
    Seed(
        "fee",
        "Rides from the centre cost CLP 300 more on Friday and Saturday nights.",
        "The streets are cleaned before people go to church.",
        {"flat_minor": 300},
        {"verticals": RIDES, "ends": ["pickup"], "weekdays": [4, 5], **NIGHT},
        zone="Centro de La Serena",
        is_approved=False,
    ),
)


@transaction.atomic
def seed(demo: Demo) -> None:
    first = demo.person("Valentina Soto", "city officer", is_staff=True, is_superuser=True)
    second = demo.person("Francisca Vidal", "policy officer", is_staff=True)
    _draw(demo, first)
    for rule in RULES:
        _enact(demo, rule, first, second)
    demo_cases.seed(demo, first)


def _draw(demo: Demo, officer: User) -> None:
    """The zones of the rules; a city without a map of its streets has none along a street."""
    known = set(Zone.objects.filter(city=demo.city).values_list("name", flat=True))
    west, south, east, north = AIRPORT_BOX
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    drawn = {
        AIRPORT: geometry.common({"type": "Polygon", "coordinates": [ring]}, demo.city.boundary)
    }
    for place in found.search(demo.city, WALK_STREET, demo.city.centre):
        if place.kind == Place.Kind.STREET and WALK not in drawn:
            edge = outlines.along_street(demo.city, place.name, place.point, width=WALK_METRES)
            drawn |= {WALK: edge} if edge else {}
    for name, boundary in drawn.items():
        if name not in known:
            places.draw_zone(
                city_id=demo.city.pk,
                name=name,
                kind=Zone.Kind.RULE,
                boundary=boundary,
                by=officer.acting(Kind.OFFICER),
                at=demo.at,
            )


def _enact(demo: Demo, rule: Seed, first: User, second: User) -> None:
    """One officer drafts and proposes, the other approves, as everywhere."""
    key = uuid5(NAMESPACE_URL, f"{demo.city.slug}/rules/{rule.title}")
    scope = dict(rule.scope)
    if rule.zone:
        zone = Zone.objects.filter(city=demo.city, name=rule.zone).first()
        if zone is None:
            return
        scope["zones"] = [zone.slug]
    if Policy.objects.filter(ref=key).exists():
        return
    by, at = first.acting(Kind.OFFICER), demo.at
    version = operations.draft_policy(
        city_id=demo.city.pk,
        kind=rule.kind,
        title=rule.title,
        why=rule.why,
        scope=scope,
        terms=rule.terms,
        key=key,
        officer_id=first.pk,
        by=by,
        at=at,
    )
    operations.propose_policy(version_id=version.pk, officer_id=first.pk, by=by, at=at)
    if rule.is_approved:
        operations.approve_policy(
            version_id=version.pk, officer_id=second.pk, by=second.acting(Kind.OFFICER), at=at
        )
