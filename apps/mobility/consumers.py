from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async

from apps.bus import operations as bus
from apps.dispatch import operations as dispatch
from apps.dispatch import telemetry
from apps.kernel import clock, sockets
from apps.mobility import at_work, operations
from apps.orders import live
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
STEPS = frozenset({"arrive", "board", "drop_off", "give_back", "no_show"})


def line_of(worker_id: int) -> str:
    """The name of a worker's line, the group that all their phones listen on."""
    return f"worker-{worker_id}"


class DriverConsumer(sockets.BoundedConsumer):
    """A driver's line: offers and rides go out; positions, answers and steps come in.

    The socket knows nothing that the database does not, so losing it costs nothing: after any
    break it says where things stand, and goes on from there.
    """

    worker: Worker | None = None

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
        await self.channel_layer.group_add(line_of(self.worker.pk), self.channel_name)
        await self.accept()
        await self.changed()

    async def disconnect(self, code: int) -> None:
        if self.worker:
            await self.channel_layer.group_discard(line_of(self.worker.pk), self.channel_name)

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
                case {"type": "accept", "offer": int(offer)}:
                    await self.do(operations.accept_offer, offer_id=offer)
                case {"type": "decline", "offer": int(offer)}:
                    reason = str(message.get("reason", ""))[:50]
                    await self.do(dispatch.decline, offer_id=offer, reason=reason)
                case {"type": "more_time", "offer": int(offer)}:
                    await self.do(dispatch.extend, offer_id=offer)
                case {"type": "step", "order": str(ref), "step": str(step)} if step in STEPS:
                    await self.step(ref, step, message)
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
        """Say where things stand."""
        state = await self.look()
        self.city_slug = state["shift"]["city"] if state["shift"] else None
        self.watched = [live.line_of(ride["ref"]) for ride in state["rides"]]
        await self.say("state", **state)

    async def moved(self, message: dict[str, Any]) -> None:
        """Pass a position on: to the matcher, and to the riders who wait for this car."""
        assert self.worker is not None
        if self.city_slug is None:
            await self.complain("not_on_shift")
            return
        at, heading = clock.now(), message.get("heading")
        heading = int(heading) % 360 if isinstance(heading, int | float) else None
        try:
            point = Point(float(message["lat"]), float(message["lon"]))
            telemetry.report(self.city_slug, self.worker.pk, point, heading, at)
        except telemetry.Implausible:
            await self.complain("implausible_position")
            return
        except (ValueError, OverflowError):
            await self.complain("malformed")
            return
        car = {"lat": point.lat, "lon": point.lon, "heading": heading, "seen_at": str(at)}
        for line in self.watched:
            await self.channel_layer.group_send(line, {"type": "car", "car": car})

    async def do(self, operation: Any, **what: Any) -> None:
        """One call of one operation, as this driver, now."""
        assert self.worker is not None
        await database_sync_to_async(operation)(
            worker_id=self.worker.pk, by=self.worker.actor, at=clock.now(), **what
        )

    async def on_line(self) -> None:
        city = await database_sync_to_async(City.objects.order_by("pk").first)()
        if city:
            await self.do(operations.go_on_shift, city_id=city.pk)

    async def step(self, ref: str, step: str, message: dict[str, Any]) -> None:
        assert self.worker is not None
        await database_sync_to_async(orders.take)(
            ref=UUID(ref),
            step=step,
            by=self.worker.actor,
            at=clock.now(),
            code=str(message.get("code", ""))[:10],
            reason=str(message.get("reason", ""))[:50],
        )

    @database_sync_to_async
    def look(self) -> dict[str, Any]:
        assert self.worker is not None
        return at_work.state_of(self.worker, clock.now())

    @database_sync_to_async
    def find_worker(self, user_id: int) -> Worker | None:
        return Worker.objects.active().filter(user=user_id).select_related("provider").first()
