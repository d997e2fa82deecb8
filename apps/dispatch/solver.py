"""Who goes to whom, at the least cost altogether.  One function, so that it can be replaced."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

type Ints = NDArray[np.int64]
type Floats = NDArray[np.float64]

# A zero would vanish from a sparse matrix, and with it the pair.
NEXT_TO_NOTHING = 1e-6


def assign(near: Ints, cost: Floats, *, cars: int, penalty: Floats) -> Ints:
    """Return the car of each request, -1 for none, at the least sum of costs.

    Row i of `near` names the cars that request i may have and `cost` what each would cost it
    in seconds; an infinite cost means not at all.  A request that gets none costs its
    `penalty`.  Every car goes to one request at most.  Exact: sparse assignment with one
    column of its own, "nobody", for each request.
    """
    rows = len(near)
    answer = np.full(rows, -1, dtype=np.int64)
    if rows == 0 or near.shape[1] == 0:
        return answer
    cost = np.where(cost <= penalty[:, None], cost, np.inf)
    best = cost.argmin(axis=1)
    every = np.arange(rows)
    reachable = np.isfinite(cost[every, best])
    wanted = near[every, best][reachable]
    # If everybody's first choice is somebody else's, nothing can be better.
    if len(np.unique(wanted)) == len(wanted):
        answer[reachable] = wanted
        return answer
    row, column = np.nonzero(np.isfinite(cost))
    weights = np.concatenate([cost[row, column], penalty]) + NEXT_TO_NOTHING
    graph = csr_array(
        (
            weights,
            (
                np.concatenate([row, every]),
                np.concatenate([near[row, column], cars + every]),
            ),
        ),
        shape=(rows, cars + rows),
    )
    matched_rows, matched = min_weight_full_bipartite_matching(graph)
    answer[matched_rows] = np.where(matched < cars, matched, -1)
    return answer
