"""Drivers: on line, yes or no, to the door, the code, the ride, lunch, and home."""

import asyncio
import time
from contextlib import suppress
from typing import Any

from cityplatform.simulation.crowd import Key
from cityplatform.simulation.driving import Journey, Spot, metres_between
from cityplatform.simulation.habits import between
from cityplatform.simulation.talking import Refused
from cityplatform.simulation.world import Population, World, now

# Metres from which somebody at the kerb is found.
THERE = 40.0
# Seconds of real time between two positions, whatever the speed of the rest.
TELLS_EVERY = (4.0, 5.0)
# After so long without a word we ask where things stand.
ASKS_AGAIN = 8.0


class Driver:
    """One driver: a line to the city, a car that moves, and a mind of their own.

    They act only on what the city last told them, and look again after each act.  So it makes no
    difference what was lost on the way, or when they were started.
    """

    def __init__(self, world: World, key: Key, *, only_finish: bool) -> None:
        self.world = world
        self.name = key.name
        self.only_finish = only_finish
        self.chance = world.chance(key.name)
        self.roaming = world.chance(f"{key.name}/roaming")
        self.api = world.api(key)
        self.line = world.line(key, "/ws/driver", self._hear)
        self.state: dict[str, Any] | None = None
        self.news = asyncio.Event()
        self.stands = self._somewhere()
        self.journey: Journey | None = None
        self.set_out = 0.0
        self.answered: set[int] = set()
        self.moods = world.chance(f"{key.name}/moods")
        # Whether we drive there after all, of each ride that we have said yes to.
        self.backs_out: dict[str, bool] = {}
        self.begun = 0.0
        self.lunch_after = self.home_after = 0.0

    # --- what is known -----------------------------------------------------------------------

    @property
    def rides(self) -> list[dict[str, Any]]:
        return self.state["rides"] if self.state else []

    @property
    def is_on_line(self) -> bool:
        return bool(self.state and self.state["shift"])

    @property
    def is_leaving(self) -> bool:
        return self.only_finish or self.world.closing.is_set()

    def here(self) -> tuple[Spot, int | None]:
        """Where the car is and where it looks."""
        if self.journey is None:
            return self.stands, None
        return self.journey.at(now() - self.set_out)

    def _hear(self, told: dict[str, Any]) -> None:
        if told["type"] == "state":
            self.state = told
            refs = {ride["ref"] for ride in told["rides"]}
            self.backs_out = {ref: out for ref, out in self.backs_out.items() if ref in refs}
            for ride in told["rides"]:
                self._note(ride["ref"], ride["stage"])
            self.news.set()

    def _note(self, ref: str, stage: str) -> None:
        record = self.world.records.get(ref)
        if record and (not record.told_driver or record.told_driver[-1][0] != stage):
            record.told_driver.append((stage, time.time()))

    def _somewhere(self) -> Spot:
        metres = self.roaming.gauss(0, 250), self.roaming.gauss(0, 250)
        return self.roaming.choice(self.world.landmarks).moved(*metres)

    async def _news(self, seconds: float) -> None:
        """Wait for the next word of the city, at most so long in real time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.news.wait()
        self.news.clear()

    async def _say(self, **message: Any) -> None:
        """Say something and hear what came of it; without an answer, ask where things stand."""
        self.news.clear()
        await self.line.say(**message)
        await self._news(ASKS_AGAIN)

    # --- a day -------------------------------------------------------------------------------

    async def live(self) -> None:
        if self.only_finish:
            # Of an earlier, larger crowd: only what is still under way concerns us.
            told = await self.api.get("driver")
            if not told["rides"] and not told["shift"]:
                return
        async with asyncio.TaskGroup() as tasks:
            around = [
                tasks.create_task(self.line.keep()),
                tasks.create_task(self._tell_where()),
                tasks.create_task(self._lose_the_line()),
            ]
            try:
                await self._work()
            finally:
                for task in around:
                    task.cancel()

    async def _work(self) -> None:
        habits = self.world.habits
        await self.world.pause_or_closing(self.chance.uniform(0, habits.on_line_within))
        while self.state is None:
            await self._news(ASKS_AGAIN)
        if self.rides:
            await self._take_up()
        self._begin_day()
        while True:
            if self.rides:
                await self._drive(self.rides[0])
            elif self.is_leaving:
                if not self.is_on_line:
                    return
                await self._say(type="off_line")
            elif not self.is_on_line:
                self._begin_day()
                await self._say(type="on_line")
            elif self.state and (offer := self.state["offer"]):
                await self._answer(offer)
            elif self.state and self.state["shift"]["is_paused"]:
                # Back from lunch, or asked too often while we did not answer.
                await self._say(type="resume")
            elif now() - self.begun > self.home_after / self.world.speed:
                await self._say(type="off_line")
                if not self.is_on_line:
                    await self.world.pause_or_closing(between(self.chance, habits.rests))
            elif now() - self.begun > self.lunch_after / self.world.speed:
                await self._have_lunch()
            else:
                await self._wait_for_work()

    def _begin_day(self) -> None:
        habits = self.world.habits
        self.begun = now()
        self.home_after = between(self.chance, habits.works)
        self.lunch_after = between(self.chance, habits.works_until_lunch)

    async def _have_lunch(self) -> None:
        self.lunch_after = float("inf")
        await self._say(type="pause")
        if self.rides or (self.state and self.state["offer"]):
            return
        await self.world.pause_or_closing(between(self.chance, self.world.habits.lunches))

    async def _wait_for_work(self) -> None:
        """Stand, and now and then drive to where people are."""
        idle = between(self.roaming, self.world.habits.idles) / self.world.speed
        until = now() + idle
        while now() < until and not self.is_leaving:
            heard = self.state
            await self._news(min(ASKS_AGAIN, max(0.1, until - now())))
            if self.state is heard:
                await self.line.say(type="sync")
            if self.rides or not self.is_on_line or (self.state and self.state["offer"]):
                return
        if self.roaming.random() < self.world.habits.roams and not self.is_leaving:
            with suppress(Refused):
                await self._set_out(self._somewhere())

    # --- offers ------------------------------------------------------------------------------

    async def _answer(self, offer: dict[str, Any]) -> None:
        if offer["id"] in self.answered:
            # Said already, and still there: the answer was lost, or time runs out.
            self.answered.discard(offer["id"])
            await self._news(1)
            return
        habits, says = self.world.habits, self.chance.random()
        # Real time: an offer lasts so long, however time is pressed.
        await asyncio.sleep(between(self.chance, habits.answering) / max(1.0, self.world.speed))
        self.answered.add(offer["id"])
        tally = self.world.tally.answers
        if says < habits.lets_lapse:
            tally["let_lapse"] += 1
            gone = self.state
            while self.state and self.state["offer"] and self.state["offer"]["id"] == offer["id"]:
                await self._news(ASKS_AGAIN)
                if self.state is gone:
                    await self._say(type="sync")
                gone = self.state
        elif says < habits.lets_lapse + habits.declines:
            tally["declined"] += 1
            await self._say(type="decline", offer=offer["id"], reason="too_far")
        else:
            await self._say(type="accept", offer=offer["id"])
            tally["accepted"] += bool(self.rides)

    # --- a ride ------------------------------------------------------------------------------

    async def _take_up(self) -> None:
        """Go on with a ride of an earlier start, from where its rider last saw the car."""
        order = await self.api.get(f"orders/{self.rides[0]['ref']}")
        if car := order["details"]["car"]:
            self.stands = Spot(car["lat"], car["lon"])

    async def _drive(self, ride: dict[str, Any]) -> None:
        """Do what this ride needs next."""
        step = {"type": "step", "order": ride["ref"]}
        match ride["stage"]:
            case "on_the_way" if self._backs_out(ride["ref"]):
                await self._say(**step, step="give_back", reason="other")
                if all(one["ref"] != ride["ref"] for one in self.rides):
                    self.world.tally.answers["gave_back"] += 1
            case "on_the_way":
                if await self._drive_to(_spot(ride["pickup"]), ride):
                    await self._say(**step, step="arrive")
            case "at_pickup":
                if code := await self.world.code_of(ride["ref"]):
                    await self._say(**step, step="board", code=code)
                elif self.state and (ride["may_leave_at"] or "~") <= self.state["at"]:
                    # Who is no part of the play cannot tell us the code, and must not pay for it.
                    is_played = ride["ref"] in self.world.codes
                    await self._say(
                        **step, step="no_show" if is_played else "give_back", reason="other"
                    )
                else:
                    await self._news(2)
                    await self._say(type="sync")
            case "on_board" if ahead := [one for one in ride["stops"] if one["state"] == "next"]:
                if await self._drive_to(_spot(ahead[0]), ride):
                    await self._say(**step, step="reach_stop", seen=ride["seen"])
            case "at_stop":
                await self.world.pause(between(self.roaming, self.world.habits.at_stop))
                await self._say(**step, step="go_on", seen=ride["seen"])
            case "on_board":
                if await self._drive_to(_spot(ride["dropoff"]), ride):
                    await self._say(**step, step="drop_off", seen=ride["seen"])
                    if all(one["ref"] != ride["ref"] for one in self.rides):
                        self._note(ride["ref"], "done")
            case _:
                await self._news(2)
                await self._say(type="sync")

    def _backs_out(self, ref: str) -> bool:
        """Decide once for each ride that is ours: the answer may have to be said again."""
        if ref not in self.backs_out:
            self.backs_out[ref] = self.moods.random() < self.world.habits.gives_back
        return self.backs_out[ref]

    async def _drive_to(self, goal: Spot, ride: dict[str, Any]) -> bool:
        """Drive until we are there.  No if the ride has become another one on the way."""
        if metres_between(self.here()[0], goal) > THERE:
            try:
                await self._set_out(goal)
            except Refused:
                # No way for a car: the last steps are walked.
                self._jump(goal)
        while self.journey and (left := self.journey.seconds - (now() - self.set_out)) > 0:
            await self._news(min(left, ASKS_AGAIN))
            current = next((one for one in self.rides if one["ref"] == ride["ref"]), None)
            if current is None or current["stage"] != ride["stage"]:
                return False
            if current["seen"] != ride["seen"]:
                return False  # another way
        if not self.line.is_open:
            await self._news(ASKS_AGAIN)
        return True

    async def _set_out(self, goal: Spot) -> None:
        """Begin to drive along the streets.  Raises `Refused` where there is no way."""
        here, _ = self.here()
        self.stands, self.journey = here, None
        told = await self.api.get(
            "places/route", city=self.world.crowd.city, to=str(goal), **{"from": str(here)}
        )
        pace = between(self.roaming, self.world.habits.pace) * self.world.speed
        line = [Spot(lat, lon) for lon, lat in told["line"]]
        self.journey = Journey([here, *line, goal], told["seconds"] / pace)
        self.set_out = now()

    def _jump(self, goal: Spot) -> None:
        here, _ = self.here()
        self.journey = Journey([here, goal], metres_between(here, goal) / (8 * self.world.speed))
        self.set_out = now()

    # --- beside it all -----------------------------------------------------------------------

    async def _tell_where(self) -> None:
        while True:
            if self.is_on_line:
                (spot, looks), moves = self.here(), self.journey is not None
                heading = {"heading": looks} if moves and looks is not None else {}
                await self.line.say(type="position", lat=spot.lat, lon=spot.lon, **heading)
            await asyncio.sleep(between(self.roaming, TELLS_EVERY))

    async def _lose_the_line(self) -> None:
        """Drive through a tunnel now and then."""
        tunnels, habits = self.world.chance(f"{self.name}/tunnels"), self.world.habits
        while True:
            await self.world.pause(tunnels.expovariate(1 / habits.loses_line_every))
            await self.line.lose(between(tunnels, habits.is_away) / self.world.speed)


class Drivers(Population):
    """So many drivers of the crowd; the others only finish what an earlier start left."""

    def __init__(self, world: World, many: int) -> None:
        super().__init__(world)
        keys = world.crowd.drivers
        self.drivers = [
            Driver(world, key, only_finish=number >= many) for number, key in enumerate(keys)
        ]

    async def live(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for driver in self.drivers:
                tasks.create_task(self.world.guarded(driver.name, driver.live))

    def says(self) -> str:
        on_line = sum(driver.is_on_line for driver in self.drivers)
        under_way = sum(bool(driver.rides) for driver in self.drivers)
        return f"{on_line} drivers on line, {under_way} with a ride"


def _spot(place: dict[str, Any]) -> Spot:
    return Spot(place["lat"], place["lon"])
