"""From an OpenStreetMap extract to an open city, step by step, with a line for each step."""

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from apps.kernel.actors import Actor
from apps.places import geometry, loading, names, operations, routing, streets, tiles
from apps.places.geometry import Point
from apps.places.loading import Say
from apps.places.models import City
from apps.places.operations import District, Facts, Survey
from apps.places.streets import Named

# Streets this far beyond the edge still matter to the ways inside: degrees, about 5 km.
BEYOND = 0.05

# Part of what a city is loaded from: raise it when the same sources would give another city.
RECIPE = "1"


@dataclass(frozen=True, slots=True)
class Sources:
    """What a city is loaded from.  Without a boundary the streets say how far it goes."""

    extract: Path
    boundary: dict[str, Any] | None = None
    sketch: Path | None = None
    centre: Point | None = None
    districts: Sequence[District] = field(default_factory=tuple)
    landmarks: Sequence[Named] = field(default_factory=tuple)


def open_from(
    facts: Facts, sources: Sources, /, *, by: Actor, at: datetime, say: Say
) -> City | None:
    """Build the streets, the map and the search of a city and open it, or bring it up to date.

    Returns None if there was nothing to do.  Until the last step the old version serves.
    Raises `streets.Unreadable`, `loading.Failed`, `tiles.Malformed`.
    """
    started = time.monotonic()
    loaded_from = _digest(facts, sources)
    if _is_up_to_date(facts.slug, loaded_from):
        return None
    home = routing.folder(facts.slug)
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".loading-") as folder:
        pbf = Path(folder) / "streets.osm.pbf"
        say(f"reading {sources.extract.name}")
        count = streets.sift(sources.extract, pbf, box=_box(sources.boundary))
        say(f"{count} pieces of street")
        streets_version = loading.build(pbf, facts.slug, say=say)

        say("drawing the map")
        tiles_version = tiles.version(pbf=pbf, sketch=sources.sketch)
        drawn = tiles.folder(facts.slug, tiles_version)
        if not drawn.exists():
            tiles.cut(pbf, sources.sketch, drawn)

        say("listing streets and crossings")
        boundary = sources.boundary or _dry(geometry.hull(streets.points(pbf)), sources.sketch)
        found = streets.named(streets.ways(pbf), locale=facts.locale)
        loading.replace(home / loading.SOURCE, pbf.read_bytes())
    is_inside = geometry.inside(boundary, [place.point for place in found])
    inside = [place for place, is_in in zip(found, is_inside, strict=True) if is_in]
    places = _told_apart([*sources.landmarks, *inside], sources.districts)
    survey = Survey(
        boundary=boundary,
        centre=sources.centre or _middle(inside or found),
        places=places,
        districts=sources.districts,
        streets_version=streets_version,
        tiles_version=tiles_version,
        loaded_from=loaded_from,
    )
    city = operations.open_city(facts, survey, by=by, at=at)
    loading.activate(facts.slug, streets_version)
    loading.sweep(drawn.parent, keep={tiles_version})
    say(f"{len(places)} names, {len(sources.districts)} districts")
    say(f"open after {time.monotonic() - started:.1f} s")
    return city


def _digest(facts: Facts, sources: Sources) -> str:
    try:
        return loading.digest(
            RECIPE,
            streets.RECIPE,
            tiles.RECIPE,
            sources.extract,
            sources.sketch,
            json.dumps(sources.boundary, sort_keys=True),
            repr((astuple(facts), sources.centre, sources.districts, sources.landmarks)),
        )
    except OSError as error:
        raise streets.Unreadable(
            f"{sources.extract} cannot be read: {error.strerror or error}"
        ) from error


def _is_up_to_date(slug: str, loaded_from: str) -> bool:
    city = City.objects.filter(slug=slug, loaded_from=loaded_from).first()
    return (
        city is not None
        # Under speed limits its name has a tail.
        and routing.version(slug).partition("-")[0] == city.streets_version
        and (routing.folder(slug) / loading.SOURCE).exists()
        and (routing.folder(slug) / city.streets_version).is_dir()
        and tiles.folder(slug, city.tiles_version).is_dir()
    )


def _box(boundary: dict[str, Any] | None) -> tuple[float, float, float, float] | None:
    if boundary is None:
        return None
    west, south, east, north = geometry.bounds(boundary)
    return west - BEYOND, south - BEYOND, east + BEYOND, north + BEYOND


def _dry(boundary: dict[str, Any], sketch: Path | None) -> dict[str, Any]:
    """Return the edge less the sea of the sketch: nobody is picked up in the water."""
    if sketch is None:
        return boundary
    features = json.loads(sketch.read_text())["features"]
    seas = [f["geometry"] for f in features if f["properties"]["kind"] == "sea"]
    return geometry.without(boundary, [sea for sea in seas if sea["type"].endswith("Polygon")])


def _middle(places: Sequence[Named]) -> Point:
    """Return the crossing or street nearest to the middle of all, where a map may begin."""
    if not places:
        raise streets.Unreadable("no street in the city has a name")
    middle = Point(
        lat=sum(place.point.lat for place in places) / len(places),
        lon=sum(place.point.lon for place in places) / len(places),
    )
    return min((p.point for p in places), key=lambda p: geometry.metres_between(p, middle))


def _told_apart(places: Sequence[Named], districts: Sequence[District]) -> list[Named]:
    """Say of each place which one it is: its district, or else where two share a name."""
    alike: dict[tuple[str, str], list[Named]] = {}
    for place in places:
        alike.setdefault((place.kind, place.name), []).append(place)
    crossings = [place for place in places if place.kind == "CROSSING"]
    details = [""] * len(places)
    for district in reversed(districts):
        is_in = geometry.inside(district.boundary, [place.point for place in places])
        details = [district.name if i else d for i, d in zip(is_in, details, strict=True)]
    told = []
    for place, detail in zip(places, details, strict=True):
        if not detail and len(alike[place.kind, place.name]) > 1:
            detail = _near(place, crossings)
        told.append(replace(place, detail=detail))
    return told


def _near(place: Named, crossings: Sequence[Named]) -> str:
    """Name the weightiest other street that crosses near by, if one does."""
    mine = set(place.search.split())
    close = [
        other
        for other in crossings
        if not mine & set(other.search.split())
        and abs(other.point.lat - place.point.lat) < 0.01
        and geometry.metres_between(other.point, place.point) < 600
    ]
    return max(close, key=lambda other: other.weight).name if close else ""


def landmark(name: str, lat: float, lon: float) -> Named:
    """Return a landmark as the search will hold it."""
    return Named("LANDMARK", name, names.plain(name), Point(lat=lat, lon=lon), 1.0)
