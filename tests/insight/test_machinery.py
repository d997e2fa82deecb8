"""What machines and officers read of the platform itself."""

import logging
import os
import subprocess
import sys
from datetime import timedelta

import psycopg
import pytest
from django.core.cache import cache
from django.db import transaction
from django.urls import reverse

from apps.bus import operations as bus
from apps.bus.models import Delivery
from apps.dispatch.matcher import LEASE
from apps.dispatch.positions import Positions
from apps.insight import machinery, tasks
from apps.kernel import about, clock, metrics
from apps.payments.models import Attempt
from cityplatform import health
from cityplatform.installation import ROOT
from cityplatform.logs import Line
from cityplatform.middleware import NameTheOrder
from tests import engines, factories, rides
from tests.browser import assert_accessible, each_look, screenshot
from tests.factories import CITY, NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(client):
    client.force_login(factories.UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def long_up(monkeypatch, settings):
    """The web has run for so long that nobody is still starting; the bank is elsewhere."""
    monkeypatch.setattr(health, "STARTED", health.STARTED - 1_000)
    settings.STRIPE_API_BASE = ""


def told(client, token="word"):
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in answer.content.decode().splitlines()
        if not line.startswith("#")
    }


def test_metrics_are_for_whoever_shows_the_token(client, settings):
    settings.METRICS_TOKEN = "word"
    assert client.get("/metrics").status_code == 401
    wrong = client.get("/metrics", headers={"Authorization": "Bearer wörd"})
    assert (wrong.status_code, wrong.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert client.get("/metrics", headers={"Authorization": "Bearer word"}).status_code == 200

    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_metrics_say_what_the_database_says(client, settings):
    settings.METRICS_TOKEN = "word"
    town = rides.town()
    town.drive(town.confirm(at=clock.now()), at=clock.now())
    town.search(at=clock.now())
    Delivery.objects.filter(pk=Delivery.objects.earliest("pk").pk).update(dead_at=NOON)

    values = told(client)

    assert values["city_bus_dead"] == 1
    waiting = Delivery.objects.waiting().count()
    assert values["city_bus_waiting"] == waiting
    assert values["city_jobs_searching"] == 1
    assert values['city_offers_last_hour{state="accepted"}'] == 1
    assert values['city_matcher_leads{city="la-serena"}'] == 0
    assert values["city_attempts_open"] == Attempt.objects.filter(answered_at=None).count()


def test_requests_are_measured_by_pattern_and_not_by_address(client, settings):
    settings.METRICS_TOKEN = "word"
    key = 'city_http_request_seconds_count{method="GET",route="help/",status="2xx"}'
    client.get("/help/")
    before = told(client)[key]

    client.get("/help/?a=1")
    client.get("/nothing/42/")

    after = told(client)
    assert after[key] == before + 1
    assert not any("nothing" in name for name in after)


def test_positions_are_counted_as_received_or_dropped():
    def count(outcome):
        key = frozenset({("at", "matcher"), ("outcome", outcome)})
        return metrics.samples()["city_positions_total"].get(key, 0)

    received, dropped = count("received"), count("dropped")

    heard = [(1, -29.9, -71.25, -1, 1000.0), (2, -29.9, -71.25, -1, 10.0)]
    Positions().hear("la-serena", heard, at=1000.0)

    assert (count("received"), count("dropped")) == (received + 1, dropped + 1)


def test_processes_tell_of_one_another_and_the_dead_hold_no_sockets(tmp_path):
    def process(code):
        ours = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=ours, capture_output=True, text=True, check=True
        )
        return done.stdout

    work = (
        "from prometheus_client import Counter, Gauge\n"
        "Counter('city_done', 'x').inc(2)\n"
        "Gauge('city_open', 'x', multiprocess_mode='livesum').set(5)\n"
    )
    process(work)
    process(work)

    said = process(
        "from apps.kernel import metrics\n"
        "told = metrics.samples()\n"
        "print(sum(told['city_done_total'].values()), sum(told.get('city_open', {}).values()))"
    )

    assert said.split() == ["4.0", "0"]


def test_readiness_says_which_city_nobody_leads(client, long_up):
    city = factories.CityFactory()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["state"]) == (200, "degraded")
    assert answer.json()["parts"]["matcher"] == "nobody leads la-serena"

    with psycopg.connect(engines.engines.installation.database_url("app")) as leader:
        leader.execute("SELECT pg_advisory_lock(%s, %s)", [LEASE, city.pk])
        assert client.get("/readyz").json()["state"] == "ready"

    assert client.get("/readyz").json()["parts"]["matcher"] == "nobody leads la-serena"


def test_readiness_says_when_news_is_late(client, long_up):
    rides.town().search(at=clock.now())
    Delivery.objects.update(due_at=clock.now() - timedelta(seconds=90))

    assert client.get("/readyz").json()["parts"]["relay"] == "90 s late"


def test_readiness_says_when_the_worker_is_silent(client, long_up, settings):
    settings.CELERY_TASK_ALWAYS_EAGER = False
    cache.delete(machinery.HEARTBEAT)
    assert client.get("/readyz").json()["parts"]["worker"] == "never heard of"

    tasks.heartbeat()
    assert client.get("/readyz").json()["parts"]["worker"] == "ok"

    machinery.beat(at=clock.now() - timedelta(seconds=45))
    assert client.get("/readyz").json()["parts"]["worker"] == "silent for 45 s"


def test_readiness_says_when_the_bank_is_away(client, long_up, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:1"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["state"]) == (200, "degraded")
    assert answer.json()["parts"]["bank"] == "does not answer (URLError)"


def line(message="said"):
    return Line().format(logging.makeLogRecord({"name": "x", "levelname": "INFO", "msg": message}))


def test_every_line_about_an_order_names_it():
    with about.about("7f3a"):
        assert line().endswith("say=said order=7f3a")
    assert "order=" not in line()


def test_what_a_subscriber_says_names_the_order():
    heard = []
    bus.subscribe("tests.told")(hear := lambda **_: heard.append(about.order.get()))
    name = f"{hear.__module__}.{hear.__qualname__}"
    try:
        with transaction.atomic():
            bus.publish("tests.told", by=CITY, at=NOON, order=7, ref="7f3a")
            bus.publish("tests.told", by=CITY, at=NOON, job=9, holder="8b01")
            # A payment is held for a basket, which is no order.
            bus.publish("tests.told", by=CITY, at=NOON, payment=1, holder="9c02")
        bus.relay(at=NOON)
    finally:
        bus._subscribers["tests.told"].remove(name)
        del bus._handlers[name]

    assert heard == ["7f3a", "8b01", ""]
    assert about.order.get() == ""


def test_what_is_said_about_a_page_of_an_order_names_it(rf):
    def respond(request):
        name.process_view(request, None, (), {"ref": "7f3a"})
        return line()

    name = NameTheOrder(respond)

    assert name(rf.get("/orders/7f3a/")).endswith("order=7f3a")
    assert about.order.get() == ""


def test_the_platform_page_leads_to_the_rows_of_each_number(officer, client):
    town = rides.town()
    town.drive(town.confirm(at=clock.now()), at=clock.now())
    town.search(at=clock.now())

    page = officer.get(reverse("insight:platform"))

    counts = {
        str(one.label): (one.value, officer.get(one.url).context["cl"].result_count)
        for one in page.context["readings"]
        if one.url and one.name in machinery_counts()
    }
    assert counts
    assert all(value == listed for value, listed in counts.values()), counts
    client.force_login(town.rider)
    assert client.get(reverse("insight:platform")).status_code == 302


def machinery_counts():
    return {
        "city_bus_waiting", "city_bus_dead", "city_bus_unstreamed", "city_jobs_searching",
        "city_offers_last_hour", "city_attempts_open", "city_attempts_dead",
        "city_gateway_events_dead",
    }  # fmt: skip


@each_look
def test_officers_can_read_how_everything_goes(new_page, site, width, theme, transactional_db):
    town = rides.town()
    town.drive(town.confirm(at=clock.now()), at=clock.now())
    town.search(at=clock.now())
    officer = factories.UserFactory(is_staff=True, is_superuser=True, password="a long password")
    lang = "es" if theme == "dark" else "en"
    page = new_page(width=width, theme=theme, lang=lang)
    page.goto(f"{site}/accounts/login/")
    page.fill("[name=login]", officer.email)
    page.fill("[name=password]", "a long password")
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{site}/")

    for name in ("", "platform/"):
        page.goto(f"{site}/admin/{name}")
        screenshot(page, f"office-{name.strip('/') or 'first'}-{width}-{theme}", full=True)
        assert_accessible(page, but=THE_ADMINS_OWN)


# What unfold's own frame does; our part of the page is held to every rule.
THE_ADMINS_OWN = ("landmark-one-main", "region")
