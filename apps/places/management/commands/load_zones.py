import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.text import slugify

from apps.kernel import clock
from apps.kernel.actors import Actor
from apps.places import geometry, operations
from apps.places.models import City, Zone


class Command(BaseCommand):
    help = (
        "Draws the zones of a city from a GeoJSON FeatureCollection. Each feature has a name, and "
        "if need be a slug and a kind. Run it again to bring them up to date."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("city", help="the city's slug, as in la-serena")
        parser.add_argument("file", type=Path, help="the zones, a GeoJSON file")
        parser.add_argument("--dry-run", action="store_true", help="only say what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        city = City.objects.filter(slug=options["city"]).first()
        if city is None:
            raise CommandError(f"There is no city {options['city']!r}.")
        zones = read_zones(options["file"])
        with transaction.atomic():
            new, changed = operations.draw_zones(
                city_id=city.pk, districts=zones, by=Actor.system("places"), at=clock.now()
            )
            if options["dry_run"]:
                transaction.set_rollback(True)
        same = len(zones) - new - changed
        would = "would be " if options["dry_run"] else ""
        self.stdout.write(f"{city.name}: {new} new, {changed} changed, {same} {would}as they were")


def read_zones(path: Path) -> list[operations.District]:
    """Read zones from a GeoJSON file, and say which feature cannot be one."""
    try:
        features = json.loads(path.read_text())["features"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} is not a GeoJSON FeatureCollection: {error}") from error
    zones: dict[str, operations.District] = {}
    for place, feature in enumerate(features, start=1):
        try:
            zone = _zone(feature)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CommandError(f"feature {place} of {path} is not a zone: {error}") from error
        if zone.slug in zones:
            raise CommandError(f"feature {place} of {path}: {zone.slug!r} stands there twice")
        zones[zone.slug] = zone
    return list(zones.values())


def _zone(feature: dict[str, Any]) -> operations.District:
    told = feature["properties"]
    name = str(told["name"]).strip()
    slug = slugify(str(told.get("slug") or name))
    if not slug or len(slug) > 50 or len(name) > 100:
        raise ValueError(f"{name!r} is no name for a zone")
    kind = Zone.Kind(str(told.get("kind") or Zone.Kind.DISTRICT).upper())
    return operations.District(slug, name, geometry.multipolygon(feature["geometry"]), kind)
