from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit import operations as audit
from apps.bus import operations as bus
from apps.kernel import clock
from apps.places.demo import Demo
from apps.places.demo.crowd import Crowd, sign_up
from apps.places.models import City


class Command(BaseCommand):
    help = "Put the people and the offers of the demo into the city.  Adds only what is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--crowd",
            nargs=2,
            type=int,
            metavar=("DRIVERS", "RIDERS"),
            help="also so many people whom programs play; their keys go to crowd.json",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.MODE == "production":
            raise CommandError("The demo's people cannot exist in production.")
        city = City.objects.order_by("pk").first()
        if city is None:
            raise CommandError("There is no city yet: run load_demo_city or load_city first.")
        demo = Demo(city=city, at=clock.now(), people_file=settings.DATA_DIR / "demo_people.json")
        for app in apps.get_app_configs():
            module = f"{app.name}.demo"
            if app.name.startswith("apps.") and find_spec(module):
                seed = getattr(import_module(module), "seed", None)
                if seed:
                    # No transaction around it: some of it asks the bank.
                    seed(demo)
                    self.stdout.write(f"{app.verbose_name}: ready")
        if options["crowd"]:
            self._gather(demo, *options["crowd"])
        self._tell_the_past()
        for person in demo.known().values():
            self.stdout.write(f"{person['role']:18} {person['email']:28} {person['password']}")

    def _tell_the_past(self) -> None:
        """Applications and cases lie weeks back: nobody opens a city whose news is weeks late."""
        while bus.relay(at=clock.now()):
            pass
        audit.seal_all(at=clock.now())

    def _gather(self, demo: Demo, drivers: int, riders: int) -> None:
        crowd = Crowd(settings.DATA_DIR / "crowd.json", drivers, riders)
        sign_up(demo, crowd)
        for app in apps.get_app_configs():
            module = f"{app.name}.demo"
            if app.name.startswith("apps.") and find_spec(module):
                join = getattr(import_module(module), "join", None)
                if join:
                    # As above: some of it asks the bank.
                    join(demo, crowd)
        # Last, so that whoever stands in the file is ready.
        crowd.write(demo)
        self.stdout.write(f"A crowd of {drivers} drivers and {riders} riders: ready")
