"""A run: everybody at once, to the end that was asked for, and nobody's car left in the way."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from cityplatform.simulation.crowd import Crowd, TooFew
from cityplatform.simulation.drivers import Drivers
from cityplatform.simulation.habits import Habits
from cityplatform.simulation.records import Record, Summary, summary
from cityplatform.simulation.riders import Riders
from cityplatform.simulation.world import Population, World

SAYS_EVERY = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    """What is played: how many, how fast, how long.

    `speed` presses the time of people: their thinking, waiting and driving.  Real time keeps the
    offers of the city (fifteen seconds), its free minutes and the positions (every four to five
    seconds); and since the city believes no car beyond 60 m/s, ours never pass 45, so that at a
    speed above about 3 fast roads are not driven that much faster.
    `places` is to how many of its landmarks, those around one of them, people keep; None: to all.
    `patience` is how many real seconds rides at hand may take to end once we are to stop.
    """

    drivers: int = 40
    riders_per_hour: float = 120
    seed: int = 7
    speed: float = 1
    rides: int | None = None
    places: int | None = None
    patience: float = 600
    habits: Habits = field(default_factory=Habits)


class Simulation:
    """One run against the city at `url`.  `records` fills while it runs."""

    def __init__(
        self,
        url: str,
        crowd: Crowd,
        options: Options | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.crowd = crowd
        self.options = options or Options()
        self.say = say
        self.world: World | None = None
        self.began = time.monotonic()
        self._playing: asyncio.Task[None] | None = None
        self._stops = 0
        if len(crowd.drivers) < self.options.drivers or not crowd.riders:
            raise TooFew(
                f"the crowd has {len(crowd.drivers)} drivers and {len(crowd.riders)} riders"
            )

    @property
    def records(self) -> list[Record]:
        """Every order that our people were told of, as they were told."""
        return list(self.world.records.values()) if self.world else []

    def summary(self) -> Summary:
        assert self.world is not None
        return summary(self.records, self.world.tally, time.monotonic() - self.began)

    def stop(self) -> None:
        """Begin nothing new and end what is under way; asked twice, leave at once.

        To be called in the loop that runs it.
        """
        self._stops += 1
        if self.world:
            self.world.closing.set()
        if self._playing and self._stops > 1:
            self._playing.cancel()

    async def run(self) -> Summary:
        """Play until everything that was asked for has ended, or until `stop`."""
        self.began = time.monotonic()
        limits = httpx.Limits(max_connections=48, max_keepalive_connections=24)
        async with httpx.AsyncClient(
            base_url=f"{self.url}/api/v1/", limits=limits, timeout=20, trust_env=False
        ) as http:
            options = self.options
            self.world = World(
                self.url,
                http,
                self.crowd,
                seed=options.seed,
                speed=options.speed,
                habits=options.habits,
            )
            self._playing = asyncio.create_task(self._play(self.world))
            ending = asyncio.create_task(self._lose_patience(self.world))
            try:
                await self._playing
            except asyncio.CancelledError:
                if not self._stops:
                    raise
            finally:
                self._playing.cancel()
                ending.cancel()
            return self.summary()

    async def _play(self, world: World) -> None:
        if self._stops:
            world.closing.set()
        await world.look_around(self.options.places)
        riders = Riders(world, self.options.riders_per_hour, self.options.rides)
        drivers = Drivers(world, self.options.drivers)
        saying = asyncio.create_task(self._keep_saying([drivers, riders]))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(drivers.live())
                # Riders end by themselves when no more rides are asked for; then drivers go home.
                await riders.live()
                world.closing.set()
        finally:
            saying.cancel()

    async def _lose_patience(self, world: World) -> None:
        await world.closing.wait()
        while not self._stops:
            # Enough rides: whoever is still out may take their time.
            await asyncio.sleep(0.2)
        await asyncio.sleep(self.options.patience)
        if self._playing:
            self._playing.cancel()

    async def _keep_saying(self, populations: list[Population]) -> None:
        while self.say:
            await asyncio.sleep(SAYS_EVERY)
            so_far = self.summary()
            ends = ", ".join(
                f"{many} {word}"
                for stage, word in ENDS.items()
                if (many := so_far.orders.get(stage, 0))
            )
            wait = so_far.mean_wait_seconds
            parts = [*(one.says() for one in populations), ends or "none done yet"]
            if wait is not None:
                parts.append(f"mean wait {wait / 60:.1f} min")
            self.say(f"{time.strftime('%H:%M:%S')}  " + " · ".join(parts))


ENDS = {
    "done": "done",
    "cancelled": "called off",
    "unserved": "without a driver",
    "refused": "refused by the bank",
}


def run(
    url: str,
    crowd: Crowd,
    options: Options | None = None,
    say: Callable[[str], None] | None = None,
) -> Simulation:
    """Play a whole run and return it, with its records and its summary."""
    simulation = Simulation(url, crowd, options, say)
    asyncio.run(simulation.run())
    return simulation
