"""D3: while four processes book and pay, one after the other is killed or loses its database.

What was acknowledged is there; what was not is asked for again; nothing is there twice.  Holds
blnk #233 and #239 (a kill, or a stale read, between the parts of one booking).
"""

from multiprocessing.connection import Connection, wait
from threading import Event

import pytest
from django.conf import settings

from apps.ledger.models import Journal
from tests import engines
from tests.proof.money import doomed
from tests.proof.money.people import Lives
from tests.proof.money.steps import STEPS, sweep
from tests.proof.money.storm import live, member

pytestmark = [
    pytest.mark.proof("--faults"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("audited"),
]
MEMBERS = 4


class Crew:
    """Members at the end of their lines, one order each; whoever dies is replaced."""

    def __init__(self, lives: Lives) -> None:
        self.lives, self.told, self.acknowledged = lives, [], set()
        self.members = {}
        for _ in range(MEMBERS):
            self.hire()

    def hire(self) -> None:
        ours, theirs = doomed.CONTEXT.Pipe()
        args = [theirs, settings.STRIPE_API_BASE, settings.STRIPE_API_KEY]
        process = doomed.CONTEXT.Process(target=member, args=args, daemon=True)
        process.start()
        theirs.close()
        self.members[ours] = process
        self.give(ours)

    def give(self, line: Connection) -> None:
        life = self.lives.next()
        self.told.append(life)
        line.send(life)

    def listen(self, seconds: float) -> None:
        """Hear who is ready, and give each the next order."""
        for line in wait([*self.members], timeout=seconds):
            if holder := line.recv():
                self.acknowledged.add(holder)
            self.give(line)

    def kill(self, line: Connection) -> None:
        process = self.members.pop(line)
        process.kill()
        process.join(60)
        line.close()
        self.hire()

    def end(self) -> None:
        for process in self.members.values():
            process.kill()
            process.join(60)


HANG_UP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    f" WHERE application_name = '{doomed.NAME}' ORDER BY random() LIMIT 1"
)


def test_whoever_dies_while_money_moves_nothing_is_lost_and_nothing_done_twice(town, counting):
    chance, wanted, nobody = counting.chance("storm"), counting.share("storm"), Event()
    crew, injected = Crew(Lives(town, chance)), 0
    passwords = engines.engines.installation.passwords
    with engines.engines.postgres.connect(passwords["database"], engines.DATABASE) as superuser:
        superuser.autocommit = True
        while injected < wanted:
            crew.listen(0)
            nobody.wait(chance.uniform(0, 0.15))
            crew.listen(0)
            if chance.random() < 0.5:
                crew.kill(chance.choice([*crew.members]))
                counting.injected["storm: processes killed"] += 1
                injected += 1
            elif superuser.execute(HANG_UP).fetchone():
                counting.injected["storm: databases hung up"] += 1
                injected += 1
    crew.end()
    doomed.wait_until_gone()

    there = {*Journal.objects.filter(kind="storm").values_list("about", flat=True)}
    assert crew.acknowledged - there == set()
    assert crew.acknowledged, "nobody ever came to an end: the storm proves nothing"
    counting.beside["orders in the storm"] += len(crew.told)
    for life in crew.told:
        live(life)
    sweep()
    for life in crew.told:
        live(life)
    assert [life for life in crew.told if not STEPS["refund"].is_done(life)] == []
    assert Journal.objects.filter(kind="storm").count() == len(crew.told)
