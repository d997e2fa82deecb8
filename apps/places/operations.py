"""Cities come in by a load and change by the next one; what an officer chooses outlives loads."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, connection, transaction
from django.utils.text import slugify

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.places import geometry, uses
from apps.places.geometry import Point
from apps.places.models import City, Favourite, PastEdge, Place, Zone
from apps.places.streets import Named


class Unfit(Exception):
    """A city cannot be like this; the message says what is wrong."""


class ZoneInUse(Unfit):
    """A rule speaks of this zone: whoever wants another edge draws another zone."""


class ZoneUnfit(Unfit):
    """A zone cannot be like this.  `code` says why not: no_area, crosses_itself, too_small,
    too_many_corners, outside_city, no_name or name_taken."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the zone cannot be so: {code}")
        self.code = code


# Less is a slip of the finger, and more than a person draws.
SMALLEST_SQUARE_METRES = 100.0
MOST_CORNERS = 2_000


@dataclass(frozen=True, slots=True)
class Facts:
    """What a city says of itself.  Raises `Unfit` if it cannot be so."""

    slug: str
    name: str
    timezone: str
    currency: str
    locale: str
    is_demo: bool = False
    emergency_phone: str = "112"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.slug) or len(self.slug) > 50:
            raise Unfit(f"{self.slug!r} is not a slug: small letters, digits and hyphens")
        if not 0 < len(self.name.strip()) <= 100:
            raise Unfit("a city needs a name of at most 100 letters")
        if not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise Unfit(f"{self.currency!r} is not a currency: three capitals, as in CLP")
        if not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", self.locale) or len(self.locale) > 20:
            raise Unfit(f"{self.locale!r} is not a locale: language and country, as in es-cl")
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise Unfit(
                f"{self.timezone!r} is not a time zone: an area and a place, as in America/Santiago"
            ) from None


@dataclass(frozen=True, slots=True)
class District:
    """A named part of the city and its edge, a GeoJSON area."""

    slug: str
    name: str
    boundary: dict[str, Any]
    kind: str = Zone.Kind.DISTRICT


@dataclass(frozen=True, slots=True)
class Survey:
    """What a load found out: the edge, the names, the versions of the files on disk."""

    boundary: dict[str, Any]
    centre: Point
    places: Sequence[Named]
    districts: Sequence[District]
    streets_version: str
    tiles_version: str
    loaded_from: str


@transaction.atomic
def draw_zones(
    *, city_id: int, districts: Sequence[District], by: Actor, at: datetime
) -> tuple[int, int]:
    """Draw zones into a city, matched by their slug.  Return how many are new, how many changed.

    What is not named stays; the same again changes nothing.  Raises `ZoneInUse`.
    """
    city = City.objects.get(pk=city_id)
    drawn = [_draw(city, district, at) for district in districts]
    new, changed = drawn.count("new"), drawn.count("changed")
    if new or changed:
        bus.publish("places.zones_drawn", by=by, at=at, city=city.slug, new=new, changed=changed)
    return new, changed


@transaction.atomic
def draw_zone(
    *, city_id: int, name: str, kind: str, boundary: dict[str, Any], by: Actor, at: datetime
) -> Zone:
    """Draw one new zone into a city, inside its edge.  The same again is the same zone.

    Raises `ZoneUnfit`.  What is drawn stays: another edge is another zone.
    """
    city = City.objects.get(pk=city_id)
    slug = slugify(name)[:50].strip("-")
    if not slug or len(name.strip()) > 100:
        raise ZoneUnfit("no_name")
    edge = _edge(city, boundary)
    drawn = {"name": name.strip(), "kind": kind, "boundary": edge}
    cells = geometry.cells_covering(edge)
    zone, is_new = Zone.objects.get_or_create(
        city=city, slug=slug, defaults=drawn | {"cells": cells}
    )
    if is_new:
        bus.publish("places.zone_drawn", by=by, at=at, city=city.slug, zone=slug, kind=kind)
    elif any(getattr(zone, field) != value for field, value in drawn.items()):
        raise ZoneUnfit("name_taken")
    return zone


def _edge(city: City, boundary: dict[str, Any]) -> dict[str, Any]:
    try:
        edge = geometry.polygon(boundary)
    except geometry.Crossing:
        raise ZoneUnfit("crosses_itself") from None
    except ValueError:
        raise ZoneUnfit("no_area") from None
    if geometry.corners(edge) > MOST_CORNERS:
        raise ZoneUnfit("too_many_corners")
    if geometry.square_metres(edge) < SMALLEST_SQUARE_METRES:
        raise ZoneUnfit("too_small")
    if not geometry.within(edge, city.boundary):
        raise ZoneUnfit("outside_city")
    return edge


@transaction.atomic
def open_city(facts: Facts, survey: Survey, /, *, by: Actor, at: datetime) -> City:
    """Open a city for business, or bring an open one up to date.

    The names for the search are made anew.  Zones are matched by their slug, and one that is
    no longer named stays: permits and prices may hang on it.  Repeating it is harmless.
    """
    before = City.objects.filter(slug=facts.slug).first()
    is_redrawn = before is None or before.boundary != survey.boundary
    if before and is_redrawn:
        _keep_edge(before, "", before, at)
    city, _ = City.objects.update_or_create(
        slug=facts.slug,
        defaults={
            **({"drawn_at": at} if is_redrawn else {}),
            "name": facts.name.strip(),
            "timezone": facts.timezone,
            "currency": facts.currency,
            "locale": facts.locale,
            "is_demo": facts.is_demo,
            "emergency_phone": facts.emergency_phone,
            "boundary": survey.boundary,
            "centre_lat": survey.centre.lat,
            "centre_lon": survey.centre.lon,
            "streets_version": survey.streets_version,
            "tiles_version": survey.tiles_version,
            "loaded_from": survey.loaded_from,
        },
    )
    for district in survey.districts:
        _draw(city, district, at)
    Place.objects.filter(city=city).delete()
    Place.objects.bulk_create(
        (
            Place(
                city=city,
                kind=place.kind,
                name=place.name,
                detail=place.detail,
                search=place.search,
                lat=place.point.lat,
                lon=place.point.lon,
                weight=place.weight,
            )
            for place in survey.places
        ),
        batch_size=2_000,
    )
    bus.publish(
        "places.city_opened",
        by=by,
        at=at,
        city=city.slug,
        streets=survey.streets_version,
        places=len(survey.places),
    )
    return city


@transaction.atomic
def choose_cash(*, city_id: int, takes_cash: bool, by: Actor, at: datetime) -> None:
    """Let people pay in cash in this city from now on, or no longer; what is ordered stays so."""
    other = City.objects.filter(pk=city_id).exclude(takes_cash=takes_cash)
    if other.update(takes_cash=takes_cash):
        bus.publish("places.cash_chosen", by=by, at=at, city=city_id, takes_cash=takes_cash)


# Nobody finds one of more than these in a list.
MOST_FAVOURITES = 20


class OutsideCity(Exception):
    """The place lies outside the city: nothing goes there."""


class TooManyPlaces(Exception):
    """The person has kept as many places as one list holds."""


class NameTaken(Exception):
    """The person calls another place so."""


class NoSuchPlace(Exception):
    """The person has kept no such place, or not one that has a name of its own."""


@transaction.atomic
def keep_place(
    *,
    user_id: int,
    city_id: int,
    kind: str,
    name: str,
    address: str,
    point: Point,
    by: Actor,
    at: datetime,
) -> Favourite:
    """Keep a place for a person.  The same name again, or home again, means that it has moved.

    Home and work need no name.  Raises `OutsideCity`, `TooManyPlaces`, and `ValueError` for
    another place without a name.
    """
    kind, name = Favourite.Kind(kind), " ".join(name.split())[:40]
    if kind != Favourite.Kind.OTHER:
        name = ""
    elif not name:
        raise ValueError("another place needs a name")
    city = City.objects.get(pk=city_id)
    if not city.contains(point):
        raise OutsideCity
    _list_of(user_id)
    mine = Favourite.objects.filter(user=user_id, city=city)
    same = mine.filter(kind=kind, name__iexact=name).first()
    if same is None and mine.count() >= MOST_FAVOURITES:
        raise TooManyPlaces
    kept = same or Favourite(user_id=user_id, city=city, kind=kind)
    before = (kept.name, kept.address, kept.lat, kept.lon)
    kept.name, kept.address = name, address.strip()[:200] or str(point)
    kept.lat, kept.lon = point.lat, point.lon
    if same is None or before != (kept.name, kept.address, kept.lat, kept.lon):
        kept.kept_at = at
        kept.save()
        bus.publish("places.favourite_kept", by=by, at=at, user=user_id, favourite=kept.pk)
    return kept


@transaction.atomic
def rename_place(
    *, favourite_id: int, user_id: int, name: str, by: Actor, at: datetime
) -> Favourite:
    """Call a place of one's own otherwise.  Twice is harmless.

    Raises `NoSuchPlace`, also for home and work, `NameTaken`, and `ValueError` for no name.
    """
    name = " ".join(name.split())[:40]
    if not name:
        raise ValueError("a place needs a name")
    _list_of(user_id)
    mine = Favourite.objects.filter(pk=favourite_id, user=user_id, kind=Favourite.Kind.OTHER)
    kept = mine.select_for_update(no_key=True).first()
    if kept is None:
        raise NoSuchPlace
    if kept.name != name:
        kept.name = name
        try:
            with transaction.atomic():
                kept.save(update_fields=["name"])
        except IntegrityError as error:
            raise NameTaken from error
        bus.publish("places.favourite_kept", by=by, at=at, user=user_id, favourite=kept.pk)
    return kept


@transaction.atomic
def remove_place(*, favourite_id: int, user_id: int, by: Actor, at: datetime) -> None:
    """Forget a place that a person kept; nothing of it stays.  Raises `NoSuchPlace`."""
    gone, _each = Favourite.objects.filter(pk=favourite_id, user=user_id).delete()
    if not gone:
        raise NoSuchPlace
    bus.publish("places.favourite_removed", by=by, at=at, user=user_id, favourite=favourite_id)


def _list_of(user_id: int) -> None:
    """Wait for one's turn at a person's list, so that one at a time counts and changes it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"places {user_id}"]
        )


def _draw(city: City, district: District, at: datetime) -> str:
    edge = geometry.multipolygon(district.boundary)
    drawn: dict[str, Any] = {"name": district.name, "kind": district.kind, "boundary": edge}
    before = Zone.objects.filter(city=city, slug=district.slug).first()
    if before and all(getattr(before, name) == value for name, value in drawn.items()):
        return "same"
    old = Zone.objects.filter(city=city, slug=district.slug).first()
    if old and old.boundary != edge and (need := uses.of(city.pk, district.slug)):
        raise ZoneInUse(f"{need} speaks of the zone {district.slug}: draw another one")
    drawn["cells"] = geometry.cells_covering(edge)
    if before is None or before.boundary != edge:
        drawn["drawn_at"] = at
    if before and before.boundary != edge:
        _keep_edge(city, district.slug, before, at)
    _zone, is_new = Zone.objects.update_or_create(city=city, slug=district.slug, defaults=drawn)
    return "new" if is_new else "changed"


def _keep_edge(city: City, slug: str, before: City | Zone, at: datetime) -> None:
    """Keep an edge that is about to be drawn anew: rules of the past still name it."""
    PastEdge.objects.create(
        city=city,
        slug=slug,
        name=before.name,
        boundary=before.boundary,
        drawn_at=before.drawn_at,
        retired_at=at,
    )
