"""Thousands of drivers on the line: how soon an offer rings, and what a position costs.

The whole platform runs beside a process that plays 5,000 drivers, each with an open socket and a
position every five seconds, and riders who order.  All of it shares this machine's cores.
`request_to_driver_p95`: from the call of POST /orders, at 15 a second, to the frame with the offer
on a driver's socket; the quotes stand before; every offer is accepted at once.
`positions_per_cpu_second`: positions, one a frame, by the CPU seconds that web and matcher use
while nobody orders.  `position_staleness_p99`: from the call that sends a position to its arrival
where the matcher listens.
"""

import asyncio
import json
import logging
import os
import random
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
import nats
import websockets
from websockets.asyncio.client import ClientConnection

from cityplatform.installation import ROOT
from cityplatform.running import Platform
from tests.benchmarks.measures import cpu_of, options, percentile, say, tell

EVERY = 5.0
RATE = 15
# Where the demo's cars drive: between the two squares of La Serena and Coquimbo.
SOUTH, WEST, NORTH, EAST = -29.965, -71.345, -29.895, -71.245

SEED = """
import json, secrets, datetime
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from apps.dispatch.models import Shift
from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.mobility.models import Vehicle, VehicleEvent
from apps.parties import operations as parties
from apps.parties.models import Provider, User, Worker
from apps.payments.models import Card, Customer
from apps.places.models import City
at, city = clock.now(), City.objects.order_by("pk").first()
fleet = Provider.objects.get(name="Cooperativa Elqui")
users = User.objects.bulk_create(
    User(email=f"driver{n}@bench.invalid", name=f"Driver {n}", password="!")
    for n in range(DRIVERS)
)
workers = Worker.objects.bulk_create([Worker(provider=fleet, user=user) for user in users])
Vehicle.objects.bulk_create(
    [Vehicle(worker=w, make="Kia Rio", colour="Grey", plate=f"B{w.pk:07}") for w in workers]
)
Shift.objects.bulk_create([Shift(worker=w, city=city, started_at=at) for w in workers])
VehicleEvent.objects.bulk_create(
    VehicleEvent(worker=w, event="service_start", state="available", happened_at=at)
    for w in workers
)
rows, keys = [], []
for user in users:
    key = secrets.token_hex(16)
    told = {
        "_auth_user_id": str(user.pk),
        "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
        "_auth_user_hash": user.get_session_auth_hash(),
    }
    rows.append(Session(session_key=key, session_data=SessionStore().encode(told),
                        expire_date=at + datetime.timedelta(days=1)))
    keys.append(key)
Session.objects.bulk_create(rows)
bank, riders = Card.objects.filter(removed_at=None).select_related("user").first(), []
from apps.payments import gateway
for n in range(RIDERS):
    user = User.objects.create_user(f"rider{n}@bench.invalid", None, name=f"Rider {n}")
    reference = gateway.ours().open_customer(email=user.email, name=user.name, key=f"bench-{n}")
    Customer.objects.create(user=user, reference=reference)
    kept = gateway.ours().stripe.v1.payment_methods.attach("pm_card_visa", {"customer": reference})
    card = Card.objects.create(user=user, reference=kept.id, brand="visa", last4="4242",
                               expires_month=12, expires_year=2030, is_default=True, added_at=at)
    _, token = parties.issue_token(user_id=user.pk, name="bench", expires_at=None,
                                   by=Actor.system("benchmarks"), at=at)
    riders.append([token, card.pk])
print("TOLD" + json.dumps({"drivers": keys, "riders": riders}))
"""


@dataclass
class Drivers:
    """Everybody on the line, and what their sockets heard."""

    url: str
    keys: Sequence[str]
    lines: list[ClientConnection] = field(default_factory=list)
    places: list[tuple[float, float]] = field(default_factory=list)
    # The name of a pick-up, and when its offer rang first.
    rang: dict[str, float] = field(default_factory=dict)
    # A position as it travels, and when it was sent.
    sent: dict[tuple[float, float], float] = field(default_factory=dict)
    count: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def connect(self) -> None:
        here = random.Random(7)
        gate = asyncio.Semaphore(20)

        async def one(key: str) -> None:
            async with gate:
                line = await websockets.connect(
                    f"{self.url.replace('http', 'ws')}/ws/driver",
                    additional_headers={"Cookie": f"sessionid={key}"},
                    compression=None,
                    ping_interval=None,
                    open_timeout=60,
                )
            self.lines.append(line)
            self.places.append((here.uniform(SOUTH, NORTH), here.uniform(WEST, EAST)))
            self.tasks.append(asyncio.create_task(self.hear(line)))

        for first in range(0, len(self.keys), 500):
            await asyncio.gather(*map(one, self.keys[first : first + 500]))
            tell(f"{len(self.lines)} drivers on the line")

    async def hear(self, line: ClientConnection) -> None:
        with suppress(websockets.ConnectionClosed):
            async for frame in line:
                told = json.loads(frame)
                if told["type"] == "error":
                    self.errors[told["code"]] = self.errors.get(told["code"], 0) + 1
                elif offer := told.get("offer"):
                    name = offer["pickup"]["name"]
                    if name not in self.rang:
                        self.rang[name] = time.time()
                        await line.send(json.dumps({"type": "accept", "offer": offer["id"]}))

    async def drive(self, seconds: float) -> None:
        """Let everybody say every five seconds where they are, evenly spread."""
        began, numbers = time.monotonic(), count()
        step = EVERY / len(self.lines)
        while (now := time.monotonic() - began) < seconds:
            # As many as are due by now, a few at a time.
            while (number := next(numbers)) * step <= now:
                await self.say_where(number % len(self.lines))
            await asyncio.sleep(0.002)
            numbers = count(number)

    async def say_where(self, number: int) -> None:
        lat, lon = self.places[number]
        # About ten metres a second, to and fro.
        lat = round(lat + random.uniform(-2e-4, 2e-4), 7)
        self.sent[lat, lon] = time.time()
        self.count += 1
        await self.lines[number].send(json.dumps({"type": "position", "lat": lat, "lon": lon}))

    async def hang_up(self) -> None:
        for task in self.tasks:
            task.cancel()
        for line in self.lines:
            line.transport.abort()


def main() -> None:
    asked = options(__doc__)
    many, seconds = (2_000, 15) if asked.quick else (5_000, 40)
    folder = ROOT / ".data" / "bench-sockets"
    shutil.rmtree(folder, ignore_errors=True)
    with Platform(folder) as platform:
        seed = SEED.replace("DRIVERS", str(many)).replace("RIDERS", "30")
        told = platform.manage("shell", "--verbosity=0", "-c", seed)
        people = json.loads(told.rpartition("TOLD")[2])
        asyncio.run(measure(platform, people, seconds))


async def measure(platform: Platform, people: dict[str, Any], seconds: float) -> None:
    drivers = Drivers(platform.url, people["drivers"])
    await drivers.connect()
    staleness: list[float] = []
    listener = await listen(platform, drivers, staleness)
    await drivers.drive(5)
    staleness.clear()

    pids = platform.pids()
    watched = [pids["web"], pids["matcher"]]
    before, said = cpu_of(*watched), drivers.count
    await drivers.drive(seconds)
    used, said = cpu_of(*watched) - before, drivers.count - said
    note = f"{len(drivers.lines)} drivers, {said / seconds:.0f} positions a second"
    say("positions_per_cpu_second", said / used, unit="updates/CPU s", note=note)
    if staleness:
        say("position_staleness_p99", 1000 * percentile(staleness, 0.99), unit="ms", note=note)
    else:
        say("position_staleness_p99", None, unit="ms", note="no position came through")

    driving = asyncio.create_task(drivers.drive(3600))
    asks = await quotes(platform.url, people["riders"], int(RATE * seconds))
    before = {name: cpu_of(pid) for name, pid in platform.pids().items()}
    sent, refused = await order(platform.url, asks)
    after = {name: cpu_of(pid) - before[name] for name, pid in platform.pids().items()}
    tell(f"CPU seconds in {seconds} s: " + ", ".join(f"{n} {s:.1f}" for n, s in after.items()))
    await asyncio.sleep(8)
    driving.cancel()
    waits = [drivers.rang[name] - at for name, at in sent.items() if name in drivers.rang]
    note = (
        f"{len(waits)} of {len(sent)} orders at {RATE} a second rang within 8 s of the last,"
        f" {refused} refused, {len(drivers.lines)} drivers; errors {drivers.errors}"
    )
    if waits:
        note += f"; median {1000 * percentile(waits, 0.5):.0f} ms"
        # What did not ring counts as the slowest.
        waits += [8.0] * (len(sent) - len(waits))
        say("request_to_driver_p95", 1000 * percentile(waits, 0.95), unit="ms", note=note)
    else:
        say("request_to_driver_p95", None, unit="ms", note=note)
    await listener.close()
    await drivers.hang_up()


async def listen(platform: Platform, drivers: Drivers, staleness: list[float]) -> Any:
    """Hear what the matcher hears, and note how old it is."""
    from tests.benchmarks.ground import set_up

    os.environ.update(platform.env)
    set_up()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from apps.dispatch import telemetry

    async def hear(message: Any) -> None:
        now = time.time()
        for _worker, lat, lon, _heading, _seen in telemetry.unpack(message.data):
            if (at := drivers.sent.pop((lat, lon), None)) is not None:
                staleness.append(now - at)

    client = await nats.connect(platform.env["NATS_URL"])
    await client.subscribe(f"{telemetry.SUBJECT}*", cb=hear)
    return client


type Ask = tuple[dict[str, str], dict[str, Any], str]


async def quotes(url: str, riders: list[Any], total: int) -> list[Ask]:
    """Ask for so many prices; the orders that follow from them, and the names of their pick-ups."""
    tell(f"{total} quotes")
    chance = random.Random(11)
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=30) as city:

        async def one(number: int) -> Ask:
            token, card = riders[number % len(riders)]
            headers = {"Authorization": f"Bearer {token}"}
            while True:
                ends = [(chance.uniform(SOUTH, NORTH), chance.uniform(WEST, EAST)) for _ in "ab"]
                trip = {
                    end: {"lat": lat, "lon": lon, "name": f"{end} {number}"}
                    for end, (lat, lon) in zip(("pickup", "dropoff"), ends, strict=True)
                }
                answer = await city.post("/rides/quotes", json=trip, headers=headers)
                if answer.status_code == 201:
                    ref = answer.json()["quotes"][0]["ref"]
                    return headers, {"quotes": [ref], "card": card}, f"pickup {number}"

        asks: list[Ask] = []
        for first in range(0, total, 4):
            asks += await asyncio.gather(*map(one, range(first, min(first + 4, total))))
    return asks


async def order(url: str, asks: Sequence[Ask]) -> tuple[dict[str, float], int]:
    """Place the orders at the rate.  When each was placed, by its pick-up's name; and refusals."""
    tell(f"{len(asks)} orders at {RATE} a second")
    sent: dict[str, float] = {}
    refused = 0
    # The server hangs up on a line that is idle for five seconds: none is used that old.
    limits = httpx.Limits(max_connections=None, keepalive_expiry=2)
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=30, limits=limits) as city:

        async def place(headers: dict[str, str], body: dict[str, Any], name: str) -> None:
            nonlocal refused
            sent[name] = time.time()
            answer = await city.post(
                "/orders", json=body, headers={**headers, "Idempotency-Key": name}
            )
            if answer.status_code != 201:
                refused += 1
                tell(answer.text[:200])

        began, placing = time.monotonic(), []
        for number, ask in enumerate(asks):
            await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
            placing.append(asyncio.create_task(place(*ask)))
        await asyncio.gather(*placing)
    return sent, refused


if __name__ == "__main__":
    main()
