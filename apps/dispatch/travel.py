"""Travel times for the policy, by the streets of a city."""

import numpy as np

from apps.dispatch.policy import Pairs, Travel, Ways, straight_line
from apps.places import routing
from apps.places.geometry import Point

# Of each job's cars so many, the nearest in a straight line, are measured by street, as long as
# the batch allows it: a batch must be done while its positions are still true.
MEASURED = 10
MEASURED_IN_A_BATCH = 2_000


def by_streets(city_slug: str) -> Travel:
    """Return a way of measuring travel by the streets of this city.

    Far cars, and all cars where no streets are to be had, are measured in a straight line and
    marked so; beside measured ones the estimates are stretched by what was found in the batch.
    """
    crow = straight_line()

    def travel(pairs: Pairs) -> Ways:
        ways = crow(pairs)
        guessed = ways.seconds.copy()
        for job in np.unique(pairs.job):
            mine = np.flatnonzero(pairs.job == job)
            mine = mine[np.argsort(pairs.straight[mine], kind="stable")][:MEASURED]
            table = routing.table(
                city_slug,
                [Point(car.lat, car.lon) for car in (pairs.cars[i] for i in pairs.car[mine])],
                [Point(pairs.jobs[job].lat, pairs.jobs[job].lon)],
            )
            if table.is_estimate:
                break
            ways.seconds[mine] = table.seconds[:, 0]
            ways.metres[mine] = table.metres[:, 0]
            ways.is_estimate[mine] = False
            if np.count_nonzero(~ways.is_estimate) >= MEASURED_IN_A_BATCH:
                break
        known = ~ways.is_estimate & np.isfinite(ways.seconds) & (guessed > 0)
        if known.any():
            slower = float(np.median(ways.seconds[known] / guessed[known]))
            ways.seconds[ways.is_estimate] *= slower
        return ways

    return travel
