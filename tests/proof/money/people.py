"""Lives of orders at the tests' own town, each with a day of its own to be paid out on."""

from datetime import date, timedelta
from itertools import count
from random import Random
from uuid import UUID

from tests.payments.city import Town
from tests.proof.money.steps import Life


class Lives:
    """Deals out orders; their references follow from the seed."""

    def __init__(self, town: Town, chance: Random) -> None:
        self.town, self.chance, self.numbers = town, chance, count()

    def ref(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128), version=4)

    def next(self) -> Life:
        return Life(
            holder=self.ref(),
            payer=self.town.rider.pk,
            card=self.town.card.pk,
            provider=self.town.provider.pk,
            refund=self.ref(),
            # One payout a day: each life is paid out on a later one.
            day=date(2000, 1, 1) + timedelta(days=next(self.numbers)),
        )
