"""Hours of work within a day: what is full, what is left, and what has fallen out of the count."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.dispatch.hours import DAY, time_left, worked
from tests.factories import NOON

H = timedelta(hours=1)


def shifts(*hours):
    """Shifts from so many hours before noon to so many before noon."""
    return [(NOON - begin * H, NOON - end * H) for begin, end in hours]


@pytest.mark.parametrize(
    ("past", "most", "left"),
    [
        # Nothing behind them: the whole of it.
        ([], 10, 10),
        # Eight hours just now: two are left.
        ([(8, 0)], 10, 2),
        ([(10, 0)], 10, 0),
        ([(12, 0)], 10, 0),
        # Six yesterday afternoon, of which one hour falls out of the day with each that is worked.
        ([(24, 18)], 10, 10),
        ([(23, 17)], 10, 10),
        # Ten that began 20 hours ago and two this morning: full now.
        ([(20, 10), (2, 0)], 12, 0),
        # One short of it when the old ones begin to fall out in four hours: three are left.
        ([(20, 12), (1, 0)], 12, 3),
        # Full is full, also while old ones fall out as fast as new ones come.
        ([(24, 20), (4, 0)], 8, 0),
        ([(23, 21)], 3, 1),
        # As many as a day has: never.
        ([(8, 0)], 24, 16),
        ([(30, 25)], 25, None),
    ],
)
def test_the_time_left(past, most, left):
    found = time_left(shifts(*past), most * H, NOON)

    assert (found if found is None else found / H) == left


@given(
    st.lists(st.tuples(st.integers(1, 160), st.integers(1, 40)), max_size=4),
    st.integers(1, 100),
)
def test_working_on_until_then_fills_it_and_no_moment_before(quarters, most_quarters):
    """Against counting it out, quarter of an hour by quarter of an hour."""
    quarter, past, edge = H / 4, [], 0
    for gap, length in quarters:
        past.append((NOON - (edge + gap + length) * quarter, NOON - (edge + gap) * quarter))
        edge += gap + length
    most = most_quarters * quarter
    found = time_left(past, most, NOON)
    full = (
        step * quarter
        for step in range(97)
        if worked([*past, (NOON, NOON + step * quarter)], NOON + step * quarter) >= most
    )
    assert found == next(full, None)
    if found is not None:
        assert found <= DAY
