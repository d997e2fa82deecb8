"""Riders: where to, what does it cost, yes, wait, say the code, ride, rate."""

import asyncio
import time
from contextlib import suppress
from typing import Any

from cityplatform.simulation.crowd import Key
from cityplatform.simulation.driving import Spot
from cityplatform.simulation.habits import Trip, trip
from cityplatform.simulation.records import Record
from cityplatform.simulation.talking import Refused
from cityplatform.simulation.world import Population, World, now

# How often somebody looks for another start when there is no service at the first.
TRIES = 4


class Rider:
    """One rider, who takes a ride whenever they are called to and is idle in between."""

    def __init__(self, world: World, key: Key) -> None:
        self.world = world
        self.key = key
        self.name = key.name
        self.chance = world.chance(key.name)
        self.api = world.api(key)
        self.rides = 0

    async def resume(self) -> None:
        """Stay with an order that an earlier start left under way."""
        told = await self.api.get("orders", limit=5)
        for order in told["results"] if isinstance(told, dict) else told:
            record = self._record(order, key="", is_from_before=True)
            if record.is_live:
                await self._stay_with(record, self._decide())
            else:
                del self.world.records[record.ref]

    async def ride(self) -> None:
        """One ride from the wish to the stars, or as far as it comes."""
        wish = self._decide()
        priced = await self._ask_for_prices(wish)
        if priced is None:
            self.world.tally.answers["found_no_price"] += 1
            return
        trip_asked, quotes = priced
        await self.world.pause(wish.choosing)
        if wish.changes_mind or self.world.closing.is_set():
            self.world.tally.answers["changed_mind"] += 1
            return
        record = await self._order(wish, trip_asked, quotes)
        if record is not None:
            await self._stay_with(record, wish)

    def _decide(self) -> Trip:
        places = len(self.world.landmarks)
        return trip(self.chance, self.world.habits, places, self.world.hour())

    # --- before the order --------------------------------------------------------------------

    async def _ask_for_prices(self, wish: Trip) -> tuple[Any, Any] | None:
        marks, (north, east, south, west) = self.world.landmarks, wish.blur
        for attempt in range(TRIES):
            # Who finds no street at one door asks from nearer to the landmark.
            near = 1 - attempt / (TRIES - 1)
            ends = {
                "pickup": marks[wish.start].moved(north * near, east * near),
                "dropoff": marks[wish.end].moved(south * near, west * near),
            }
            asked: dict[str, Any] = {part: await self._named(spot) for part, spot in ends.items()}
            # Who finds no way over a stop rides without it.
            if wish.over is not None and attempt == 0:
                asked["stops"] = [await self._named(marks[wish.over])]
            with suppress(Refused):
                told = await self.api.post("rides/quotes", asked)
                return asked, told["quotes"]
        return None

    async def _named(self, spot: Spot) -> dict[str, Any]:
        told = await self.api.get("places/reverse", city=self.world.crowd.city, point=str(spot))
        return {"lat": spot.lat, "lon": spot.lon, "name": told["name"][:200]}

    async def _order(self, wish: Trip, asked: Any, quotes: Any) -> Record | None:
        """Order, with one key however often it is asked; a price that is gone is asked anew."""
        cards = await self.api.get("cards")
        if not cards:
            self.world.tally.errors["no_card"] += 1
            return None
        for attempt in range(3):
            quote = next((one for one in quotes if one["kind"] == wish.kind), quotes[0])
            key = f"{self.name}-{self.rides}-{attempt}-{int(time.time() * 1000)}"
            body = {"quotes": [quote["ref"]], "card": cards[0]["id"]}
            try:
                placed = await self.api.post("orders", body, key)
            except Refused as no:
                if no.code != "quote_gone":
                    return None
                quotes = (await self.api.post("rides/quotes", asked))["quotes"]
                continue
            self.rides += 1
            return self._record(placed[0], key=key)
        return None

    def _record(self, order: Any, *, key: str, is_from_before: bool = False) -> Record:
        record = Record(
            ref=order["ref"],
            key=key,
            rider=self.name,
            placed_at=time.time(),
            total_minor=order["total_minor"],
            is_from_before=is_from_before,
        )
        record.hear(order)
        self.world.records[record.ref] = record
        return record

    # --- with the order ----------------------------------------------------------------------

    async def _stay_with(self, record: Record, wish: Trip) -> None:
        """Watch, say the code, call off or not, and rate."""
        self.world.codes[record.ref] = self._voice(record, wish)
        try:
            async with asyncio.TaskGroup() as tasks:
                calling = tasks.create_task(self._call_off(record, wish))
                await self._watch(record, wish)
                calling.cancel()
        finally:
            self.world.codes.pop(record.ref, None)
        if record.state == "COMPLETED" and wish.stars:
            with suppress(Refused):
                await self.api.post(f"orders/{record.ref}/review", {"stars": wish.stars})
                self.world.tally.answers["rated"] += 1

    def _voice(self, record: Record, wish: Trip) -> Any:
        """What the driver at the door hears: the code, once the rider has come out."""
        out_at: float | None = None

        async def say() -> str | None:
            nonlocal out_at
            if not wish.comes:
                return None
            if out_at is None:
                out_at = now() + wish.comes_out / self.world.speed
            if now() < out_at:
                await asyncio.sleep(min(2.0, out_at - now()))
                return None
            order = await self.api.get(f"orders/{record.ref}")
            record.hear(order)
            code = order["details"]["start_code"]
            return str(code) if code else None

        return say

    async def _watch(self, record: Record, wish: Trip) -> None:
        """Follow the order to its end: by its socket, or by looking every few seconds."""
        if not wish.by_socket:
            while record.is_live:
                await asyncio.sleep(wish.looks_every)
                await self._look(record)
            return
        news = asyncio.Event()

        def heard(told: dict[str, Any]) -> None:
            if told["type"] == "order":
                record.hear(told)
                news.set()

        line = self.world.line(self.key, f"/ws/order/{record.ref}", heard)
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(line.keep())
            while record.is_live:
                news.clear()
                try:
                    async with asyncio.timeout(3 * wish.looks_every):
                        await news.wait()
                except TimeoutError:
                    # A line may be dead without a word: look with our own eyes.
                    await self._look(record)
            keeping.cancel()

    async def _look(self, record: Record) -> None:
        record.hear(await self.api.get(f"orders/{record.ref}"))

    async def _call_off(self, record: Record, wish: Trip) -> None:
        if record.is_from_before:
            return
        pause, longest = self.world.pause, self.world.habits.waits_at_most
        if wish.calls_off_after is not None:
            await pause(wish.calls_off_after)
            await self._cancel(record, "paying", "searching", "on_the_way", "at_pickup")
        await pause(longest)
        while record.is_live:
            # Nobody waits for ever for a driver who does not come.
            await self._cancel(record, "paying", "searching")
            await pause(longest / 10)

    async def _cancel(self, record: Record, *stages: str) -> None:
        if record.stage in stages:
            with suppress(Refused):
                told = await self.api.post(f"orders/{record.ref}/steps", {"step": "cancel"})
                self.world.tally.answers["called_off"] += 1
                record.hear(told)


class Riders(Population):
    """Riders who want a ride now and then: so many in an hour, of whoever is idle."""

    def __init__(self, world: World, per_hour: float, rides: int | None) -> None:
        super().__init__(world)
        self.per_hour = per_hour
        # How many orders there are to be in all; None: no end.
        self.left = rides
        self.arrivals = world.chance("arrivals")
        self.idle = [Rider(world, key) for key in world.crowd.riders]
        self.out = 0

    async def live(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            before, self.idle = self.idle, []
            for rider in before:
                tasks.create_task(self._resume(rider))
            await self._arrive(tasks)

    async def _arrive(self, tasks: asyncio.TaskGroup) -> None:
        world = self.world
        gap = 3600 / self.per_hour
        while not world.closing.is_set() and not self._have_enough():
            await world.pause_or_closing(self.arrivals.expovariate(1 / gap))
            if world.closing.is_set():
                break
            if self._may_ask() and self.idle:
                rider = self.idle.pop(self.arrivals.randrange(len(self.idle)))
                tasks.create_task(self._ride(rider))
        # Those who are out come home before we are done.

    def _placed(self) -> int:
        return sum(not one.is_from_before for one in self.world.records.values())

    def _have_enough(self) -> bool:
        return self.left is not None and self._placed() >= self.left

    def _may_ask(self) -> bool:
        """Never more wishes than orders that are still to be placed."""
        if self.left is None:
            return True
        wishing = self.out - sum(
            one.is_live and not one.is_from_before for one in self.world.records.values()
        )
        return self._placed() + max(0, wishing) < self.left

    async def _resume(self, rider: Rider) -> None:
        await self.world.guarded(rider.name, rider.resume)
        self.idle.append(rider)

    async def _ride(self, rider: Rider) -> None:
        self.out += 1
        try:
            await rider.ride()
        except Refused as no:
            self.world.tally.errors[f"stumbled_{no.code}"] += 1
        except Exception as fault:
            self.world.tally.errors[f"stumbled_{type(fault).__name__}"] += 1
            print(f"{rider.name} stumbles: {fault!r}", flush=True)
        finally:
            self.out -= 1
            self.idle.append(rider)

    def says(self) -> str:
        stages = [one.stage for one in self.world.records.values() if one.is_live]
        riding = stages.count("on_board")
        return f"{len(stages) - riding} riders wait, {riding} ride"
