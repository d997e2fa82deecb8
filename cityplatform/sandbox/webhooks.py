"""Events and their delivery: at least once, signed, retried for three days, in no fixed order."""

import hashlib
import hmac
import http.client
import json
import random
import time
import urllib.error
import urllib.request
from typing import Any

from cityplatform.sandbox.config import Config
from cityplatform.sandbox.endpoints import API_VERSION, Call, endpoint, listed
from cityplatform.sandbox.errors import Json
from cityplatform.sandbox.params import array, boolean, text
from cityplatform.sandbox.store import Store

TIMEOUT = 10
LONGEST_PAUSE = 3600
# Three days of tries, as Stripe: 12 doublings up to an hour, then one each hour.
TRIES = 82


def emit(call: Call, event: str, body: Json, previous: Json | None = None) -> None:
    """Keep the event and, when the city listens, its delivery."""
    data: Json = {"object": body}
    if previous:
        data["previous_attributes"] = previous
    kept = call.create(
        "evt",
        "event",
        api_version=API_VERSION,
        data=data,
        pending_webhooks=1 if call.config.webhook_url else 0,
        request={"id": call.request, "idempotency_key": call.key},
        type=event,
    )
    if call.account:
        kept["account"] = call.account
    call.keep(kept)
    if call.config.webhook_url:
        send_out(call.store, str(kept["id"]))


# What the control endpoint can have go wrong, and how much of it at most: further copies of each
# event, seconds by which each waits, seconds of which each waits a part by chance, and whether it
# is never sent.
FAULTS = {"duplicate": 10, "delay": 604_800, "reorder": 60, "drop": 1}


def send_out(store: Store, event: str) -> None:
    """Put an event on its way to the city, or on as many ways as are wished for."""
    faults = store.faults()
    for _ in range(1 + faults.get("duplicate", 0)):
        chance = random.uniform(0, faults.get("reorder", 0))
        store.db.execute(
            "INSERT INTO deliveries (event, next_at, status) VALUES (?, ?, ?)",
            (
                event,
                time.time() + faults.get("delay", 0) + chance,
                "dropped" if faults.get("drop") else "waiting",
            ),
        )


@endpoint("GET", "/v1/events/{id}")
def retrieve_event(call: Call) -> Json:
    return call.find("event")


@listed("/v1/events", type=text(), types=array(text()), delivery_success=boolean())
def list_events(call: Call) -> Json:
    return call.listing("event", type=call.params.get("type"))


def waiting(store: Store, now: float) -> list[tuple[int, int, str]]:
    """Deliveries whose time has come: their number, the tries so far, the event as sent."""
    rows = store.db.execute(
        "SELECT deliveries.seq, attempts, body FROM deliveries"
        " JOIN objects ON objects.id = deliveries.event"
        " WHERE deliveries.status = 'waiting' AND next_at <= ?"
        " ORDER BY deliveries.seq LIMIT 16",
        (now,),
    ).fetchall()
    return [(row["seq"], row["attempts"], row["body"]) for row in rows]


def next_at(store: Store) -> float | None:
    """When the next delivery is due, in wall-clock seconds."""
    row = store.db.execute(
        "SELECT min(next_at) FROM deliveries WHERE status = 'waiting'"
    ).fetchone()
    return None if row[0] is None else float(row[0])


def note(store: Store, number: int, attempts: int, answer: str, *, arrived: bool) -> None:
    """Remember how a try ended and when the next one comes."""
    attempts += 1
    status = "delivered" if arrived else "given_up" if attempts >= TRIES else "waiting"
    pause = min(2 ** min(attempts - 1, 12), LONGEST_PAUSE)
    with store.transaction():
        store.db.execute(
            "UPDATE deliveries SET attempts = ?, status = ?, answer = ?, next_at = ? WHERE seq = ?",
            (attempts, status, answer, time.time() + pause, number),
        )
        if arrived:
            store.db.execute(
                "UPDATE objects SET body = json_set(body, '$.pending_webhooks', 0) WHERE id ="
                " (SELECT event FROM deliveries WHERE seq = ?)",
                (number,),
            )


def signature(payload: str, secret: str, at: int) -> str:
    """The Stripe-Signature header: HMAC-SHA256 over the moment and the exact bytes."""
    mac = hmac.new(secret.encode(), f"{at}.{payload}".encode(), hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


class Straight(urllib.request.HTTPRedirectHandler):
    """A webhook that answers with a redirect did not take the event."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), Straight())


def post(config: Config, body: str) -> tuple[bool, str]:
    """Send one event; whether it arrived, and what was answered."""
    payload = json.dumps(json.loads(body), indent=2)
    request = urllib.request.Request(
        config.webhook_url,
        data=payload.encode(),
        headers={
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (sandbox)",
            "Stripe-Signature": signature(payload, config.webhook_secret, int(time.time())),
        },
    )
    try:
        with OPENER.open(request, timeout=TIMEOUT) as answer:
            return 200 <= answer.status < 300, str(answer.status)
    except urllib.error.HTTPError as refused:
        return False, str(refused.code)
    except (OSError, http.client.HTTPException) as lost:
        return False, type(lost).__name__


def deliveries(store: Store) -> list[Json]:
    """The last hundred deliveries, newest first, for the control endpoint."""
    rows = store.db.execute(
        "SELECT event, attempts, status, answer FROM deliveries ORDER BY seq DESC LIMIT 100"
    ).fetchall()
    return [dict(row) for row in rows]
