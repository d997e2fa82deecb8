"""What machines may read: what the processes measured, and what the database says now."""

import hmac
from collections.abc import Iterable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from apps.insight import machinery
from apps.kernel import clock
from apps.kernel import metrics as processes


class Database(Collector):
    """Gauges that are read at the moment somebody asks."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for one in [*machinery.readings(clock.now()), *machinery.ages()]:
            names = sorted(one.tags)
            family = families.setdefault(
                one.name, GaugeMetricFamily(one.name, HELP[one.name], labels=names)
            )
            family.add_metric([one.tags[name] for name in names], one.value)
        return families.values()


HELP = {
    "city_bus_waiting": "Deliveries that wait for their turn",
    "city_bus_lag_seconds": "Age of the oldest delivery that is due",
    "city_bus_dead": "Deliveries that were given up and wait for an officer",
    "city_bus_unstreamed": "Events that the stream has not been told of",
    "city_jobs_searching": "Jobs that look for a worker",
    "city_offers_last_hour": "Offers made in the last hour, by what became of them",
    "city_matcher_leads": "Whether a matcher leads the city: 1 or 0",
    "city_clearing_minor": "Money taken and not yet passed on, in minor units",
    "city_clearing_open_minor": "Open on a clearing account at the last comparison, by days",
    "city_differences_open": "Differences between gateway, bank and books that wait for somebody",
    "city_attempts_open": "Questions to the bank without an answer yet",
    "city_attempts_dead": "Questions that the bank did not understand",
    "city_night_late": "Whether a city's night was not settled by five in the morning there.",
    "city_owing_long": "Providers who have owed more than they earned for over two weeks.",
    "city_gateway_events_dead": "Events of the bank that were given up and wait for an officer",
    "city_seal_age_seconds": "How long something in the logs has stood unsealed",
    "city_heartbeat_age_seconds": "Since schedule, broker and worker last worked together",
}


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything, for whoever shows the token.  Without a token there is no such address."""
    if not settings.METRICS_TOKEN:
        raise Http404
    shown = request.headers.get("Authorization", "")
    if not hmac.compare_digest(shown.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()):
        return HttpResponse(
            "a bearer token is needed\n",
            content_type="text/plain",
            status=401,
            headers={"WWW-Authenticate": "Bearer"},
        )
    database = CollectorRegistry()
    database.register(Database())
    body = generate_latest(processes.registry()) + generate_latest(database)
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)
