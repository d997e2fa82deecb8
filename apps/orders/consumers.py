from typing import Any

from apps.kernel import clock, sockets
from apps.orders import live
from apps.orders.models import Order


class OrderConsumer(sockets.BoundedConsumer):
    """A consumer's line to one order: its stage, its arrival, the car on the map.

    The socket knows nothing that the database does not: after any break it says where things
    stand, and goes on from there.
    """

    line = ""

    async def connect(self) -> None:
        await super().connect()
        user: Any = self.scope["user"]
        if not user.is_authenticated:
            await self.close(code=sockets.NOT_SIGNED_IN)
            return
        self.ref = self.scope["url_route"]["kwargs"]["ref"]
        self.user_id = user.pk
        state = await self.look()
        if state is None:
            # Somebody else's order is not found, rather than forbidden.
            await self.close(code=sockets.NOT_FOUND)
            return
        self.line = live.line_of(self.ref)
        await self.channel_layer.group_add(self.line, self.channel_name)
        await self.accept()
        # Once more: it may have changed before we were on the line.
        await self.changed()

    async def disconnect(self, code: int) -> None:
        if self.line:
            await self.channel_layer.group_discard(self.line, self.channel_name)

    async def heard(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "sync":
                await self.changed()
            case _:
                await self.complain("unknown_message")

    async def changed(self, event: dict[str, Any] | None = None) -> None:
        if state := await self.look():
            await self.say("order", **state)

    async def car(self, event: dict[str, Any]) -> None:
        """The worker has moved."""
        await self.say("car", **event["car"])

    @sockets.in_a_thread
    def look(self) -> dict[str, Any] | None:
        order = (
            Order.objects.filter(ref=self.ref, consumer=self.user_id)
            .select_related("worker__user", "city")
            .first()
        )
        return live.state_of(order, clock.now()) if order else None
