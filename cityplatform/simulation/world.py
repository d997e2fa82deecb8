"""What all the people of a simulation share: the city's address, its clock, who listens to whom."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from cityplatform.simulation.crowd import Crowd, Key
from cityplatform.simulation.driving import Spot, metres_between
from cityplatform.simulation.habits import Habits
from cityplatform.simulation.records import Record, Tally
from cityplatform.simulation.talking import Api, Line, Refused


class World:
    """One city and those who live in it for the length of a run."""

    def __init__(
        self,
        url: str,
        http: httpx.AsyncClient,
        crowd: Crowd,
        *,
        seed: int,
        speed: float,
        habits: Habits,
    ) -> None:
        self.url = url
        self.http = http
        self.crowd = crowd
        self.seed = seed
        self.speed = speed
        self.habits = habits
        self.tally = Tally()
        self.records: dict[str, Record] = {}
        # Set when nothing new is begun any more.
        self.closing = asyncio.Event()
        self.landmarks: list[Spot] = []
        self.zone = ZoneInfo("UTC")
        # Who says the code of a ride to the driver who asks for it, by the ride's reference.
        self.codes: dict[str, Callable[[], Awaitable[str | None]]] = {}
        self.guests = [self.api(guest) for guest in crowd.guests]

    def chance(self, name: str) -> Random:
        """Somebody's own stream of chance."""
        return Random(f"{self.seed}/{name}")

    def api(self, key: Key) -> Api:
        return Api(self.http, key.token, self.chance(f"{key.name}/line"), self.tally)

    def line(self, key: Key, path: str, heard: Callable[[dict[str, Any]], None]) -> Line:
        url = self.url.replace("http", "ws", 1) + path
        return Line(url, key.token, self.chance(f"{key.name}/socket"), self.tally, heard)

    async def pause(self, seconds: float) -> None:
        """Let so many seconds of people's time go by."""
        await asyncio.sleep(seconds / self.speed)

    async def pause_or_closing(self, seconds: float) -> None:
        """The same, but no longer than until nothing new is begun."""
        try:
            async with asyncio.timeout(seconds / self.speed):
                await self.closing.wait()
        except TimeoutError:
            return

    def hour(self) -> int:
        return datetime.now(self.zone).hour

    async def look_around(self, places: int | None = None) -> None:
        """Learn where the city is and what there is in it, from its own API.

        `places` keeps to so many landmarks, those where most lie close together.
        """
        somebody = self.api([*self.crowd.drivers, *self.crowd.riders][0])
        city = await somebody.get(f"cities/{self.crowd.city}")
        self.zone = ZoneInfo(city["timezone"])
        middle = Spot(city["centre"]["lat"], city["centre"]["lon"])
        found: dict[str, Spot] = {}
        for north, east in ((0, 0), (4000, 0), (-4000, 0), (0, 4000), (0, -4000)):
            told = await somebody.get(
                "places/search",
                city=self.crowd.city,
                limit=20,
                near=str(middle.moved(north, east)),
            )
            for one in told["results"]:
                found[one["name"]] = Spot(one["lat"], one["lon"])
        self.landmarks = closest([found[name] for name in sorted(found)], places)
        if len(self.landmarks) < 2:
            raise RuntimeError(f"{self.crowd.city} has no landmarks to go to")

    async def code_of(self, ref: str) -> str | None:
        """What the rider says at the car's door; None from one who is not there (yet).

        A guest, a person at their own browser, is asked through their own order's page.
        """
        if ask := self.codes.get(ref):
            return await ask()
        for guest in self.guests:
            try:
                order = await guest.get(f"orders/{ref}")
            except Refused:
                continue
            return str(order["details"]["start_code"])
        return None

    async def guarded(self, name: str, live: Callable[[], Awaitable[None]]) -> None:
        """Play somebody to their end; one who stumbles gets up again and harms nobody else."""
        while True:
            try:
                await live()
                return
            except Refused as no:
                self.tally.errors[f"stumbled_{no.code}"] += 1
            except Exception as fault:
                self.tally.errors[f"stumbled_{type(fault).__name__}"] += 1
                print(f"{name} stumbles: {fault!r}", flush=True)
            await asyncio.sleep(2)


def closest(marks: list[Spot], places: int | None) -> list[Spot]:
    """So many landmarks around the one whose neighbours are nearest; all of them for None."""
    if places is None or places >= len(marks):
        return marks
    around = [sorted(marks, key=partial(metres_between, one))[:places] for one in marks]
    return min(around, key=lambda near: metres_between(near[0], near[-1]))


class Population(ABC):
    """People of one kind: drivers, riders, and whoever a later vertical brings."""

    def __init__(self, world: World) -> None:
        self.world = world

    @abstractmethod
    async def live(self) -> None:
        """Play all of them until `world.closing` is set and each has come to rest."""

    @abstractmethod
    def says(self) -> str:
        """How they are, for the line of progress."""


def now() -> float:
    return time.monotonic()
