"""How people are: how long they think, how often they say no.  Seconds are the city's own."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Habits:
    """Shares are of 1, times in seconds from the shortest to the longest."""

    # riders
    choosing: tuple[float, float] = (6, 40)
    changes_mind: float = 0.08
    watches_by_socket: float = 0.4
    looks_every: tuple[float, float] = (5, 9)
    calls_off: float = 0.05
    patience: tuple[float, float] = (40, 400)
    # Without a driver; the city itself stops looking after ten minutes of real time.
    waits_at_most: float = 1800
    does_not_come: float = 0.01
    comes_out: tuple[float, float] = (15, 90)
    rates: float = 0.6
    stops_over: float = 0.06
    # The city lets a car wait for three minutes.
    at_stop: tuple[float, float] = (20, 150)
    # drivers
    answering: tuple[float, float] = (1.5, 7)
    declines: float = 0.08
    lets_lapse: float = 0.03
    gives_back: float = 0.01
    roams: float = 0.5
    idles: tuple[float, float] = (60, 400)
    works: tuple[float, float] = (3 * 3600, 9 * 3600)
    works_until_lunch: tuple[float, float] = (1.5 * 3600, 4 * 3600)
    lunches: tuple[float, float] = (1200, 2700)
    rests: tuple[float, float] = (1800, 7200)
    on_line_within: float = 60
    loses_line_every: float = 1800
    is_away: tuple[float, float] = (5, 40)
    pace: tuple[float, float] = (0.85, 1.15)


# People without a minute to lose: for tests.
HASTY = Habits(
    choosing=(0.1, 0.5),
    changes_mind=0,
    looks_every=(0.4, 0.8),
    calls_off=0,
    does_not_come=0,
    comes_out=(0.1, 0.4),
    at_stop=(0.1, 0.5),
    answering=(0.1, 0.5),
    declines=0.1,
    lets_lapse=0,
    gives_back=0,
    roams=0,
    on_line_within=0.5,
    loses_line_every=60,
    is_away=(0.5, 2),
)


def between(chance: Random, span: tuple[float, float]) -> float:
    return chance.uniform(*span)


@dataclass(frozen=True, slots=True)
class Trip:
    """All that a rider decides about one ride, before they ask for it."""

    start: int
    end: int
    blur: tuple[float, float, float, float]
    kind: str
    choosing: float
    changes_mind: bool
    by_socket: bool
    looks_every: float
    calls_off_after: float | None
    comes: bool
    comes_out: float
    stars: int | None
    over: int | None


def trip(chance: Random, habits: Habits, places: int, hour: int) -> Trip:
    """Decide on a ride between places of the city.  Always takes the same draws from the stream.

    In the morning people go from where they live to where there is something, in the evening
    back, and in between from anywhere to anywhere.  `blur` is how many metres each end lies
    off its landmark, north and east: somebody's door.
    """
    start, end = chance.sample(range(places), 2)
    near, far = 120.0, 700.0
    out, back = (far, near) if 5 <= hour < 11 else (near, far) if hour >= 17 else (near, near)
    north, east, south, west = (chance.gauss(0, 1) for _ in range(4))
    kind = chance.choices(["standard", "large", "accessible"], [88, 8, 4])[0]
    choosing = between(chance, habits.choosing)
    changes_mind = chance.random() < habits.changes_mind
    by_socket = chance.random() < habits.watches_by_socket
    looks_every = between(chance, habits.looks_every)
    calls_off, patience = chance.random() < habits.calls_off, between(chance, habits.patience)
    comes, comes_out = chance.random() >= habits.does_not_come, between(chance, habits.comes_out)
    rates, stars = (
        chance.random() < habits.rates,
        chance.choices([5, 4, 3, 2, 1], [70, 20, 6, 2, 2]),
    )
    stops_over, over = chance.random() < habits.stops_over, chance.randrange(places)
    return Trip(
        start=start,
        end=end,
        blur=(north * out, east * out, south * back, west * back),
        kind=kind,
        choosing=choosing,
        changes_mind=changes_mind,
        by_socket=by_socket,
        looks_every=looks_every,
        calls_off_after=patience if calls_off else None,
        comes=comes,
        comes_out=comes_out,
        stars=stars[0] if rates else None,
        over=over if stops_over and over not in (start, end) else None,
    )
