from typing import Any

from django.core.management.base import BaseCommand

from apps.audit import operations
from apps.kernel import clock


class Command(BaseCommand):
    help = "Seal what was written to the append-only logs since their last seals."

    def handle(self, *args: Any, **options: Any) -> None:
        made = operations.seal_all(at=clock.now())
        for each in made:
            self.stdout.write(f"{each.stream}: seal {each.number}, {each.rows} rows")
        if not made:
            self.stdout.write("nothing to seal")
