"""D12: the line to the gateway breaks in every way, at every operation, and nothing comes twice.

The faults stand between the city's own adapter and the real sandbox: the gateway did what it was
asked, or did not, and the city cannot know.  Holds Saleor #18196 (a failed payment rolled back
with what was noted of it) and the SDK's own second try, which has to carry the same key.
"""

from itertools import cycle

import pytest

from apps.payments.gateway import asking
from apps.payments.models import PayoutAccount
from tests.proof.money.people import Lives
from tests.proof.money.steps import STEPS, sweep

pytestmark = [
    pytest.mark.proof("--faults"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("audited"),
]

QUICK = ("before", "after", "reset", "garbled", "cut", "busy", 429, 409, 500, 503)


def go_wrong(step, how, lives, line, counting):
    life = lives.next()
    for before in step.before:
        before(life)
    broken_for(line, how, step.do, life)
    assert not step.is_done(life), (step.name, how)
    sweep()
    assert step.is_done(life), f"{step.name} after {how} did not come right in one sweep"
    return note(counting, step, how, line)


def broken_for(line, how, do, life):
    """The line breaks as often as somebody asks: the SDK tries most things twice by itself."""
    line.went_wrong.clear()
    line.goes_wrong = lambda: how
    try:
        do(life)
    finally:
        line.goes_wrong = lambda: None
    assert line.went_wrong.total() >= 1, how


def note(counting, step, how, line) -> int:
    times = line.went_wrong.total()
    counting.injected[f"line: {how} at {step.name}"] += times
    return times


@pytest.mark.parametrize("name", STEPS)
def test_every_way_in_which_a_line_breaks_is_mended_by_one_sweep(name, town, line, counting):
    lives, done = Lives(town, counting.chance(f"line/{name}")), 0
    if name == "pay out":
        # Their account is there already, so that it is the transfer that goes wrong.
        first = lives.next()
        for step in (*STEPS["pay out"].before, STEPS["pay out"].do):
            step(first)
        assert PayoutAccount.objects.filter(provider=town.provider).exists()
    for how in cycle(QUICK):
        done += go_wrong(STEPS[name], how, lives, line, counting)
        if done >= counting.share("line") / len(STEPS) and how == QUICK[-1]:
            break


@pytest.mark.parametrize("name", STEPS)
def test_an_answer_that_comes_when_nobody_listens_any_more(name, town, line, counting, monkeypatch):
    lives = Lives(town, counting.chance(f"late/{name}"))
    life = lives.next()
    for before in STEPS[name].before:
        before(life)
    with monkeypatch.context() as hasty:
        hasty.setattr(asking, "TIMEOUT", 0.5)
        broken_for(line, "late", STEPS[name].do, life)
    sweep()
    assert STEPS[name].is_done(life)
    note(counting, STEPS[name], "late", line)


def test_a_providers_account_is_opened_once_however_the_line_breaks(town, line, counting):
    """The first payout opens the account: it may be there, though nobody heard of it."""
    step, lives = STEPS["pay out"], Lives(town, counting.chance("account"))
    for how in QUICK:
        go_wrong(step, how, lives, line, counting)
        PayoutAccount.objects.all().delete()
    accounts = town.bank.client().v1.accounts.list({"limit": 100}).data
    assert [account.metadata["provider"] for account in accounts] == [str(town.provider.ref)]
