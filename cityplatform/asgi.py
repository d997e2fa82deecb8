"""Pages, sockets and files behind one address."""

import os
from typing import Any

import django
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from servestatic import ServeStaticASGI

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityplatform.settings")


class Pages(ASGIHandler):
    """Django's, but for one thing: a request stays in its thread from the first middleware on.

    Middleware and views are synchronous here.  Django goes back to the loop between the two, and
    into a thread once more, and each time waits for its turn.
    """

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        answer: Any = sync_to_async(self.get_response, thread_sensitive=True)
        response: HttpResponseBase = await answer(request)
        return response


django.setup(set_prefix=False)
pages = Pages()

# Sockets reach into models, which stand only now.
from apps.kernel.garbage import collect_rarely  # noqa: E402
from cityplatform.outages import Patient  # noqa: E402
from cityplatform.sockets import Bearer, SameOrigin, websocket_urlpatterns  # noqa: E402

sockets = Patient(SameOrigin(AuthMiddlewareStack(Bearer(URLRouter(websocket_urlpatterns)))))

application = ProtocolTypeRouter({"http": pages, "websocket": sockets})
if settings.STATIC_ROOT.is_dir():
    # Files whose name carries their hash are kept by browsers for good.
    application = ServeStaticASGI(
        application, root=settings.STATIC_ROOT, prefix=settings.STATIC_URL, allow_all_origins=False
    )

collect_rarely()
