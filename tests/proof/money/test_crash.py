"""D4: a process of the city dies at every boundary of every operation, and what is left goes on.

Before, in and after each transaction, before and after each question to the gateway.  Holds
blnk #233 (balances and transaction written apart, a kill between them), Saleor #18196 (what was
noted of a payment rolled back with something else) and pretix #74 (money kept of what came to
nothing: each life ends in one state, at the gateway as well).
"""

from functools import partial

import pytest

from tests.proof.money import doomed
from tests.proof.money.people import Lives
from tests.proof.money.steps import STEPS, sweep

pytestmark = [
    pytest.mark.proof("--faults"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("audited"),
]


@pytest.mark.parametrize("name", STEPS)
def test_dying_at_any_boundary_of_an_operation_leaves_what_one_sweep_can_finish(
    name, town, counting
):
    step, chance = STEPS[name], counting.chance(f"crash/{name}")
    lives = Lives(town, chance)

    def prepared():
        life = lives.next()
        for before in step.before:
            before(life)
        return life

    whole = doomed.run(partial(step.do, prepared()))
    assert whole, "nobody was to die yet"
    wanted = -(-counting.share("crash") // len(STEPS))
    points = list(range(1, whole + 1)) * (wanted // whole + 1)
    for last in sorted(chance.sample(points, wanted)):
        life = prepared()
        if doomed.run(partial(step.do, life), last) is None:
            counting.injected[f"crash: {name}"] += 1
        # Whoever asked heard nothing, and asks again; then the schedule comes round once.
        step.do(life)
        sweep()
        assert step.is_done(life), f"{name}, dead at {last} of {whole}"
