from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.kernel import clock
from apps.kernel.actors import Actor
from apps.places.models import City
from apps.regulation import operations
from apps.regulation.permit_sheet import KNOWN, NEW, WRONG, BadSheet, written


class Command(BaseCommand):
    help = (
        "Brings in a city's existing permits from a CSV: number, provider, vertical, valid_from, "
        "and if need be tax_id, valid_until, conditions. All of them, or none where a line is "
        "wrong. Run it again and nothing changes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the permits, a CSV file in UTF-8")
        parser.add_argument("--city", required=True, help="the city's slug, as in la-serena")
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
        parser.add_argument(
            "--report", type=Path, help="where to write what came of each line, as CSV"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        city = City.objects.filter(slug=options["city"]).first()
        if city is None:
            raise CommandError(f"There is no city {options['city']!r}.")
        try:
            rows = operations.import_permits(
                city_id=city.pk,
                content=options["file"].read_bytes(),
                is_dry_run=options["dry_run"],
                by=Actor.system("regulation"),
                at=clock.now(),
            )
        except (OSError, BadSheet) as error:
            raise CommandError(str(error)) from error
        if options["report"]:
            options["report"].write_text(written(rows), encoding="utf-8")
        wrong = [row for row in rows if row.result == WRONG]
        for row in wrong:
            self.stderr.write(f"line {row.line}: {row.words}")
        if wrong:
            raise CommandError(f"{len(wrong)} of {len(rows)} lines are wrong: nothing was written.")
        new, known = (sum(row.result == one for row in rows) for one in (NEW, KNOWN))
        would = "would be new" if options["dry_run"] else "new"
        self.stdout.write(f"{city.name}: {new} {would}, {known} known already")
