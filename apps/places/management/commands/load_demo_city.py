from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.places import loading
from apps.places.demo import la_serena, network
from apps.places.management.commands.load_city import open_city


class Command(BaseCommand):
    help = "Opens the demo city, La Serena and Coquimbo, from the network inside aequilibrae."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.MODE == "production":
            raise CommandError("the demo city is for MODE=demo and MODE=test")
        try:
            extract = demo_extract(Path(settings.DATA_DIR))
        except network.Missing as error:
            raise CommandError(str(error)) from error
        open_city(self, la_serena.facts(), la_serena.sources(extract))


def demo_extract(folder: Path) -> Path:
    """Return the demo city's streets as an extract, converted once per archive."""
    archive = network.archive()
    extract = folder / f"la-serena-{loading.digest(archive, network.RECIPE)}.osm.pbf"
    if not extract.exists():
        folder.mkdir(parents=True, exist_ok=True)
        network.convert(archive, extract)
    return extract
