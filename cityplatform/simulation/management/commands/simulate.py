import asyncio
import json
import logging
import signal
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cityplatform.simulation import Crowd, Options, Simulation, TooFew, load

# Of the rides of an hour so many are under way at once, with room to spare.
RIDERS_FOR_A_RIDE = 2 / 3
FEWEST_RIDERS = 20


class Command(BaseCommand):
    help = "Play drivers and riders in a running demo, over its public API."

    def add_arguments(self, parser: CommandParser) -> None:
        usual = Options()
        parser.add_argument("--url", default=settings.ENV.get("WEB_URL", ""))
        parser.add_argument("--drivers", type=int, default=usual.drivers)
        parser.add_argument("--riders-per-hour", type=float, default=usual.riders_per_hour)
        parser.add_argument("--seed", type=int, default=usual.seed)
        parser.add_argument("--speed", type=float, default=usual.speed, help="press time")
        parser.add_argument("--rides", type=int, help="end after so many rides")
        parser.add_argument(
            "--patience",
            type=float,
            default=usual.patience,
            help="seconds that rides at hand may take to end after the first Ctrl-C",
        )
        parser.add_argument("--json", action="store_true", help="print the figures of the run")

    def handle(self, *args: Any, **told: Any) -> None:
        if settings.MODE == "production":
            raise CommandError("In production people come by themselves.")
        if not told["url"]:
            raise CommandError("No city runs here: start one with make demo, or name its --url.")
        if told["riders_per_hour"] <= 0 or told["speed"] <= 0 or told["drivers"] < 0:
            raise CommandError("Riders per hour and speed are more than nothing.")
        names = ("drivers", "riders_per_hour", "seed", "speed", "rides", "patience")
        options = Options(**{name: told[name] for name in names})
        say = None if told["json"] else self._say
        # A line for every call would hide the line of progress.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        simulation = Simulation(told["url"], self._crowd(options), options, say)
        asyncio.run(self._run(simulation))
        summary = simulation.summary().as_dict()
        if told["json"]:
            self.stdout.write(json.dumps(summary, indent=1))
        else:
            for name, value in summary.items():
                self.stdout.write(f"{name.replace('_', ' '):20} {value}")

    async def _run(self, simulation: Simulation) -> None:
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, simulation.stop)
        await simulation.run()

    def _crowd(self, options: Options) -> Crowd:
        """The people to be played; who is missing signs up first."""
        file = settings.DATA_DIR / "crowd.json"
        riders = max(FEWEST_RIDERS, int(options.riders_per_hour * RIDERS_FOR_A_RIDE))
        try:
            crowd = load(file)
            if len(crowd.drivers) >= options.drivers and len(crowd.riders) >= riders:
                return crowd
        except TooFew:
            pass
        call_command("seed_demo", crowd=[options.drivers, riders], stdout=self.stderr)
        return load(file)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
