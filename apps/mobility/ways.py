"""The way of a ride as its request says it: the stops, the legs between them, what lies ahead.

A request is a quote's, frozen.  `legs` are the ways between two points that follow one another,
in seconds; `stop_wait` is how long the price lets the car wait at each stop.  `turns` are the
points at which the destination was changed on the way, each with how many stops were behind it.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

type Request = Mapping[str, Any]

MOST_STOPS = 3
# How long the car waits at a stop for the price that was quoted.
STOP_WAIT = timedelta(minutes=3)


def stops(asked: Request) -> list[dict[str, Any]]:
    """The stops between pick-up and destination, in their order."""
    return list(asked.get("stops", ()))


def next_seconds(asked: Request, passed: int) -> int:
    """How long the car drives from the last stop passed to what comes next."""
    return _legs_ahead(asked, passed)[0]


def seconds_ahead(asked: Request, passed: int) -> int:
    """From there to the destination, with the waits at the stops that are left."""
    waits = (len(stops(asked)) - passed) * int(asked.get("stop_wait", 0))
    return sum(_legs_ahead(asked, passed)) + waits


def _legs_ahead(asked: Request, passed: int) -> list[int]:
    # Rides of before there were stops have one leg.
    legs: list[int] = asked.get("legs") or [asked["seconds"]]
    return legs[passed + len(asked.get("turns", ())) :]


def driven(asked: Request, passed: int) -> list[dict[str, Any]]:
    """The stops and the turns behind the car, in the order in which it came by them."""
    behind: list[dict[str, Any]] = []
    for number in range(passed + 1):
        if number:
            behind.append(stops(asked)[number - 1])
        behind += [turn for turn in asked.get("turns", ()) if turn["passed"] == number]
    return behind
