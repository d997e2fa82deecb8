from collections.abc import Callable

from apps.bus import operations as bus
from django.http import HttpRequest, HttpResponse


def name_the_door(
    respond: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Tell the bus through which page a change comes in, for every event it leads to."""

    def middleware(request: HttpRequest) -> HttpResponse:
        before = bus.source.set(request.path)
        try:
            return respond(request)
        finally:
            bus.source.reset(before)

    return middleware
