"""Dispatch: the engine for anything that someone near enough, and free now, can do.

The three verbs of every engine, `hold`, `confirm` and `release`, live in `jobs` beside
`pick_up` and `put_back`; the question and the answer in `offers`; a worker's time on the line in
`shifts`; what the passing of time does in `tidying`; where people were driven in `trails`.
Locks are taken in this order: job, shift, offer, run.
"""

from apps.dispatch.operations.jobs import (
    Trip,
    confirm,
    hold,
    pick_up,
    put_back,
    redirect,
    release,
    search_longer,
)
from apps.dispatch.operations.offers import (
    Busy,
    Full,
    NoSuchOffer,
    NotOnShift,
    TooLate,
    accept,
    decline,
    extend,
    offer,
)
from apps.dispatch.operations.shifts import (
    OnARun,
    OnShiftElsewhere,
    end_shift,
    limit_shift,
    pause_shift,
    resume_shift,
    start_shift,
)
from apps.dispatch.operations.tidying import tidy
from apps.dispatch.operations.trails import forget_trails, open_trail

__all__ = [
    "Busy",
    "Full",
    "NoSuchOffer",
    "NotOnShift",
    "OnARun",
    "OnShiftElsewhere",
    "TooLate",
    "Trip",
    "accept",
    "confirm",
    "decline",
    "end_shift",
    "extend",
    "forget_trails",
    "hold",
    "limit_shift",
    "offer",
    "open_trail",
    "pause_shift",
    "pick_up",
    "put_back",
    "redirect",
    "release",
    "resume_shift",
    "search_longer",
    "start_shift",
    "tidy",
]
