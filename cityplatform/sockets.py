"""The sockets of all apps in one list, and who may open them."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.apps import apps

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
