"""Ask an address as somebody, undo whatever it did, and say in a word what came of it."""

import json
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.test import Client, RequestFactory
from django.urls import resolve

from apps.mobility.models import LostItem, SafetyCheck
from tests.mobility.test_sockets import Line

factory = RequestFactory()
KEY = "6f1f0f0e-2f0c-4b62-9a3f-3f0a8d1c7d11"
# Something of everything that endpoints ask for, so that they come as far as asking whose it is.
BODY = {
    "step": "cancel",
    "reason": "changed my mind",
    "stars": 5,
    "amount_minor": 100,
    "card": 1,
    "what": "A phone",
    "place": LostItem.Place.values[0],
    "do": "withdraw",
    "answer": SafetyCheck.Said.values[0],
    "words": "It was not like that.",
    "name": "Gym",
    "kind": "OTHER",
    "lat": -29.9027,
    "lon": -71.2520,
}


def through_the_door(client: Client, method: str, address: str) -> str:
    """Ask as a browser or a program does, through every layer."""
    cookies = client.cookies.copy()
    is_api = address.startswith("/api/")
    body = json.dumps(BODY | ({"answer": "accept"} if "/offers/" in address else {}))
    told = {"content_type": "application/json", "headers": {"idempotency-key": KEY}, "data": body}
    with transaction.atomic():
        try:
            answer = client.generic(method, address, **(told if is_api else {}))
        except RuntimeError as error:
            # It would ask the bank now, which is what this person may; here nobody listens.
            if "gateway" not in str(error):
                raise
            return "bank"
        finally:
            transaction.set_rollback(True)
            client.cookies = cookies
    return word(answer.status_code, answer.get("Location", ""))


def in_the_office(user: Any, method: str, address: str, data: Any = None) -> str:
    """Ask a page of the office for its answer, without drawing the page that it answers with."""
    request = getattr(factory, method.lower())(address, data)
    request.user = user
    request.session = SessionStore()
    request._messages = FallbackStorage(request)
    request._dont_enforce_csrf_checks = True
    found = resolve(address.partition("?")[0])
    with transaction.atomic():
        try:
            answer = found.func(request, *found.args, **found.kwargs)
            status, to = answer.status_code, answer.get("Location", "")
        except PermissionDenied:
            status, to = 403, ""
        except Http404:
            status, to = 404, ""
        transaction.set_rollback(True)
    return word(status, to)


def actions(user: Any, desk: Any) -> list[str]:
    """What a person may do to rows of a list, by name."""
    request = factory.get("/")
    request.user = user
    own = {name for name in desk.get_actions(request) if name != "delete_selected"}
    return sorted(own)


def on_the_line(user: Any, address: str) -> str:
    """Open a socket as somebody: `open`, or the code with which it is closed."""

    line = Line(user if user.is_authenticated else None, address)

    async def call() -> str:
        told = await line.open()
        await line.close()
        return "open" if told is True else str(told)

    return async_to_sync(call)()


def word(status: int, to: str) -> str:
    """The status; `in` for whoever is sent to sign in."""
    if status == 302 and ("/login/" in to or "/reauthenticate/" in to):
        return "in"
    return str(status)
