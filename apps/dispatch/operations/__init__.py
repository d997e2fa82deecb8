"""Dispatch: the engine for anything that someone near enough, and free now, can do.

The three verbs of every engine, `hold`, `confirm` and `release`, live in `jobs` beside
`put_back`; the question and the answer in `offers`; a worker's time on the line in `shifts`;
what the passing of time does in `tidying`.
Locks are taken in this order: job, shift, offer, run.
"""

from apps.dispatch.operations.jobs import Trip, confirm, hold, put_back, redirect, release
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
    "hold",
    "limit_shift",
    "offer",
    "pause_shift",
    "put_back",
    "redirect",
    "release",
    "resume_shift",
    "start_shift",
    "tidy",
]
