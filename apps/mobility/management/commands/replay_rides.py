import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.mobility import replay


class Command(BaseCommand):
    help = "Replay a real day of a city through the dispatch of today, in simulated time."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("trips", type=Path, help="rides as they were: .csv or .csv.gz")
        parser.add_argument(
            "--shifts", type=Path, required=True, help="cars on the line: .csv or .csv.gz"
        )
        parser.add_argument("--speed", type=float, default=24.0, help="km/h in the streets (24)")
        parser.add_argument(
            "--window", type=float, default=10.0, help="seconds of a batch, 0 for none (10)"
        )
        parser.add_argument(
            "--patience", type=float, default=600.0, help="seconds until a rider gives up (600)"
        )
        parser.add_argument("--json", action="store_true", help="figures as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            day = replay.read(options["trips"], options["shifts"])
            figures = replay.replay(
                day,
                kmh=options["speed"],
                window=options["window"],
                patience=options["patience"],
            )
        except (replay.NoDay, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        for row in day.bad_rows:
            self.stderr.write(str(row))
        told = {
            "trips": figures.trips,
            "served": figures.served,
            "served_share": round(figures.served_share, 4),
            "mean_wait_s": round(figures.mean_wait_seconds, 1),
            "p95_wait_s": round(figures.p95_wait_seconds, 1),
            "empty_km_per_trip": round(figures.empty_km_per_trip, 3),
            "bad_rows": len(day.bad_rows),
            "speed_kmh": options["speed"],
            "window_s": options["window"],
            "patience_s": options["patience"],
            "cpu_s": round(figures.cpu_seconds, 2),
        }
        if options["json"]:
            self.stdout.write(json.dumps(told))
            return
        self.stdout.write(
            "{trips} trips, {served} served ({served_share:.1%})\n"
            "wait {mean_wait_s} s on average, {p95_wait_s} s for 19 of 20\n"
            "{empty_km_per_trip} km empty for each trip; {cpu_s} s of CPU".format(**told)
        )
