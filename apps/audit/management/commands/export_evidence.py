from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit import keys
from apps.audit.exporting import export
from apps.audit.seals import NoSuchStream
from apps.kernel import clock


class Command(BaseCommand):
    help = "Write the sealed logs and their seals into a folder, for anybody to verify."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="a folder that is empty or not there yet")
        parser.add_argument("--stream", action="append", default=[], help="only this log")

    def handle(self, *args: Any, folder: Path, stream: list[str], **options: Any) -> None:
        try:
            rows = export(folder, stream, at=clock.now())
            key = keys.public(keys.signing_key())
        except (NoSuchStream, keys.NoKey, FileExistsError) as error:
            raise CommandError(f"{type(error).__name__}: {error}") from error
        for name, count in rows.items():
            self.stdout.write(f"{name}: {count} rows")
        self.stdout.write(f"check it with: manage.py verify_evidence {folder} --key {key}")
