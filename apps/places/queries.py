"""Finding places by what people type, and names for places people point at."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import TrigramSimilarity, TrigramWordSimilarity
from django.db.models import QuerySet, Value
from django.db.models.functions import Least

from apps.places import names, routing
from apps.places.geometry import Point, metres_between
from apps.places.models import City, Favourite, Place, Zone

# How much of what was typed must be found in a name.  The index answers the first; the second,
# for slips of the finger, reads all names of the city and is asked only if the first found none.
ALIKE = 0.6
SOMEWHAT_ALIKE = 0.35

# So many of the likeliest are ranked by where they are and what they are.
CANDIDATES = 60

LONGEST = 120

# Landmarks before streets before crossings, unless the letters say otherwise.
BONUS = {Place.Kind.LANDMARK: 0.2, Place.Kind.STREET: 0.1, Place.Kind.CROSSING: 0.0}
NEAR_BONUS = 0.1
NEAR_METRES = 2_000.0

# How close a tap on the map must be to be called by the name.
LANDMARK_METRES = 60.0
CROSSING_METRES = 250.0
STREET_METRES = 500.0
METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True, slots=True)
class Found:
    """A place that may be meant.  `metres_away` is as the crow flies, if we know from where."""

    kind: str
    name: str
    detail: str
    point: Point
    metres_away: float | None = None


def search(city: City, text: str, near: Point | None = None, limit: int = 8) -> list[Found]:
    """Return the places that the text may mean, the likeliest first.

    Reads streets, landmarks and crossings ("Cordovez con Los Carrera", "Balmaceda / Colón"),
    in spite of accents, of the kind of street and of slips of the finger.  Nothing typed:
    the landmarks.
    """
    text = text[:LONGEST]
    places = Place.objects.filter(city=city)
    term = names.essence(text)
    if not term:
        landmarks = places.filter(kind=Place.Kind.LANDMARK).order_by("-weight", "pk")
        return _first(((0.0, place) for place in landmarks[:CANDIDATES]), near, limit)
    scored = _like(places, term)
    pair = names.halves(text)
    if pair is not None:
        scored += _crossings(places, *pair)
    return _first(scored, near, limit)


def nearest_name(city: City, point: Point) -> str:
    """Return what people would call this point: a landmark, a crossing or a street close by.

    Far from all of them it is the point itself, written as numbers.
    """
    close = sorted(
        (metres_between(place.point, point), place.pk, place)
        for place in _around(city, point, CROSSING_METRES)
    )
    for kind, limit in (
        (Place.Kind.LANDMARK, LANDMARK_METRES),
        (Place.Kind.CROSSING, CROSSING_METRES),
    ):
        for metres, _, place in close:
            if place.kind == kind and metres <= limit:
                return place.name
    try:
        snapped = routing.snap(city.slug, point)
    except routing.Unreachable:
        return str(point)
    if snapped.street and snapped.metres_away <= STREET_METRES:
        return snapped.street
    return str(point)


def zones_at(city: City, point: Point) -> list[Zone]:
    """Return the zones that the point lies in, by name."""
    zones = Zone.objects.filter(city=city).near(point).order_by("name", "pk")
    return [zone for zone in zones if zone.contains(point)]


def district_at(city: City, point: Point) -> Zone | None:
    """The district that the point lies in; the first by name, where two share an edge."""
    zones = Zone.objects.filter(city=city, kind=Zone.Kind.DISTRICT).near(point)
    return next((zone for zone in zones.order_by("name", "pk") if zone.contains(point)), None)


def favourites(user_id: int, city: City) -> list[Favourite]:
    """The places that a person has kept in a city: home, work, and the others by name."""
    rank = {"HOME": 0, "WORK": 1}
    mine = Favourite.objects.filter(user=user_id, city=city)
    return sorted(mine, key=lambda one: (rank.get(one.kind, 2), one.name.casefold()))


def shapes(city: City, slugs: Iterable[str] | None = None) -> dict[str, Any]:
    """Zones of a city as GeoJSON for its map: those that are named, or all."""
    zones = Zone.objects.filter(city=city).order_by("name", "pk")
    if slugs is not None:
        zones = zones.filter(slug__in=list(slugs))
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"slug": zone.slug, "name": zone.name, "step": 3},
                "geometry": zone.boundary,
            }
            for zone in zones
        ],
    }


def _like(places: QuerySet[Place], term: str) -> list[tuple[float, Place]]:
    """Return the places in whose names most of the term is found somewhere."""
    scored = places.annotate(
        found=TrigramWordSimilarity(term, "search"), whole=TrigramSimilarity("search", term)
    ).order_by("-found", "-whole", "-weight", "pk")
    close = list(scored.filter(search__trigram_word_similar=term)[:CANDIDATES])
    found = close or list(scored.filter(found__gte=SOMEWHAT_ALIKE)[:CANDIDATES])
    return [
        (_alike(place.found, place.whole, place) + BONUS[Place.Kind(place.kind)], place)
        for place in found
    ]


def _crossings(places: QuerySet[Place], first: str, second: str) -> list[tuple[float, Place]]:
    """Return the crossings of two streets, or of the first while the second is not yet typed."""
    crossings = places.filter(kind=Place.Kind.CROSSING)
    terms = [first, second] if second else [first]
    scored = crossings.annotate(
        found=Least(*(TrigramWordSimilarity(term, "search") for term in terms), Value(1.0)),
        whole=TrigramSimilarity("search", " ".join(terms)),
    ).order_by("-found", "-whole", "-weight", "pk")
    close = scored
    for term in terms:
        close = close.filter(search__trigram_word_similar=term)
    found = list(close[:CANDIDATES]) or list(scored.filter(found__gte=SOMEWHAT_ALIKE)[:CANDIDATES])
    # Somebody who names two streets means where they cross.
    bonus = 0.4 if second else 0.05
    return [(_alike(place.found, place.whole, place) + bonus, place) for place in found]


def _alike(found: float, whole: float, place: Place) -> float:
    """Mostly that the term is in the name, partly that the name is no longer, a little how big."""
    return 0.7 * found + 0.3 * whole + 0.1 * place.weight


def _first(scored: Iterable[tuple[float, Place]], near: Point | None, limit: int) -> list[Found]:
    """Return the best, each once, with those nearer a little ahead."""
    ranked = []
    for score, place in scored:
        metres = None if near is None else metres_between(near, place.point)
        if metres is not None:
            score += NEAR_BONUS * math.exp(-metres / NEAR_METRES)
        ranked.append((-score, place.pk, place, metres))
    ranked.sort(key=lambda entry: entry[:2])
    found: dict[tuple[str, str], Found] = {}
    for _, _, place, metres in ranked:
        found.setdefault(
            (place.name, place.detail),
            Found(place.kind, place.name, place.detail, place.point, metres),
        )
        if len(found) == limit:
            break
    return list(found.values())


def _around(city: City, point: Point, metres: float) -> QuerySet[Place]:
    high = metres / METRES_PER_DEGREE
    wide = high / max(0.01, math.cos(math.radians(point.lat)))
    return Place.objects.filter(
        city=city,
        lat__range=(point.lat - high, point.lat + high),
        lon__range=(point.lon - wide, point.lon + wide),
    )
