"""`manage.py settle`: do not wait for the night."""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit import operations as audit
from apps.kernel import clock
from apps.places.models import City
from apps.settlement import operations, queries


class Command(BaseCommand):
    help = "Pay every provider what was booked for them and is not paid yet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--day",
            type=date.fromisoformat,
            help="the day, like 2026-11-23; unless said, today on each city's clocks",
        )

    def handle(self, *args: Any, day: date | None, **options: Any) -> None:
        at = clock.now()
        try:
            audit.require_sealed(at=at)
        except audit.NotSealed as error:
            raise CommandError(str(error)) from error
        if day is None:
            payouts = operations.settle_all(at=at)
        elif day > at.date():
            raise CommandError(f"{day} is not over yet: nothing can be settled for it")
        else:
            made = [
                operations.settle(
                    provider_id=provider_id,
                    currency=city.currency,
                    day=day,
                    by=operations.SETTLEMENT,
                    at=at,
                )
                for city in City.objects.order_by("pk")
                for provider_id in queries.providers_to_settle(city)
            ]
            payouts = [payout for payout in made if payout]
        for payout in payouts:
            self.stdout.write(f"{payout.day} {payout.whose} {payout.amount} {payout.state}")
        self.stdout.write(f"{len(payouts)} payouts")
