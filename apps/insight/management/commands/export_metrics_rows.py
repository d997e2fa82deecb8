from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.insight import rows, taken
from apps.kernel import clock
from apps.places.models import City


class Command(BaseCommand):
    help = (
        "Writes what a day's figures on rides are made from as CSV, for whoever checks them with "
        "recompute_metrics. It has no names and no points, and is not for publication all the same."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--day", type=date.fromisoformat, required=True, help="YYYY-MM-DD")
        parser.add_argument("--out", type=Path, required=True, help="the sheet to write")
        parser.add_argument("--city", help="the city's slug; without it the first city")

    def handle(self, *args: Any, **options: Any) -> None:
        cities = City.objects.order_by("pk")
        city = (cities.filter(slug=options["city"]) if options["city"] else cities).first()
        if city is None:
            raise CommandError("There is no such city.")
        found = taken.rows(city, options["day"], at=clock.now())
        try:
            with options["out"].open("w", newline="") as sheet:
                count = rows.write(found, sheet)
        except OSError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{city.name}, {options['day']}: {count} rows in {options['out']}")
