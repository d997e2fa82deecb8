"""Who is asked for which job."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.dispatch import policy, solver
from apps.dispatch.policy import Car, Request

NOON = 1_000_000.0
EAST = 100 / 111_195 / math.cos(math.radians(-29.9))  # degrees of longitude in 100 metres


def job(id, hundreds_of_metres, **told):
    told = {"asked_at": NOON, "since": NOON} | told
    told.setdefault("until", told["since"] + 600)
    return Request(id, -29.9, -71.25 + hundreds_of_metres * EAST, **told)


def car(id, hundreds_of_metres, **told):
    told = {"seen_at": NOON} | told
    return Car(id, -29.9, -71.25 + hundreds_of_metres * EAST, **told)


def plan(jobs, cars, at=NOON, patience=600.0, travel=None):
    matches = policy.plan(jobs, cars, travel or policy.straight_line(), at=at, patience=patience)
    return {match.job: match.car for match in matches}


class TestPlan:
    def test_the_nearest_car_is_asked(self):
        assert plan([job(1, 0)], [car(7, 9), car(8, 3), car(9, -5)]) == {1: 8}

    def test_the_sum_of_the_ways_counts_not_who_came_first(self):
        # Job 1 alone would take car 8, and leave job 2 with 1,900 m instead of 200.
        jobs, cars = [job(1, 0), job(2, 7)], [car(7, -12), car(8, 5)]

        assert plan(jobs, cars) == {1: 7, 2: 8}

    def test_a_car_that_becomes_free_goes_to_the_nearest_who_waits(self):
        jobs = [job(1, 0, asked_at=NOON - 60, since=NOON - 60), job(2, 4)]

        assert plan(jobs, [car(7, 5)]) == {2: 7}

    def test_in_the_last_tenth_of_the_search_waiting_counts_more_than_nearness(self):
        # 595 s waited: 55 s over 540, counted double, against 400 m or 78 s of way.
        jobs = [job(1, 0, asked_at=NOON - 595), job(2, 4)]

        assert plan(jobs, [car(7, 4)]) == {1: 7}

    def test_as_many_as_can_be_get_a_car_even_if_the_ways_become_longer(self):
        # 3,000 m are 585 s: in time, and better than leaving job 2 where it stands.
        jobs, cars = [job(1, 0), job(2, -28)], [car(7, 1), car(8, 29)]

        assert plan(jobs, cars) == {1: 8, 2: 7}

    def test_a_car_that_cannot_be_there_in_time_is_not_asked(self):
        # 3,000 m x 1.3 at 24 km/h are 585 s.
        late = job(1, 0, asked_at=NOON - 16, since=NOON - 16)

        assert plan([job(1, 0)], [car(7, 30)]) == {1: 7}
        assert plan([late], [car(7, 30)]) == {}

    def test_who_was_given_back_keeps_the_place_in_the_queue_but_has_patience_anew(self):
        given_back = job(1, 0, asked_at=NOON - 1200, since=NOON)

        assert plan([given_back, job(2, 9)], [car(7, 10)]) == {1: 7}

    def test_seats_abilities_and_refusals_are_kept_even_if_every_near_car_fails(self):
        near = [car(i, i / 100) for i in range(100, 130)]
        wheelchair = car(7, 20, abilities=frozenset({"accessible"}))
        large = car(8, 21, seats=6)

        assert plan([job(1, 0, needs=frozenset({"accessible"}))], [*near, wheelchair]) == {1: 7}
        assert plan([job(1, 0, seats=6)], [*near, wheelchair, large]) == {1: 8}
        refused = frozenset(each.id for each in near)
        assert plan([job(1, 0, excluded=refused)], [*near, wheelchair]) == {1: 7}
        assert plan([job(1, 0, excluded=refused)], near) == {}

    def test_a_position_older_than_a_minute_says_nothing(self):
        assert plan([job(1, 0)], [car(7, 1, seen_at=NOON - 60)]) == {1: 7}
        assert plan([job(1, 0)], [car(7, 1, seen_at=NOON - 61)]) == {}

    def test_where_there_is_no_way_nobody_is_asked(self):
        def the_bridge_is_out(pairs):
            ways = policy.straight_line()(pairs)
            return policy.Ways(
                np.where(pairs.car == 0, np.inf, ways.seconds), ways.metres, ways.is_estimate
            )

        cars = [car(7, 1), car(8, 5)]
        assert plan([job(1, 0)], cars, travel=the_bridge_is_out) == {1: 8}
        assert plan([job(1, 0)], cars[:1], travel=the_bridge_is_out) == {}

    def test_it_says_why_this_car(self):
        [match] = policy.plan(
            [job(1, 0, asked_at=NOON - 42, since=NOON - 42)],
            [car(7, 3), car(8, 10)],
            policy.straight_line(),
            at=NOON,
            patience=600,
        )

        assert match.reasons == {"nearest": True, "seconds": 59, "next_seconds": 195, "waited": 42}
        assert (round(match.metres), match.is_estimate) == (390, True)

    def test_nobody_waiting_or_nobody_free_is_no_plan(self):
        assert plan([], [car(7, 0)]) == plan([job(1, 0)], []) == {}

    @pytest.mark.parametrize("count", [1, 2, 30])
    def test_the_same_input_gives_the_same_matches(self, count):
        jobs = [job(i, 3 * i) for i in range(count)]
        cars = [car(i, 2 * i) for i in range(count)]

        assert plan(jobs, cars) == plan(jobs, cars)


def cheapest(near, cost, cars, penalty):
    """Every way to do it, tried."""
    best = math.inf
    rows = range(len(near))
    options = [
        [None, *(s for s in range(near.shape[1]) if math.isfinite(cost[i, s]))] for i in rows
    ]
    for choice in itertools.product(*options):
        taken = [near[i, slot] for i, slot in enumerate(choice) if slot is not None]
        if len(set(taken)) == len(taken):
            total = sum(
                penalty[i] if slot is None else cost[i, slot] for i, slot in enumerate(choice)
            )
            best = min(best, total)
    return best


@st.composite
def problems(draw):
    cars, rows = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    width = draw(st.integers(1, cars))
    near = np.array([draw(st.permutations(range(cars)))[:width] for _ in range(rows)])
    seconds = st.one_of(st.integers(0, 600).map(float), st.just(math.inf))
    cost = np.array([[draw(seconds) for _ in range(width)] for _ in range(rows)])
    penalty = np.array([float(draw(st.integers(0, 1000))) for _ in range(rows)])
    return near, cost, cars, penalty


@given(problems())
def test_the_assignment_is_the_cheapest_there_is(problem):
    near, cost, cars, penalty = problem

    answer = solver.assign(near, cost, cars=cars, penalty=penalty)

    assert answer.shape == (len(near),)
    sent = answer[answer >= 0]
    assert len(set(sent)) == len(sent)
    total = sum(
        penalty[i] if car < 0 else cost[i, list(near[i]).index(car)] for i, car in enumerate(answer)
    )
    assert total == pytest.approx(cheapest(near, cost, cars, penalty), abs=1e-3)
