import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.insight import measures, rows


class Command(BaseCommand):
    help = (
        "Makes a day's figures on rides anew from a sheet of export_metrics_rows, and from nothing "
        "else: it needs no database. They are those of /mds/metrics, figure by figure."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("sheet", type=Path, help="the CSV")
        parser.add_argument(
            "--k", type=int, default=measures.K, help="no figure about fewer people (3)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with options["sheet"].open(newline="") as sheet:
                found = rows.read(sheet)
        except (OSError, rows.NoSheet) as error:
            raise CommandError(f"{options['sheet']}: {error}") from error
        told = {"k_value": options["k"], "tables": measures.told(found, options["k"])}
        self.stdout.write(json.dumps(told, indent=1))
