"""What holds for the house as a whole: locks, settings, health."""

import logging
import os
import subprocess
import sys

import pytest
from django.core.cache import cache
from django.test import Client

from cityplatform import production
from cityplatform.celery import app
from cityplatform.installation import ROOT
from cityplatform.logs import Line

SAFE = {
    "SECRET_KEY": "k" * 64,
    "ALLOWED_HOSTS": "city.example",
    "DATABASE_URL": "postgres://city_app@db.example/city",
    "NATS_URL": "nats://nats.example",
    "VALKEY_URL": "rediss://valkey.example",
    "SEAL_KEY_FILE": "/etc/city/seal.pem",
    "EMAIL_HOST": "mail.example",
}


def test_lock_files_hold_no_addresses():
    locks = [*ROOT.glob("requirements/*.txt"), ROOT / "requirements/front/package-lock.json"]
    assert len(locks) == 5
    assert [lock.name for lock in locks if "://" in lock.read_text()] == []


def test_every_package_in_a_lock_has_a_hash():
    for lock in ROOT.glob("requirements/*.txt"):
        text = lock.read_text()
        pins = [part for part in text.split("\n") if "==" in part and not part.startswith("#")]
        assert pins
        assert all(pin.rstrip().endswith("\\") for pin in pins), lock.name


@pytest.mark.parametrize("name", production.NEEDED)
def test_production_refuses_what_is_unset(name):
    assert production.faults(SAFE | {name: ""}) == [f"{name} is unset"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY is shorter than 50 characters"),
        ({"ALLOWED_HOSTS": "a,*"}, "ALLOWED_HOSTS names every host"),
        ({"STRIPE_API_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "w"},
         "STRIPE_API_KEY is not a live key"),
        ({"STRIPE_API_KEY": "sk_live_1"}, "STRIPE_WEBHOOK_SECRET is unset"),
        ({"STRIPE_API_BASE": "http://127.0.0.1:8010"}, "STRIPE_API_BASE points away from Stripe"),
        ({"DATABASE_URL": "postgres://city_owner@db/city"},
         "DATABASE_URL uses a role that owns tables"),
        ({"DEMO_PASSWORD": "x"}, "DEMO_PASSWORD is set, and demo people may not exist"),
    ],
)  # fmt: skip
def test_production_refuses_what_is_unsafe(change, fault):
    assert production.faults(SAFE | change) == [fault]


def test_production_starts_on_safe_values_and_says_why_it_does_not():
    def start(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "import cityplatform.settings"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "MODE": "production", **env},
            capture_output=True,
            text=True,
        )

    assert production.faults(SAFE) == []
    assert start(SAFE).returncode == 0
    refused = start({**SAFE, "ALLOWED_HOSTS": ""})
    assert refused.returncode == 1
    assert "MODE=production refuses to start: ALLOWED_HOSTS is unset" in refused.stderr


@pytest.mark.django_db
def test_readiness_tells_the_truth_about_each_part(client: Client, settings):
    settings.STRIPE_API_BASE = ""
    assert client.get("/healthz").content == b"ok\n"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["state"]) == (200, "ready")

    settings.NATS_URL = "nats://127.0.0.1:1"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["state"]) == (200, "degraded")
    assert answer.json()["parts"]["nats"] == "does not answer (ConnectionRefusedError)"


def test_a_cache_that_is_gone_is_a_miss_and_not_a_fault(settings):
    settings.CACHES = {
        "default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/1"}
    }
    assert cache.get("fare", "none") == "none"
    assert cache.get_or_set("fare", 245) == 245
    assert cache.set("fare", 245) is None
    assert cache.incr("visits") == 1


def test_a_log_line_reads_as_pairs():
    record = logging.makeLogRecord(
        {"name": "apps.orders", "levelname": "INFO", "created": 0, "msg": "placed %s",
         "args": ('"a b"',), "order": 7}
    )  # fmt: skip
    assert Line().format(record) == (
        "at=1970-01-01T00:00:00.000+00:00 level=info from=apps.orders"
        ' say="placed \\"a b\\"" order=7'
    )


def test_pages_allow_only_what_is_ours(client: Client):
    policy = client.get("/healthz").headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


def test_every_scheduled_task_is_there_and_its_queue_is_worked(settings):
    app.loader.import_default_modules()
    queues = {queue.name for queue in settings.CELERY_TASK_QUEUES}
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in app.tasks
        # A backlog must not fire at once after an outage.
        assert entry["options"]["expires"] <= 3600
    for name in app.tasks:
        assert app.amqp.router.route({}, name)["queue"].name in queues
