"""Two questions of whoever watches over us: are you alive, and can you do your work."""

import socket
import time
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from apps.audit import queries as evidence
from apps.insight import machinery
from apps.kernel import clock

PATIENCE = 2
# So long after our own start the others may still be starting.
GRACE = 30
STARTED = time.monotonic()
FINE = {"ok", "starting", "elsewhere"}


@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers at all."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """What each part says of itself.

    503 when the database does not answer or lacks a migration: nothing can be promised then.
    All else is reported, and the state is "degraded": pages and money go on, slower or later, and
    taking this web process out of service would not help anybody.
    """
    parts = {
        "database": _ask(_database),
        "migrations": _ask(_migrations),
        "valkey": _ask(_valkey),
        "nats": _ask(_nats),
        "relay": _ask(_relay),
        "matcher": _ask(_matcher),
        "worker": _ask(_worker),
        "bank": _ask(_bank),
        "seals": _ask(_seals),
    }
    able = parts["database"] == "ok" == parts["migrations"]
    state = "ready" if able and set(parts.values()) <= FINE else "degraded" if able else "down"
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


def _relay() -> str:
    """News is late when the oldest delivery that is due has waited too long."""
    late = machinery.lag(clock.now())
    return f"{late.total_seconds():.0f} s late" if late > machinery.LATE else "ok"


def _matcher() -> str:
    unled = [city.slug for city in machinery.unled()]
    return _or_starting(f"nobody leads {', '.join(unled)}") if unled else "ok"


def _worker() -> str:
    """Schedule, broker and worker, by the last time that all three worked."""
    if settings.CELERY_TASK_ALWAYS_EAGER:
        return "ok"
    heard = machinery.last_beat()
    if heard is None:
        return _or_starting("never heard of")
    age = clock.now() - heard
    return f"silent for {age.total_seconds():.0f} s" if age > machinery.LATE else "ok"


def _bank() -> str:
    """The sandbox.  A real bank is not ours to ask after."""
    if not settings.STRIPE_API_BASE:
        return "elsewhere"
    with urllib.request.urlopen(f"{settings.STRIPE_API_BASE}/healthz", timeout=PATIENCE):
        return "ok"


def _seals() -> str:
    """Seals are made each minute; after four hours without one no money leaves."""
    age = evidence.seal_age(clock.now())
    late = f"nothing sealed for {age.total_seconds() / 60:.0f} min"
    return _or_starting(late) if age > evidence.LATE else "ok"


def _or_starting(fault: str) -> str:
    return "starting" if time.monotonic() - STARTED < GRACE else fault
