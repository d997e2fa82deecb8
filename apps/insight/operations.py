"""Dry runs: asked by an officer, worked out by a worker, called off by an officer."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.bus import operations as bus
from apps.insight.models import DryRun
from apps.kernel.actors import Actor
from apps.regulation.models import PolicyVersion
from apps.regulation.rules import PermitNeeded, Speed

State = DryRun.State
PERIOD = timedelta(days=30)
# A worker writes every few thousand rows; one that is silent for so long is gone.
SILENT_FOR = timedelta(minutes=2)
MOST_TURNS = 5
# What past orders say nothing about: nobody knows who would have got a permit, and a slower
# street changes ways and times, which an order has only once.
UNTOLD = (PermitNeeded.kind, Speed.kind)


class NotADraft(Exception):
    """Only what is not yet decided on is tried."""


class OrdersDoNotTell(Exception):
    """No order of the past says what a rule of this kind would have changed."""


@transaction.atomic
def ask_dry_run(
    *,
    version_id: int,
    officer_id: int,
    by: Actor,
    at: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
) -> DryRun:
    """Have a draft or a proposed version tried on the orders of a time, or of the last 30 days.

    While one is under way for this version, that one is returned.  Raises `NotADraft` and
    `OrdersDoNotTell`.
    """
    version = PolicyVersion.objects.locked().get(pk=version_id)
    if known := DryRun.objects.filter(under_way(), version=version).first():
        return known
    if version.state not in (PolicyVersion.State.DRAFT, PolicyVersion.State.PROPOSED):
        raise NotADraft(str(version))
    if version.kind in UNTOLD:
        raise OrdersDoNotTell(version.kind)
    until = until or at
    run = DryRun.objects.create(
        version=version,
        scope=version.scope,
        terms=version.terms,
        since=since or until - PERIOD,
        until=until,
        started_by_id=officer_id,
        asked_at=at,
        heard_at=at,
    )
    bus.publish("insight.dry_run_asked", by=by, at=at, dry_run=run.pk, version=version.pk)
    return run


@transaction.atomic
def begin_dry_run(*, dry_run_id: int, by: Actor, at: datetime) -> DryRun | None:
    """Take a run that waits, or whose worker is gone; None if there is nothing to take.

    A run that has broken off too often fails instead.
    """
    run = DryRun.objects.locked().filter(pk=dry_run_id).first()
    is_silent = run and run.state == State.RUNNING and run.heard_at <= at - SILENT_FOR
    if run is None or not (run.state == State.QUEUED or is_silent):
        return None
    if run.turns >= MOST_TURNS:
        _end(run, State.FAILED, by, at, error=f"broke off {run.turns} times")
        return None
    run.state, run.turns, run.done, run.total, run.heard_at = (
        State.RUNNING, run.turns + 1, 0, 0, at,
    )  # fmt: skip
    run.save(update_fields=["state", "turns", "done", "total", "heard_at"])
    bus.publish("insight.dry_run_begun", by=by, at=at, dry_run=run.pk, turn=run.turns)
    return run


def report_dry_run(*, dry_run_id: int, turn: int, done: int, total: int, at: datetime) -> bool:
    """Say how far it has come; False if it is called off, or another worker has taken it."""
    mine = DryRun.objects.filter(pk=dry_run_id, state=State.RUNNING, turns=turn)
    return bool(mine.update(done=done, total=total, heard_at=at))


@transaction.atomic
def finish_dry_run(
    *, dry_run_id: int, turn: int, result: dict[str, Any], digest: str, by: Actor, at: datetime
) -> DryRun | None:
    """Keep the result; None if the run is called off or another worker has taken it."""
    run = _mine(dry_run_id, turn)
    if run:
        run.result, run.digest, run.done = result, digest, run.total
        _end(run, State.DONE, by, at)
    return run


@transaction.atomic
def fail_dry_run(
    *, dry_run_id: int, turn: int, error: str, by: Actor, at: datetime
) -> DryRun | None:
    """Keep what went wrong."""
    run = _mine(dry_run_id, turn)
    if run:
        _end(run, State.FAILED, by, at, error=error)
    return run


@transaction.atomic
def cancel_dry_run(*, dry_run_id: int, by: Actor, at: datetime) -> DryRun:
    """Call a run off; its worker stops at its next report.  Doing it twice is harmless."""
    run = DryRun.objects.locked().get(pk=dry_run_id)
    if run.is_under_way:
        _end(run, State.CANCELLED, by, at)
    return run


def under_way() -> Q:
    """Runs that wait or are worked on, as a condition."""
    return Q(state__in=[State.QUEUED, State.RUNNING])


def due(at: datetime) -> QuerySet[DryRun]:
    """Runs that nobody works on: never begun, or their worker is silent."""
    silent = Q(state=State.RUNNING, heard_at__lte=at - SILENT_FOR)
    waiting = Q(state=State.QUEUED, asked_at__lte=at - timedelta(seconds=20))
    return DryRun.objects.filter(silent | waiting)


def _mine(dry_run_id: int, turn: int) -> DryRun | None:
    mine = DryRun.objects.locked().filter(pk=dry_run_id, state=State.RUNNING, turns=turn)
    return mine.first()


def _end(run: DryRun, state: str, by: Actor, at: datetime, error: str = "") -> None:
    run.state, run.error, run.heard_at, run.ended_at = state, error, at, at
    run.save()
    topic = f"insight.dry_run_{state.lower()}"
    bus.publish(topic, by=by, at=at, dry_run=run.pk, version=run.version_id)
