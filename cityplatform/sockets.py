"""The sockets of all apps in one list, and who may open them."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from channels.db import database_sync_to_async
from channels.security.websocket import WebsocketDenier
from django.apps import apps
from django.contrib.auth.models import AnonymousUser

from apps.kernel import clock
from apps.parties import queries

# An app brings its sockets in a module `routing`.
websocket_urlpatterns: list[Any] = [
    pattern
    for app in apps.get_app_configs()
    if app.name.startswith("apps.") and find_spec(f"{app.name}.routing")
    for pattern in getattr(import_module(f"{app.name}.routing"), "websocket_urlpatterns", [])
]


class SameOrigin:
    """Refuse a socket that a page of another site opens with our visitor's cookies.

    Every browser names the page's origin.  Whoever names none is no browser, holds no
    cookies of others, and proves who it is by other means.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        headers = dict(scope["headers"])
        origin, host = headers.get(b"origin"), headers.get(b"host", b"")
        if origin is not None and urlsplit(origin).netloc != host:
            return await WebsocketDenier()(scope, receive, send)
        return await self.application(scope, receive, send)


class Bearer:
    """Let a program in by `Authorization: Bearer city_…`, as the API does.

    A token that is wrong, gone or revoked makes a visitor: no cookie beside it helps.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        said = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        scheme, _, secret = said.partition(" ")
        if scheme.lower() == "bearer":
            find = database_sync_to_async(queries.user_of_token)
            user = await find(secret.strip(), clock.now())
            scope = {**scope, "user": user or AnonymousUser()}
        return await self.application(scope, receive, send)
