"""When Python looks for cycles that nobody can reach any more."""

import gc

# A full look goes through every object there is.  Where thousands of sockets are open that takes a
# good part of a second, in which nobody is answered, and Python's own measure has it done over and
# over: a request makes more new objects than the 2,000 after which it looks.  Almost everything
# goes by its count of references anyway; the cycles of some thousand requests are few megabytes.
YOUNG, MIDDLE, OLD = 50_000, 20, 50


def collect_rarely() -> None:
    """For a process that lasts, once it has read its code: that is never looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
