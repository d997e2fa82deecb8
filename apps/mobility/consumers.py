import asyncio
import logging
import math
from contextlib import suppress
from typing import Any
from uuid import UUID

from apps.bus import operations as bus
from apps.dispatch import live, telemetry
from apps.dispatch import operations as dispatch
from apps.kernel import clock, sockets
from apps.mobility import at_work, cars, operations
from apps.orders import live as orders_live
from apps.orders import operations as orders
from apps.orders.models import Order
from apps.parties.models import Worker
from apps.places.geometry import Point
from apps.places.models import City
from apps.regulation import operations as regulation

# Codes, because words belong to the language of the driver's phone.
REFUSALS: dict[type[Exception], str] = {
    dispatch.NoSuchOffer: "no_such_offer",
    dispatch.TooLate: "too_late",
    dispatch.Full: "full",
    dispatch.NotOnShift: "not_on_shift",
    dispatch.OnARun: "on_a_run",
    dispatch.OnShiftElsewhere: "on_shift_elsewhere",
    orders.OutOfTurn: "out_of_turn",
    Order.DoesNotExist: "no_such_ride",
    regulation.NotPermitted: "not_permitted",
    telemetry.Implausible: "implausible_position",
}
# How often a line that hears nothing looks for itself, in seconds.
LOOK_EVERY = 3.0

logger = logging.getLogger(__name__)

STEPS = frozenset(
    {"arrive", "board", "reach_stop", "go_on", "drop_off", "end_at_stop", "give_back", "no_show"}
)


def point_of(lat: object, lon: object) -> Point:
    """Read a position.  Raises `ValueError` for what is nowhere, such as NaN or True."""
    if isinstance(lat, bool) or isinstance(lon, bool):
        raise ValueError("a truth is no number")
    return Point(float(lat), float(lon))  # type: ignore[arg-type]


def heading_of(said: object) -> int | None:
    """Read a heading in degrees from north; what is none is unknown, not wrong."""
    if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said):
        return None
    return int(said) % 360


def text_of(said: object, longest: int) -> str:
    """Read a word or two.  Raises `ValueError` for signs that no database holds."""
    text = said[:longest] if isinstance(said, str) else ""
    if "\x00" in text:
        raise ValueError("a NUL is no sign")
    return text


class DriverConsumer(sockets.BoundedConsumer):
    """A driver's line: offers and rides go out; positions, answers and steps come in.

    The socket knows nothing that the database does not, so losing it costs nothing: after any
    break it says where things stand, and goes on from there.
    """

    worker: Worker | None = None
    # Hears nothing: the channel layer did not let this line in, or has failed since.
    is_deaf = False
    looking: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        await super().connect()
        bus.source.set("driver's line")
        user: Any = self.scope["user"]
        if not user.is_authenticated:
            await self.close(code=sockets.NOT_SIGNED_IN)
            return
        self.worker = await self.find_worker(user.pk)
        if self.worker is None:
            await self.close(code=sockets.NOT_YOURS)
            return
        # The city and the rides that positions are for, as of the last look.
        self.city_slug: str | None = None
        self.watched: list[str] = []
        # By whom and when something was last done that came in here.
        self.acted: tuple[str, str] | None = None
        await self.accept()
        await self.listen()
        await self.changed()

    async def disconnect(self, code: int) -> None:
        if self.looking:
            self.looking.cancel()
        if self.worker:
            with suppress(Exception):
                line = live.line_of(self.worker.pk)
                async with asyncio.timeout(cars.LAYER_SECONDS):
                    await self.channel_layer.group_discard(line, self.channel_name)

    async def listen(self) -> None:
        """Join the worker's line; while that fails, look every few seconds instead."""
        assert self.worker is not None
        try:
            async with asyncio.timeout(cars.LAYER_SECONDS):
                await self.channel_layer.group_add(live.line_of(self.worker.pk), self.channel_name)
        except Exception as error:
            # Whatever the broker's trouble is, the driver goes on working.
            self.go_deaf(error)
        else:
            self.is_deaf = False

    def go_deaf(self, why: Exception | None = None) -> None:
        if not self.is_deaf:
            # In one line, because it may befall thousands at once.
            logger.warning("a driver's line hears nothing and looks for itself: %r", why)
        self.is_deaf = True
        if self.looking is None or self.looking.done():
            self.looking = asyncio.create_task(self.keep_looking())

    async def keep_looking(self) -> None:
        while self.is_deaf:
            await asyncio.sleep(LOOK_EVERY)
            await self.listen()
            try:
                await self.changed()
            except Exception:
                logger.exception("a driver's line could not look")

    async def heard(self, message: dict[str, Any]) -> None:
        try:
            match message:
                case {"type": "position", "lat": float() | int(), "lon": float() | int()}:
                    await self.moved(message)
                    return
                case {"type": "sync"}:
                    pass
                case {"type": "on_line"}:
                    await self.on_line()
                case {"type": "off_line"}:
                    await self.do(operations.leave_shift)
                case {"type": "pause"}:
                    await self.do(dispatch.pause_shift)
                case {"type": "resume"}:
                    await self.do(dispatch.resume_shift)
                case {"offer": bool()}:
                    # Python takes a bool for a number.
                    await self.complain("malformed")
                    return
                case {"type": "accept", "offer": int(offer)}:
                    await self.do(operations.accept_offer, offer_id=offer)
                case {"type": "decline", "offer": int(offer)}:
                    reason = text_of(message.get("reason"), 50)
                    await self.do(dispatch.decline, offer_id=offer, reason=reason)
                case {"type": "more_time", "offer": int(offer)}:
                    await self.do(dispatch.extend, offer_id=offer)
                case {"type": "step", "order": str(ref), "step": str(step)} if step in STEPS:
                    await self.step(ref, step, message)
                case {"type": "position" | "accept" | "decline" | "more_time" | "step"}:
                    # Known, but not with these contents.
                    await self.complain("malformed")
                    return
                case _:
                    await self.complain("unknown_message")
                    return
        except tuple(REFUSALS) as no:
            await self.complain(REFUSALS[type(no)])
        except orders.StepRefused as no:
            await self.complain(no.code)
        except (ValueError, OverflowError):
            await self.complain("malformed")
        await self.changed()

    async def changed(self, event: dict[str, Any] | None = None) -> None:
        """Say where things stand, unless the news is of what came in here and was answered."""
        if event and self.acted == (event.get("by"), event.get("at")):
            return
        state = await self.look()
        if state is None:
            # No driver any more, since this line was opened.
            await self.close(code=sockets.NOT_YOURS)
            return
        self.city_slug = state["shift"]["city"] if state["shift"] else None
        self.watched = [orders_live.line_of(ride["ref"]) for ride in state["rides"]]
        await self.say("state", **state)

    async def moved(self, message: dict[str, Any]) -> None:
        """Pass a position on: to the matcher, and to the riders who wait for this car."""
        assert self.worker is not None
        if self.city_slug is None:
            await self.complain("not_on_shift")
            return
        at = clock.now()
        try:
            heading = heading_of(message.get("heading"))
            point = point_of(message["lat"], message["lon"])
            telemetry.report(self.city_slug, self.worker.pk, point, heading, at)
        except telemetry.Implausible:
            await self.complain("implausible_position")
            return
        except (ValueError, OverflowError):
            await self.complain("malformed")
            return
        if not self.watched:
            return
        car = {"lat": point.lat, "lon": point.lon, "heading": heading, "seen_at": str(at)}
        told = cars.of_this_loop()
        if told.is_down:
            # What does not take our word brings none either.
            self.go_deaf()
        for line in self.watched:
            told.moved(line, car)

    async def do(self, operation: Any, **what: Any) -> None:
        """One call of one operation, as this driver, now."""
        assert self.worker is not None
        at = clock.now()
        await sockets.in_a_thread(operation)(
            worker_id=self.worker.pk, by=self.worker.actor, at=at, **what
        )
        # Nothing else is dispatched before the state is said.
        self.acted = (str(self.worker.actor), at.isoformat())

    async def on_line(self) -> None:
        city = await sockets.in_a_thread(City.objects.order_by("pk").first)()
        if city:
            await self.do(operations.go_on_shift, city_id=city.pk)

    async def step(self, ref: str, step: str, message: dict[str, Any]) -> None:
        assert self.worker is not None
        own = UUID(ref)
        await self.find_ride(own)
        await sockets.in_a_thread(orders.take)(
            ref=own,
            step=step,
            by=self.worker.actor,
            at=clock.now(),
            code=text_of(message.get("code"), 10),
            reason=text_of(message.get("reason"), 50),
            seen=text_of(message.get("seen"), 50),
        )

    @sockets.in_a_thread
    def find_ride(self, ref: UUID) -> Order:
        """Rides of others are not found, rather than forbidden.  Raises `Order.DoesNotExist`."""
        return Order.objects.get(ref=ref, worker=self.worker, vertical=operations.VERTICAL)

    @sockets.in_a_thread
    def look(self) -> dict[str, Any] | None:
        assert self.worker is not None
        return at_work.state_if_active(self.worker, clock.now())

    @sockets.in_a_thread
    def find_worker(self, user_id: int) -> Worker | None:
        return Worker.objects.active().filter(user=user_id).select_related("provider").first()
