from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.ledger.auditing import audit


class Command(BaseCommand):
    help = "Recompute the books from their entries alone, and name whatever does not agree."

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(audit())
        for finding in findings:
            self.stdout.write(str(finding))
        if findings:
            raise CommandError("the books do not agree with their entries")
        self.stdout.write("the books agree with their entries")
