"""How the platform itself goes: read by officers on a page, by machines at /metrics and /readyz."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Min, Sum
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from apps.audit import queries as evidence
from apps.audit.models import Seal
from apps.bus.models import Delivery, Event
from apps.dispatch.matcher import led_cities
from apps.dispatch.models import Job, Offer
from apps.insight.queries import rows
from apps.kernel import metrics
from apps.kernel.formats import figures
from apps.kernel.money import EXPONENTS
from apps.ledger.models import Account, Entry
from apps.payments.models import Attempt, GatewayEvent
from apps.payments.operations import CLEARING
from apps.places.models import City
from apps.settlement import queries as settlement
from apps.settlement.models import Night, Shortfall
from apps.treasury.models import Difference, Run
from apps.treasury.queries import AGES

HEARTBEAT = "insight.heartbeat"
HEARTBEAT_KEPT = timedelta(days=1)
# How far back answers to offers are counted.
RECENTLY = timedelta(hours=1)
# Longer than so, somebody notices: a driver's phone rings late, a page stands still.
LATE = timedelta(seconds=30)
OWING_LONG = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement: its name for machines, its words for people, and the rows behind it."""

    name: str
    label: str | Promise
    value: float
    url: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    is_alarming: bool = False
    text: str = ""

    @property
    def shown(self) -> str:
        return self.text or f"{self.value:g}"


def beat(*, at: datetime) -> None:
    """Note that schedule, broker and worker work.  Only remembered, never recorded."""
    cache.set(HEARTBEAT, at, HEARTBEAT_KEPT.total_seconds())


def last_beat() -> datetime | None:
    heard: datetime | None = cache.get(HEARTBEAT)
    return heard


def lag(at: datetime) -> timedelta:
    """How long the oldest delivery that is due has waited for its turn."""
    oldest = Delivery.objects.due(at).aggregate(oldest=Min("due_at"))["oldest"]
    return at - oldest if oldest else timedelta()


def unled() -> list[City]:
    """The cities that no matcher leads: nobody is asked there."""
    return list(City.objects.only("slug", "name").exclude(pk__in=led_cities()).order_by("pk"))


def readings(at: datetime) -> list[Reading]:
    """What the database knows, fresh."""
    return [*_bus(at), *_dispatch(at), *_money(), *_nights(at), *_schedule(at), _seals(at)]


def _bus(at: datetime) -> list[Reading]:
    waiting: dict[str, Any] = {"done_at__isnull": True, "dead_at__isnull": True}
    due = waiting | {"due_at__lte": at}
    dead: dict[str, Any] = {"done_at__isnull": True, "dead_at__isnull": False}
    unstreamed: dict[str, Any] = {"streamed_at__isnull": True}
    late = lag(at)
    return [
        Reading(
            "city_bus_waiting", _("Deliveries waiting"),
            Delivery.objects.filter(**waiting).count(), rows(Delivery, **waiting),
        ),
        Reading(
            "city_bus_lag_seconds", _("Oldest delivery that is due"), late.total_seconds(),
            rows(Delivery, **due), is_alarming=late > LATE, text=f"{late.total_seconds():.1f} s",
        ),
        _alarm("city_bus_dead", _("Deliveries given up"), Delivery, dead),
        Reading(
            "city_bus_unstreamed", _("Events not yet told to the stream"),
            Event.objects.filter(**unstreamed).count(), rows(Event, **unstreamed),
        ),
    ]  # fmt: skip


def _dispatch(at: datetime) -> list[Reading]:
    searching: dict[str, Any] = {"state__exact": Job.State.SEARCHING}
    answered: dict[str, int] = dict(
        Offer.objects.filter(offered_at__gte=at - RECENTLY)
        .values_list("state")
        .annotate(count=Count("pk"))
        .order_by()
    )
    led = led_cities()
    return [
        Reading(
            "city_jobs_searching", _("Rides that look for a driver"),
            Job.objects.filter(**searching).count(), rows(Job, **searching),
        ),
        *(
            Reading(
                "city_offers_last_hour", _("Offers of the last hour: %s") % state.label,
                answered.get(state, 0),
                rows(Offer, state__exact=state, offered_at__gte=at - RECENTLY),
                {"state": state.lower()},
            )
            for state in Offer.State
        ),
        *(
            Reading(
                "city_matcher_leads", _("Matcher of %s") % city.name, city.pk in led,
                reverse("insight:live-map"), {"city": city.slug}, is_alarming=city.pk not in led,
                text=str(_("leads") if city.pk in led else _("nobody leads")),
            )
            for city in City.objects.only("slug", "name").order_by("pk")
        ),
    ]  # fmt: skip


def _money() -> list[Reading]:
    held = (
        Entry.objects.filter(account__code=CLEARING)
        .values_list("currency")
        .annotate(balance=Sum("amount_minor"))
        .order_by("currency")
    )
    unanswered: dict[str, Any] = {"answered_at__isnull": True, "dead_at__isnull": True}
    dead: dict[str, Any] = {"answered_at__isnull": True, "dead_at__isnull": False}
    differing: dict[str, Any] = {"state__in": [Difference.State.OPEN, Difference.State.PROPOSED]}
    return [
        *(
            Reading(
                "city_clearing_minor", _("Money in clearing, %s") % currency, balance,
                rows(Account, code__exact=CLEARING, currency__exact=currency),
                {"currency": currency},
                text=_sum(balance, currency),
            )
            for currency, balance in held
        ),
        Reading(
            "city_attempts_open", _("Questions to the bank under way"),
            Attempt.objects.filter(**unanswered).count(), rows(Attempt, **unanswered),
        ),
        _alarm("city_attempts_dead", _("Questions the bank did not understand"), Attempt, dead),
        _alarm("city_differences_open", _("Differences in the money"), Difference, differing),
        _alarm(
            "city_gateway_events_dead", _("What the bank told and nobody could deal with"),
            GatewayEvent, {"done_at__isnull": True, "dead_at__isnull": False},
        ),
    ]  # fmt: skip


def ages() -> list[Reading]:
    """What stood open on each clearing account at the last comparison, by days; for machines."""
    run = Run.objects.exclude(ageing=[]).order_by("-pk").first()
    names = [*(f"under_{days}" for days in AGES), f"over_{AGES[-1]}"]
    return [
        Reading(
            "city_clearing_open_minor", code, minor, "",
            {"account": code, "currency": currency, "days": days},
        )
        for code, currency, *sums in (run.ageing if run else [])
        for days, minor in zip(names, sums, strict=True)
    ]  # fmt: skip


def _nights(at: datetime) -> list[Reading]:
    """Whether every city's night was settled, and who owes the city for long."""
    long_ago = at.date() - OWING_LONG
    owing: dict[str, Any] = {"ended_on__isnull": True, "since__lte": long_ago}
    count = Shortfall.objects.filter(**owing).count()
    return [
        *(
            Reading(
                "city_night_late", _("The night's settlement of %s") % city.name, is_late,
                rows(Night, city__id__exact=city.pk), {"city": city.slug}, is_alarming=is_late,
                text=str(_("late") if is_late else _("done")),
            )
            for city, is_late in settlement.nights(at)
        ),
        Reading(
            "city_owing_long", _("Providers who owe for more than two weeks"), count,
            rows(Shortfall, ended_on__isnull=True, since__lte=long_ago), is_alarming=count > 0,
        ),
    ]  # fmt: skip


def _sum(minor: int, currency: str) -> str:
    known = currency in EXPONENTS
    return figures(minor, currency, language=get_language() or "en") if known else str(minor)


def _schedule(at: datetime) -> list[Reading]:
    heard = last_beat()
    if heard is None:
        return []
    age = max(0.0, (at - heard).total_seconds())
    return [
        Reading(
            "city_heartbeat_age_seconds", _("Since schedule and worker last worked"), age,
            is_alarming=age > LATE.total_seconds(), text=f"{age:.0f} s",
        )
    ]  # fmt: skip


def _seals(at: datetime) -> Reading:
    """How long something has stood unsealed.  After four hours no money leaves."""
    age = evidence.seal_age(at)
    return Reading(
        "city_seal_age_seconds", _("Since the logs were sealed"), age.total_seconds(),
        rows(Seal), is_alarming=age > evidence.LATE, text=f"{age.total_seconds():.0f} s",
    )  # fmt: skip


def measured() -> list[Reading]:
    """What the processes measured, for the page; machines are told it by the processes' files."""
    told = metrics.samples()
    sockets = sum(told.get("city_sockets_open", {}).values())
    positions = told.get("city_positions_total", {})

    def at(where: str, outcome: str) -> float:
        return positions.get(frozenset({("at", where), ("outcome", outcome)}), 0)

    batches = sum(told.get("city_matcher_batch_seconds_count", {}).values())
    seconds = sum(told.get("city_matcher_batch_seconds_sum", {}).values())
    mean = f"{1000 * seconds / batches:.0f} ms" if batches else "–"
    return [
        Reading("city_sockets_open", _("Open sockets"), sockets),
        Reading("city_positions", _("Positions heard"), at("socket", "received")),
        Reading("city_positions", _("Positions not believed"), at("socket", "dropped")),
        Reading("city_matcher_batch_seconds", _("A look of the matcher, on average"), seconds,
                text=mean),
    ]  # fmt: skip


def _alarm(
    name: str,
    label: str | Promise,
    model: type[Delivery] | type[Attempt] | type[Difference] | type[GatewayEvent],
    where: dict[str, Any],
) -> Reading:
    count = model._default_manager.filter(**where).count()
    return Reading(name, label, count, rows(model, **where), is_alarming=count > 0)
