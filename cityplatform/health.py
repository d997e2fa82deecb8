"""Two questions of whoever watches over us: are you alive, and can you do your work."""

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

PATIENCE = 2


@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers at all."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """What each part says of itself.

    503 when the database does not answer or lacks a migration: nothing can be promised then.
    Without Valkey or NATS the city works on, slower, so they are only reported.
    """
    parts = {
        "database": _ask(_database),
        "migrations": _ask(_migrations),
        "valkey": _ask(_valkey),
        "nats": _ask(_nats),
    }
    able = parts["database"] == "ok" == parts["migrations"]
    state = "ready" if able and set(parts.values()) == {"ok"} else "degraded" if able else "down"
    return JsonResponse({"state": state, "parts": parts}, status=200 if able else 503)


def _ask(part: Callable[[], str]) -> str:
    try:
        return part()
    except Exception as fault:
        # Whatever it is, it is this part's answer.  Its words may name addresses.
        return f"does not answer ({type(fault).__name__})"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(missing)} not applied" if missing else "ok"


def _valkey() -> str:
    with redis.Redis.from_url(
        settings.VALKEY_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
    ) as valkey:
        valkey.ping()
    return "ok"


def _nats() -> str:
    """The server greets whoever connects with one line that says who it is."""
    where = urlsplit(settings.NATS_URL)
    with socket.create_connection((where.hostname, where.port or 4222), PATIENCE) as talk:
        talk.settimeout(PATIENCE)
        return "ok" if talk.recv(5) == b"INFO " else "answers as something else"
