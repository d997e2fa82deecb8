"""D14: the night's settlement dies on its way, is run again and run twice at once.

Everybody is paid once, and what was owed is what arrives.  Holds Spree #14606 and #14622 (a payout
never scheduled; a returned payout settled all the same).
"""

from functools import partial

import pytest
from django.db.models import Sum

from apps.kernel import clock
from apps.ledger import queries as books
from apps.settlement import operations as settlement
from apps.settlement.models import Payout
from tests.factories import ProviderFactory
from tests.payments.city import relay
from tests.proof.money import doomed
from tests.proof.money.people import Lives
from tests.proof.money.steps import authorise, capture, sweep
from tests.races import at_once

pytestmark = [
    pytest.mark.proof("--faults"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("audited"),
]
PROVIDERS = 3


def night() -> None:
    settlement.settle_all(at=clock.now())
    relay()


def owed(provider) -> int:
    return -books.balance(f"provider:{provider}:payable", "CLP").minor


def a_days_work(lives, town):
    """Three providers who have each earned the same today; their numbers."""
    numbers = []
    for _ in range(PROVIDERS):
        town.provider = ProviderFactory()
        life = lives.next()
        authorise(life)
        capture(life)
        numbers.append(life.provider)
    return numbers


def assert_paid_once(numbers):
    payouts = Payout.objects.filter(provider__in=numbers)
    assert payouts.count() == len(numbers)
    assert {payout.state for payout in payouts} == {Payout.State.PAID}
    # 2,208 of each fare is the provider's: what was owed has left, to the last peso.
    assert payouts.aggregate(sum=Sum("amount_minor"))["sum"] == 2208 * len(numbers)
    assert [owed(number) for number in numbers] == [0] * len(numbers)


def test_a_night_that_dies_anywhere_is_finished_by_the_next_and_pays_nobody_twice(town, counting):
    chance = counting.chance("night")
    lives = Lives(town, chance)
    numbers = a_days_work(lives, town)
    whole = doomed.run(night)
    assert whole
    assert_paid_once(numbers)
    wanted = counting.share("night")
    for _ in range(wanted):
        numbers = a_days_work(lives, town)
        assert [owed(number) for number in numbers] == [2208] * PROVIDERS
        if doomed.run(night, chance.randint(1, whole)) is None:
            counting.injected["night: killed"] += 1
        # A task that was not acknowledged is handed out again, and the next night comes as well.
        night()
        night()
        sweep()
        assert_paid_once(numbers)


def test_two_schedulers_and_a_task_handed_out_twice_make_one_night(town, counting):
    lives = Lives(town, counting.chance("two nights"))
    for _ in range(counting.scaled(4)):
        numbers = a_days_work(lives, town)
        results = at_once(*[partial(settlement.settle_all, at=clock.now())] * 4)
        assert not [result for result in results if isinstance(result, Exception)]
        at_once(*[relay] * 4)
        relay()
        sweep()
        assert_paid_once(numbers)
        counting.beside["nights from four sides at once"] += 1
