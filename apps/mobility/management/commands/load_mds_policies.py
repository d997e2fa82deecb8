import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.mobility import operations
from apps.mobility.mds.reading import Unsaid
from apps.parties.models import User
from apps.places.models import City


class Command(BaseCommand):
    help = (
        "Reads policies, and with --geographies the edges that they name, from files of MDS 2.0. "
        "What our rules can say becomes zones and drafts, which officers propose and approve; "
        "what they cannot is said in words. Run it again and nothing changes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the policies, as /policies answers")
        parser.add_argument("--geographies", type=Path, help="the edges, as /geographies answers")
        parser.add_argument("--city", required=True, help="the city's slug, as in la-serena")
        parser.add_argument("--officer", required=True, help="the e-mail of whoever drafts")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be")

    def handle(self, *args: Any, **options: Any) -> None:
        city = City.objects.filter(slug=options["city"]).first()
        if city is None:
            raise CommandError(f"There is no city {options['city']!r}.")
        officer = User.objects.filter(email=options["officer"], is_staff=True).first()
        if officer is None or not officer.has_perm("regulation.propose_policy"):
            raise CommandError(f"{options['officer']} may not draft policies.")
        policies = _read(options["file"])
        edges = _read(options["geographies"]) if options["geographies"] else None
        try:
            with transaction.atomic():
                taken = operations.take_mds(
                    city_id=city.pk,
                    policies=policies,
                    geographies_told=edges,
                    officer_id=officer.pk,
                    by=officer.acting(Kind.OFFICER),
                    at=clock.now(),
                )
                if options["dry_run"]:
                    transaction.set_rollback(True)
        except Unsaid as error:
            raise CommandError(f"{options['file']}: {error}") from error
        would = "would be " if options["dry_run"] else ""
        for slug in taken.zones:
            self.stdout.write(f"zone {slug} {would}drawn")
        for version in taken.drafts:
            told = f"{version}: {version.get_kind_display()}, {version.title}"
            self.stdout.write(f"{told} {would}drafted")
        if taken.same:
            self.stdout.write(f"{taken.same} said just so already")
        for words in taken.unsaid:
            self.stdout.write(f"not taken: {words}")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read as JSON: {error}") from error
