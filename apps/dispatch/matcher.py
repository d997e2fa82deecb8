"""The matcher of a city: who is free, who waits, who is asked.

One process leads each city, by an advisory lock on a connection of its own: who loses the
connection has lost the lead, and stops asking at once.  Any number stand by, and one of them
takes over within seconds.  Jobs, Runs and offers are read from the database every time;
only positions live in memory.  What two leaders would do to one another if there were two for a
moment, the constraints of the database prevent: offers are refused, nothing breaks.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Event

import numpy as np
import psycopg
from django.contrib.postgres.aggregates import ArrayAgg
from django.db import Error, InterfaceError, OperationalError, connection
from django.db.models import Exists, OuterRef, Q
from prometheus_client import Histogram
from scipy.spatial import cKDTree

from apps.bus.listening import listening
from apps.dispatch import operations, policy, queries
from apps.dispatch.models import REFUSED, Job, Offer, OfferQuerySet, Shift
from apps.dispatch.positions import Positions
from apps.dispatch.telemetry import Seen
from apps.dispatch.travel import by_streets
from apps.dispatch.waking import CHANNEL
from apps.kernel import clock
from apps.kernel.actors import Actor
from apps.places.models import City

# The timer is the safety net; and cars move, so that who could not be helped may be now.
TIMER = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
# A car that is further off than this is not asked, however long the rider would wait.
PATIENCE = 30 * 60.0
# At once only so many of the cars round each job are looked at; on the timer all of them.
ROUND_A_JOB = 100
# The first half of the advisory lock's key; the second is the city.
LEASE = 0x64_69_73_70

BATCH = Histogram(
    "city_matcher_batch_seconds",
    "From the look at the jobs that wait to the last offer",
    ["city"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)

logger = logging.getLogger(__name__)


class Matcher:
    """Asks workers of one city."""

    by = Actor.system("dispatch")

    def __init__(self, city: City, positions: Positions) -> None:
        self.city = city
        self.positions = positions
        self.travel = by_streets(city.slug)

    def match(
        self,
        *,
        at: datetime,
        everybody: bool = True,
        still_leading: Callable[[], None] = lambda: None,
    ) -> int:
        """Look once, and ask whoever is to be asked.  Return how many offers were made.

        `still_leading` raises if somebody else may be asking by now.
        """
        began = time.perf_counter()
        jobs = waiting(self.city.pk, at)
        if not jobs:
            return 0
        seen: Sequence[Seen] = self.positions.of_city(self.city.slug, at=at.timestamp())
        if not everybody:
            seen = near(jobs, seen)
        cars = free(self.city.pk, seen, at)
        matches = policy.plan(jobs, cars, self.travel, at=at.timestamp(), patience=PATIENCE)
        made = 0
        for match in matches:
            still_leading()
            made += self._ask(match)
        took = time.perf_counter() - began
        BATCH.labels(self.city.slug).observe(took)
        logger.info(
            "%s: %d jobs, %d cars, %d offers, %.0f ms",
            self.city.slug,
            len(jobs),
            len(cars),
            made,
            1000 * took,
        )
        return made

    def _ask(self, match: policy.Match) -> bool:
        try:
            operations.offer(
                job_id=match.job,
                worker_id=match.car,
                eta_seconds=round(match.seconds),
                eta_metres=round(match.metres),
                is_estimate=match.is_estimate,
                reasons=match.reasons,
                by=self.by,
                # Measuring took a while: the worker has the whole time to answer.
                at=clock.now(),
            )
        except (operations.Busy, operations.NotOnShift, operations.TooLate):
            # Things have moved on since we looked; the next look sees it.
            return False
        return True


def waiting(city_id: int, at: datetime) -> list[policy.Request]:
    """The jobs that search and are shown to nobody at the moment."""
    shown: OfferQuerySet = Offer.objects.live(at).filter(job=OuterRef("pk"))
    refused_by = ArrayAgg("offers__worker", filter=Q(offers__state__in=REFUSED), default=[])
    jobs = Job.objects.searching().filter(~Exists(shown), city=city_id, search_until__gt=at)
    return [
        policy.Request(
            id=job.pk,
            lat=job.pickup_lat,
            lon=job.pickup_lon,
            asked_at=job.held_at.timestamp(),
            since=(job.searching_since or job.held_at).timestamp(),
            until=job.search_until.timestamp(),
            seats=job.seats,
            needs=frozenset(job.needs),
            excluded=frozenset(vars(job)["refused_by"]),
        )
        for job in jobs.annotate(refused_by=refused_by).order_by("pk")
    ]


def free(city_id: int, seen: Sequence[Seen], at: datetime) -> list[policy.Car]:
    """Those of the workers who may be asked, with where they are and what they can do."""
    places = {one[0]: one for one in seen}
    rows = (
        queries.free_workers(city_id, at=at)
        .filter(worker__in=list(places), worker__is_active=True)
        .order_by("worker")
        .values_list("worker", "worker__seats", "worker__abilities")
    )
    return [
        policy.Car(
            id=worker,
            lat=places[worker][1],
            lon=places[worker][2],
            seen_at=places[worker][4],
            seats=seats,
            abilities=frozenset(abilities),
        )
        for worker, seats, abilities in rows
    ]


def near(jobs: Sequence[policy.Request], seen: Sequence[Seen]) -> Sequence[Seen]:
    """Those of the cars that are among the nearest of some job, roughly."""
    if len(seen) <= ROUND_A_JOB:
        return seen
    # Degrees of longitude shrink away from the equator.
    shrink = np.array([1.0, np.cos(np.radians(jobs[0].lat))])
    places = np.array([(one[1], one[2]) for one in seen]) * shrink
    wanted = np.array([(job.lat, job.lon) for job in jobs]) * shrink
    _, found = cKDTree(places).query(wanted, k=ROUND_A_JOB)
    return [seen[i] for i in np.unique(found)]


def led_cities() -> set[int]:
    """The cities that some matcher leads at this moment, by the locks that are held."""
    with connection.cursor() as cursor:
        cursor.execute(LED, [LEASE])
        return {row[0] for row in cursor.fetchall()}


LED = """
SELECT objid::bigint FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid = %s
  AND datname = current_database()
"""


class Leading:
    """The cities that this process leads, for as long as its connection holds."""

    def __init__(self, line: psycopg.Connection, slug: str | None, positions: Positions) -> None:
        self.line = line
        self.slug = slug
        self.positions = positions
        self.matchers: dict[int, Matcher] = {}
        self.cities: set[int] = set()

    def try_the_rest(self) -> None:
        """Take the lead of every city that nobody leads, also of those that are new."""
        new = set()
        cities = City.objects.only("slug").exclude(pk__in=list(self.matchers))
        for city in cities.filter(slug=self.slug) if self.slug else cities:
            self.matchers[city.pk] = Matcher(city, self.positions)
            new.add(city.pk)
        for city_id in self.matchers.keys() - self.cities:
            answer = self.line.execute(
                "SELECT pg_try_advisory_lock(%s, %s)", [LEASE, city_id]
            ).fetchone()
            city_slug = self.matchers[city_id].city.slug
            if answer and answer[0]:
                self.cities.add(city_id)
                logger.info("leads %s", city_slug)
                self.warm_up(city_id)
            elif city_id in new:
                logger.info("stands by for %s", city_slug)

    def warm_up(self, city_id: int) -> None:
        """Read from the database where the city's cars are."""
        matcher = self.matchers[city_id]
        on_line = Shift.objects.open().filter(city=city_id).values_list("worker", flat=True)
        matcher.positions.warm_up(matcher.city.slug, list(on_line), at=clock.now())

    def still(self) -> None:
        """Raise `psycopg.OperationalError` if the connection is lost, and the lead with it."""
        self.line.execute("SELECT 1")


def match_until(
    stop: Event,
    *,
    slug: str | None,
    positions: Positions,
    is_fed: Callable[[], bool] = lambda: True,
) -> None:
    """Match the jobs of a city, or of all, until told to stop.  Outlives the database.

    `is_fed` says whether positions come in by telemetry; if not, they are read from the
    database, where the web processes then write them.
    """
    pause = FIRST_PAUSE
    while not stop.is_set():
        try:
            with listening(CHANNEL) as line:
                leading = Leading(line, slug, positions)
                if pause > FIRST_PAUSE:
                    logger.info("the database is back")
                    pause = FIRST_PAUSE
                _lead(leading, stop, is_fed)
        except (Error, OperationalError, InterfaceError, psycopg.Error) as error:
            if pause == FIRST_PAUSE:
                logger.warning("the database is away, nobody is asked: %s", error)
            connection.close()
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
    connection.close()


def _lead(leading: Leading, stop: Event, is_fed: Callable[[], bool]) -> None:
    due = 0.0
    called: set[int] = set()
    while not stop.is_set():
        if everybody := time.monotonic() >= due:
            due = time.monotonic() + TIMER
            leading.try_the_rest()
            if leading.cities:
                leading.still()
                operations.tidy(at=clock.now())
            if not is_fed():
                for city_id in sorted(leading.cities):
                    leading.warm_up(city_id)
        for city_id in sorted(leading.cities if everybody else called & leading.cities):
            leading.matchers[city_id].match(
                at=clock.now(), everybody=everybody, still_leading=leading.still
            )
        called = _hear(leading.line, seconds=max(0.0, due - time.monotonic()))


def _hear(line: psycopg.Connection, *, seconds: float) -> set[int]:
    """Wait until a city calls, at most so long.  Return which did."""
    notes = [*line.notifies(timeout=seconds, stop_after=1), *line.notifies(timeout=0)]
    return {int(note.payload) for note in notes if note.payload.isdecimal()}
