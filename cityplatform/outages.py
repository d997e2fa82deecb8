"""What people are told while the database, the bus or Valkey is away: that it passes.

An error that nobody caught is either somebody's mistake, which is 500, or a part of the house
that does not answer right now, which is 503 with the time after which to try again.  Whatever
was asked was done whole or not at all, and may be asked again with the same key.
"""

import logging
import sys
from collections.abc import Iterator
from typing import Any

import nats.errors
import psycopg
import redis.exceptions
from django import db
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.utils.translation import gettext as _
from django.views.defaults import bad_request, page_not_found
from kombu.exceptions import OperationalError as NoBroker

from apps.api import problems
from apps.kernel.problems import MEDIA_TYPE, Problem
from apps.kernel.sockets import TRY_AGAIN
from apps.mobility.mds import wire

# Everything here comes from outside of us.  A query that is wrong is none of these.
AWAY: tuple[type[BaseException], ...] = (
    db.OperationalError,
    db.InterfaceError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    NoBroker,
    nats.errors.Error,
    ConnectionError,
)
# Seconds: about as long as a supervisor takes to bring back what has ended.
RETRY_AFTER = 5

logger = logging.getLogger(__name__)


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that it came of: tidying up after an outage may fail in its own way."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_away(error: BaseException | None) -> bool:
    """Whether it happened because a part of the house does not answer."""
    return any(isinstance(one, AWAY) or _is_cut(one) for one in _behind(error))


def _is_cut(error: BaseException) -> bool:
    """Whether uvloop was to write on a line that has just been lost.

    It says so by a plain `RuntimeError`, which redis-py passes on as it is.
    """
    return isinstance(error, RuntimeError) and "Transport closed=True" in str(error)


def sorry(request: HttpRequest) -> HttpResponse:
    """Answer what nobody caught (Django's `handler500`): an API's client with a problem."""
    away = is_away(sys.exception())
    if request.path.startswith("/api/"):
        problem = (
            Problem(503, "away", _("A part of the city does not answer. Ask again in a moment."))
            if away
            else Problem(500, "our_fault", _("This did not work on our side."))
        )
        answer = _problem(problem)
    else:
        page = loader.get_template("503.html" if away else "500.html")
        answer = HttpResponse(page.render(), status=503 if away else 500)
    if away:
        answer["Retry-After"] = str(RETRY_AFTER)
        answer["Cache-Control"] = "no-store"
    return answer


def nothing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Nothing stands at this address (Django's `handler404`): a program hears it as a problem."""
    if request.path.startswith("/api/"):
        title = _("There is no such thing, or it is not yours.")
        return _problem(Problem(404, "not_found", title))
    if request.path.startswith("/mds/"):
        body = wire.complaint("not_found", _("There is no such thing."))
        return JsonResponse(body, status=404, content_type=wire.MEDIA_TYPE)
    return page_not_found(request, exception)


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that Django itself does not read on (its `handler400`), such as one too large."""
    if request.path.startswith("/api/"):
        return _problem(Problem(400, "malformed", _("The request could not be read as JSON.")))
    if request.path.startswith("/mds/"):
        body = wire.complaint("malformed", _("The request could not be read as JSON."))
        return JsonResponse(body, status=400, content_type=wire.MEDIA_TYPE)
    return bad_request(request, exception)


def _problem(problem: Problem) -> HttpResponse:
    return JsonResponse(problems.body(problem), status=problem.status, content_type=MEDIA_TYPE)


class Patient:
    """Answer a socket in the same way: 503 before it is open, "try again later" after."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        past: set[str] = set()

        async def hear() -> Any:
            message = await receive()
            past.add(message["type"])
            return message

        async def say(message: dict[str, Any]) -> None:
            past.add(message["type"])
            await send(message)

        try:
            await self.application(scope, hear, say)
        except Exception as error:
            if not is_away(error):
                raise
            logger.warning("a socket ends: %r", error)
            if past & {"websocket.close", "websocket.disconnect"}:
                return
            can_say_why = "websocket.http.response" in scope.get("extensions", {})
            if "websocket.accept" in past or not can_say_why:
                await send({"type": "websocket.close", "code": TRY_AGAIN})
            else:
                headers = [(b"retry-after", str(RETRY_AFTER).encode())]
                await send(
                    {"type": "websocket.http.response.start", "status": 503, "headers": headers}
                )
                await send({"type": "websocket.http.response.body", "body": b""})
