from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.audit import operations


class Command(BaseCommand):
    help = "Check every sealed log against its seals.  Fails where a log was bent."

    def handle(self, *args: Any, **options: Any) -> None:
        verdicts = [operations.verify(stream=name) for name in operations.names()]
        for verdict in verdicts:
            said = verdict.fault or "as sealed"
            self.stdout.write(
                f"{verdict.stream}: {verdict.seals} seals, {verdict.rows} rows, {said}"
            )
        if any(verdict.fault for verdict in verdicts):
            raise CommandError("a log is not what was sealed")
