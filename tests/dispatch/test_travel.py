"""Ways by the streets of a city, and without them."""

import numpy as np
import pytest

from apps.dispatch import policy, travel
from apps.dispatch.policy import Car, Pairs, Request
from apps.places import routing
from apps.places.geometry import metres_between
from tests.dispatch.scenes import BEACH, PLAZA
from tests.dispatch.test_telemetry import north

SLUG = "la-serena"
NOON = 1_000_000.0


def pairs(*places):
    """Each of these cars to one job at the plaza."""
    return Pairs(
        jobs=[Request(1, PLAZA.lat, PLAZA.lon, asked_at=NOON, since=NOON, until=NOON + 600)],
        cars=[Car(i, place.lat, place.lon, seen_at=NOON) for i, place in enumerate(places)],
        job=np.zeros(len(places), dtype=np.int64),
        car=np.arange(len(places)),
        straight=np.array([metres_between(PLAZA, place) for place in places]),
    )


@pytest.mark.usefixtures("no_streets")
def test_without_streets_every_way_is_a_straight_line_and_says_so():
    asked = pairs(north(500), BEACH)

    ways = travel.by_streets(SLUG)(asked)

    assert ways.is_estimate.all()
    assert ways.metres == pytest.approx(asked.straight * 1.3)
    assert ways.seconds == pytest.approx(asked.straight * 1.3 / (24 / 3.6))


@pytest.mark.usefixtures("la_serena_streets")
class TestByTheStreets:
    def test_the_nearest_are_measured_from_the_car_to_the_rider(self):
        ways = travel.by_streets(SLUG)(pairs(north(500), BEACH))

        route = routing.route(SLUG, [BEACH, PLAZA])
        assert not ways.is_estimate.any()
        assert ways.seconds[1] == pytest.approx(route.seconds, rel=0.01)
        assert ways.metres[1] == pytest.approx(route.metres, rel=0.01)

    def test_the_farther_are_estimates_stretched_to_what_the_streets_are_like(self):
        asked = pairs(*(north(100 * i) for i in range(1, 13)))

        ways = travel.by_streets(SLUG)(asked)

        assert ways.is_estimate.tolist() == [False] * 10 + [True] * 2
        crow = policy.straight_line()(asked).seconds
        slower = np.median(ways.seconds[:10] / crow[:10])
        assert ways.seconds[10:] == pytest.approx(crow[10:] * slower)
