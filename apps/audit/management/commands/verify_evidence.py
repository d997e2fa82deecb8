from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit import verifying


class Command(BaseCommand):
    help = "Check an export or a proof of one event with the public key alone."
    # It asks neither the database nor the installation.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verifying.add_arguments(parser)

    def handle(
        self, *args: Any, export: Path, key: list[str], roots: Path | None, **options: Any
    ) -> None:
        try:
            is_whole = verifying.run(export, key, roots, self.stdout.write)
        except verifying.NotEvidence as error:
            raise CommandError(str(error), returncode=2) from error
        if not is_whole:
            raise CommandError("this is not what was sealed")
