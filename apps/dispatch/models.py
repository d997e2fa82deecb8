from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.parties.models import Worker
from apps.places.geometry import Point
from apps.places.models import City


class ShiftQuerySet(LockableQuerySet["Shift"]):
    def open(self) -> Self:
        return self.filter(ended_at__isnull=True)

    def on_line(self, at: datetime) -> Self:
        """Open, not paused and not past its end: these may be offered jobs."""
        in_time = Q(until__isnull=True) | Q(until__gt=at)
        return self.open().filter(in_time, paused_at__isnull=True)


class Shift(models.Model):
    """A worker's time on the line, from sign-on to sign-off."""

    worker = models.ForeignKey(Worker, models.PROTECT, related_name="shifts")
    city = models.ForeignKey(City, models.PROTECT, related_name="+")
    started_at = models.DateTimeField(_("started"))
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    pause_reason = models.CharField(_("why paused"), max_length=50, blank=True)
    missed = models.PositiveSmallIntegerField(_("offers in a row without an answer"), default=0)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    until = models.DateTimeField(_("allowed until"), null=True, blank=True)

    objects = ShiftQuerySet.as_manager()

    class Meta:
        verbose_name = _("shift")
        verbose_name_plural = _("shifts")
        constraints = [
            models.UniqueConstraint(
                name="dispatch_one_open_shift_per_worker",
                fields=["worker"],
                condition=Q(ended_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"Shift of worker {self.worker_id} from {self.started_at:%H:%M}"


class Position(models.Model):
    """Where a worker was last heard of.  Soft: it comes back within one ping."""

    worker = models.OneToOneField(Worker, models.CASCADE, related_name="position", primary_key=True)
    lat = models.FloatField()
    lon = models.FloatField()
    heading = models.SmallIntegerField(null=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"worker {self.worker_id} at {self.lat:.5f},{self.lon:.5f}"

    @property
    def point(self) -> Point:
        return Point(self.lat, self.lon)


class RunQuerySet(LockableQuerySet["Run"]):
    def live(self) -> Self:
        return self.filter(state=Run.State.LIVE)


class Run(models.Model):
    """A worker's round with one or more jobs on board, until the last is done.

    A worker has one live Run at a time, at most one more may be queued behind it, and it never
    carries more than it has seats.  All three are the database's promise.
    """

    class State(models.TextChoices):
        QUEUED = "QUEUED", _("queued")
        LIVE = "LIVE", _("live")
        ENDED = "ENDED", _("ended")

    worker = models.ForeignKey(Worker, models.PROTECT, related_name="runs")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.LIVE)
    seats = models.PositiveSmallIntegerField(_("seats, or parcels at a time"))
    taken = models.PositiveSmallIntegerField(_("taken"), default=0)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        constraints = [
            models.UniqueConstraint(
                name="dispatch_one_live_run_per_worker",
                fields=["worker"],
                condition=Q(state="LIVE"),
            ),
            models.UniqueConstraint(
                name="dispatch_one_queued_run_per_worker",
                fields=["worker"],
                condition=Q(state="QUEUED"),
            ),
            models.CheckConstraint(
                name="dispatch_run_within_seats", condition=Q(taken__lte=F("seats"))
            ),
        ]

    def __str__(self) -> str:
        return f"Run {self.pk} of worker {self.worker_id}"


class JobQuerySet(LockableQuerySet["Job"]):
    def searching(self) -> Self:
        return self.filter(state=Job.State.SEARCHING)


class Job(models.Model):
    """A trip that somebody must make: a ride, a parcel, a meal.

    It waits until it is confirmed, searches until a worker accepts, and is released when
    it is done or called off.  A search that finds nobody in time ends unserved.
    """

    class State(models.TextChoices):
        WAITING = "WAITING", _("waiting")
        SEARCHING = "SEARCHING", _("searching")
        ASSIGNED = "ASSIGNED", _("assigned")
        RELEASED = "RELEASED", _("released")
        UNSERVED = "UNSERVED", _("nobody was found")

    city = models.ForeignKey(City, models.PROTECT, related_name="+")
    holder = models.UUIDField(_("whoever asked, usually an order"), unique=True)
    pickup_lat = models.FloatField()
    pickup_lon = models.FloatField()
    dropoff_lat = models.FloatField()
    dropoff_lon = models.FloatField()
    seats = models.PositiveSmallIntegerField(_("seats"))
    needs = ArrayField(models.SlugField(max_length=30), verbose_name=_("needs"), default=list)
    pay_minor = models.PositiveBigIntegerField(_("pay of the worker"), default=0)
    currency = models.CharField(max_length=3, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    run = models.ForeignKey(Run, models.PROTECT, null=True, blank=True, related_name="jobs")
    held_at = models.DateTimeField(_("asked"))
    searching_since = models.DateTimeField(_("searching since"), null=True, blank=True)
    search_until = models.DateTimeField(_("gives up at"))
    assigned_at = models.DateTimeField(_("assigned"), null=True, blank=True)
    picked_up_at = models.DateTimeField(_("picked up"), null=True, blank=True)
    released_at = models.DateTimeField(_("released"), null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints = [
            models.CheckConstraint(
                name="dispatch_job_assigned_has_run",
                condition=~Q(state="ASSIGNED") | Q(run__isnull=False),
            )
        ]
        indexes = [
            models.Index(
                name="dispatch_job_searching",
                fields=["city", "searching_since"],
                condition=Q(state="SEARCHING"),
            ),
            models.Index(
                name="dispatch_job_on_board",
                fields=["run"],
                condition=Q(state="ASSIGNED", picked_up_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Job {self.pk} for {self.holder}"

    @property
    def is_over(self) -> bool:
        return self.state in (Job.State.RELEASED, Job.State.UNSERVED)

    @property
    def pickup(self) -> Point:
        return Point(self.pickup_lat, self.pickup_lon)

    @property
    def dropoff(self) -> Point:
        return Point(self.dropoff_lat, self.dropoff_lon)


class Trace(models.Model):
    """Where a worker was at one moment with somebody or something on board.

    The traces of a job are its trail: kept for as many days as the city says, seen by officers
    who give a reason, and then gone.
    """

    job = models.ForeignKey(Job, models.CASCADE, related_name="trail")
    lat = models.FloatField()
    lon = models.FloatField()
    heading = models.SmallIntegerField(null=True)
    seen_at = models.DateTimeField(_("seen"))

    class Meta:
        verbose_name = _("trace of a ride")
        verbose_name_plural = _("traces of rides")
        constraints = [
            models.UniqueConstraint(name="dispatch_trace_once", fields=["job", "seen_at"])
        ]
        indexes = [BrinIndex(name="dispatch_trace_seen", fields=["seen_at"], autosummarize=True)]

    def __str__(self) -> str:
        return f"job {self.job_id} at {self.lat:.5f},{self.lon:.5f}"

    @property
    def point(self) -> Point:
        return Point(self.lat, self.lon)


REFUSED = ["DECLINED", "EXPIRED", "GIVEN_BACK"]


class OfferQuerySet(models.QuerySet["Offer"]):
    def open(self) -> Self:
        return self.filter(state=Offer.State.OPEN)

    def live(self, at: datetime) -> Self:
        return self.open().filter(expires_at__gt=at)

    def refused(self) -> Self:
        """Declined, given back or left to run out: not shown to this worker again."""
        return self.filter(state__in=REFUSED)


class Offer(models.Model):
    """One job shown to one worker for a few seconds."""

    class State(models.TextChoices):
        OPEN = "OPEN", _("open")
        ACCEPTED = "ACCEPTED", _("accepted")
        DECLINED = "DECLINED", _("declined")
        EXPIRED = "EXPIRED", _("expired")
        WITHDRAWN = "WITHDRAWN", _("withdrawn")
        GIVEN_BACK = "GIVEN_BACK", _("accepted, then given back")

    job = models.ForeignKey(Job, models.CASCADE, related_name="offers")
    worker = models.ForeignKey(Worker, models.CASCADE, related_name="offers")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    offered_at = models.DateTimeField(_("offered"))
    expires_at = models.DateTimeField(_("expires"))
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    why = models.CharField(_("why declined or withdrawn"), max_length=200, blank=True)
    extended = models.BooleanField(_("more time was given"), default=False)
    eta_seconds = models.PositiveIntegerField(_("seconds to the pick-up"))
    eta_metres = models.PositiveIntegerField(_("metres to the pick-up"))
    is_estimate = models.BooleanField(_("measured in a straight line"), default=False)
    reasons = models.JSONField(_("why this worker"), default=dict)

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        constraints = [
            models.UniqueConstraint(
                name="dispatch_one_winner_per_job",
                fields=["job"],
                condition=Q(state="ACCEPTED"),
            ),
            models.UniqueConstraint(
                name="dispatch_one_open_offer_per_worker",
                fields=["worker"],
                condition=Q(state="OPEN"),
            ),
        ]
        indexes = [
            models.Index(
                name="dispatch_offer_open",
                fields=["expires_at"],
                condition=Q(state="OPEN"),
            )
        ]

    def __str__(self) -> str:
        return f"Job {self.job_id} for worker {self.worker_id}"
