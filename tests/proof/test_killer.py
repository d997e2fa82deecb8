"""Whom the proof kills, how often and when: the seed decides, and nobody is left out."""

from collections import Counter

import pytest

from tests.proof.killer import NAMES, plan
from tests.proof.test_crashes import kills_for


def test_the_same_seed_kills_the_same_at_the_same_moments():
    assert plan(7, 60) == plan(7, 60)
    assert plan(7, 60) != plan(8, 60)


@pytest.mark.parametrize("seed", range(5))
def test_everybody_has_their_turn_all_along(seed):
    deaths = Counter(name for name, _ in plan(seed, 60))
    assert deaths.total() == 60
    assert {*deaths} == {*NAMES}
    assert {*deaths.values()} <= {7, 8}
    moments = [moment for _, moment in plan(seed, 60)]
    assert moments == sorted(moments)
    assert 0 <= moments[0] < 1 / 60
    assert 59 / 60 <= moments[-1] < 1


def test_three_hundred_rides_are_sixty_kills_and_few_are_three_of_each():
    assert [kills_for(rides) for rides in (20, 100, 300, 600)] == [24, 24, 60, 120]
