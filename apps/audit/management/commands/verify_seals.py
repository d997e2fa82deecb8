from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.audit import queries
from apps.audit.seals import names


class Command(BaseCommand):
    help = "Check every sealed log against its seals.  Fails where a log was bent."

    def handle(self, *args: Any, **options: Any) -> None:
        verdicts = [queries.verify(name) for name in names()]
        for verdict in verdicts:
            said = f"{len(verdict.faults)} faults" if verdict.faults else "as sealed"
            self.stdout.write(
                f"{verdict.stream}: {verdict.seals} seals, {verdict.rows} rows, {said}"
            )
            for fault in verdict.faults:
                self.stdout.write(f"{verdict.stream}: {fault}")
        if any(verdict.faults for verdict in verdicts):
            raise CommandError("a log is not what was sealed")
