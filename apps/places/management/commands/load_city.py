import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.text import slugify

from apps.kernel import clock
from apps.kernel.actors import Actor
from apps.places import geometry, loading, opening, operations, streets, tiles


class Command(BaseCommand):
    help = (
        "Opens a city from an OpenStreetMap extract: routes, map and search. "
        "Run it again with a newer extract to bring the city up to date."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("extract", type=Path, help="the extract, a .osm.pbf or .osm file")
        parser.add_argument("--name", required=True, help="the city's name, as in Antofagasta")
        parser.add_argument("--tz", required=True, help="its time zone, as in America/Santiago")
        parser.add_argument("--currency", required=True, help="its currency, as in CLP")
        parser.add_argument("--locale", required=True, help="language and country, as in es-cl")
        parser.add_argument(
            "--emergency", default="112", help="its emergency number; 112 if left out"
        )
        parser.add_argument("--slug", help="its name in addresses; made from the name if left out")
        parser.add_argument(
            "--boundary",
            type=Path,
            metavar="GEOJSON",
            help="the city's edge; the ground that the streets cover if left out",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            facts = operations.Facts(
                slug=options["slug"] or slugify(options["name"]),
                name=options["name"],
                timezone=options["tz"],
                currency=options["currency"],
                locale=options["locale"].lower(),
                emergency_phone=options["emergency"],
            )
        except operations.Unfit as error:
            raise CommandError(str(error)) from error
        boundary = options["boundary"] and read_boundary(options["boundary"])
        sources = opening.Sources(extract=options["extract"], boundary=boundary)
        open_city(self, facts, sources)


def open_city(command: BaseCommand, facts: operations.Facts, sources: opening.Sources) -> None:
    """Open a city and say so, step by step; a fault in the sources ends the command."""
    try:
        city = opening.open_from(
            facts,
            sources,
            by=Actor.system("places"),
            at=clock.now(),
            say=lambda line: command.stdout.write(f"{facts.name}: {line}"),
        )
    except (streets.Unreadable, loading.Failed, tiles.Malformed) as error:
        raise CommandError(str(error)) from error
    if city is None:
        command.stdout.write(f"{facts.name}: nothing to do")


def read_boundary(path: Path) -> dict[str, Any]:
    """Read a city's edge from a GeoJSON file."""
    try:
        return geometry.multipolygon(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} is not the edge of a city: {error}") from error
