from typing import Any

from apps.kernel import clock, sockets
from apps.notifications import live, queries, words
from apps.parties.models import User


class NewsConsumer(sockets.BoundedConsumer):
    """A person's line to their own news: how much is unread, and what rings."""

    line = ""

    async def connect(self) -> None:
        await super().connect()
        user: Any = self.scope["user"]
        if not user.is_authenticated:
            await self.close(code=sockets.NOT_SIGNED_IN)
            return
        self.user_id = user.pk
        self.line = live.line_of(user.pk)
        await self.channel_layer.group_add(self.line, self.channel_name)
        await self.accept()
        await self.changed()

    async def disconnect(self, code: int) -> None:
        if self.line:
            await self.channel_layer.group_discard(self.line, self.channel_name)

    async def heard(self, message: dict[str, Any]) -> None:
        if message["type"] == "sync":
            await self.changed()
        else:
            await self.complain("unknown_message")

    async def changed(self, event: dict[str, Any] | None = None) -> None:
        await self.say("news", **await self.look())

    @sockets.in_a_thread
    def look(self) -> dict[str, Any]:
        language = User.objects.values_list("language", flat=True).get(pk=self.user_id)
        now = clock.now()
        ringing = []
        for notice in queries.ringing(self.user_id):
            said = words.said(notice, language=language, now=now)
            told = {"ref": str(notice.ref), "title": said.title, "text": said.text}
            ringing.append(told | {"link": notice.link})
        return {"unread": queries.unread(self.user_id), "ringing": ringing}
