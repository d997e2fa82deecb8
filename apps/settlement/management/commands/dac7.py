"""`manage.py dac7 2026`: what every provider was paid in a year, for the tax office."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.places.models import City
from apps.settlement import queries_tax, reports


class Command(BaseCommand):
    help = "Report per provider and quarter what was paid, for how many orders, and what was kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("year", type=int)
        parser.add_argument("--city", help="the city's short name; unless said, the only one")
        parser.add_argument("--format", choices=["csv", "xml"], default="csv")

    def handle(self, *args: Any, year: int, city: str | None, format: str, **options: Any) -> None:
        if not 2000 <= year <= 9998:
            raise CommandError(f"{year} is no year of this city")
        cities = City.objects.filter(slug=city) if city else City.objects.all()
        if len(cities) != 1:
            names = ", ".join(City.objects.order_by("slug").values_list("slug", flat=True))
            raise CommandError(f"say which city with --city: {names}")
        years = queries_tax.year_of(cities[0], year)
        write = reports.as_xml if format == "xml" else reports.as_csv
        self.stdout.write(write(years, year), ending="")
