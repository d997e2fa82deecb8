"""Pages, sockets and files behind one address."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from servestatic import ServeStaticASGI

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityplatform.settings")

pages = get_asgi_application()

# Sockets reach into models, which stand only now.
from cityplatform.outages import Patient  # noqa: E402
from cityplatform.sockets import Bearer, SameOrigin, websocket_urlpatterns  # noqa: E402

sockets = Patient(SameOrigin(AuthMiddlewareStack(Bearer(URLRouter(websocket_urlpatterns)))))

application = ProtocolTypeRouter({"http": pages, "websocket": sockets})
if settings.STATIC_ROOT.is_dir():
    # Files whose name carries their hash are kept by browsers for good.
    application = ServeStaticASGI(
        application, root=settings.STATIC_ROOT, prefix=settings.STATIC_URL, allow_all_origins=False
    )
