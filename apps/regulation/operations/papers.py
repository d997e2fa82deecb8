"""Papers: what the city asks for, what people send, and what officers say of it."""

from datetime import date, datetime

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Q, QuerySet

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.parties.models import User
from apps.regulation import queries
from apps.regulation.models import Paper, Requirement
from apps.regulation.scans import Scan

SENT, ACCEPTED, REFUSED, REVOKED, REPLACED = Paper.State
# So many days before a paper runs out, its holder hears of it; once each.
REMINDERS = (30, 7, 1)


class NotAskedFor(Exception):
    """The city asks for no such paper."""


class NoSuchPaper(Exception):
    """There is no paper of this number."""


class AlreadyDecided(Exception):
    """Another officer was faster, or the holder has sent another paper since."""


class PaperRanOut(Exception):
    """The paper's last day is over."""


@transaction.atomic
def require_paper(
    *,
    city_id: int,
    vertical: str,
    kind: str,
    title: str,
    hint: str = "",
    position: int = 0,
    asked_of: str = Requirement.Of.WORKER,
    by: Actor,
    at: datetime,
) -> Requirement:
    """Ask everybody in a kind of service for a paper.  Again says it in other words."""
    said = {"title": title, "hint": hint, "position": position, "asked_of": asked_of}
    said["dropped_at"] = None
    known = Requirement.objects.filter(city=city_id, vertical=vertical, kind=kind).first()
    if known and all(getattr(known, name) == value for name, value in said.items()):
        return known
    asked, _is_new = Requirement.objects.update_or_create(
        city_id=city_id, vertical=vertical, kind=kind, defaults=said
    )
    bus.publish(
        "regulation.paper_required", by=by, at=at, requirement=asked.pk, city=city_id, kind=kind
    )
    return asked


@transaction.atomic
def drop_requirement(*, requirement_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Ask for a paper no more, and say why.  Twice is harmless."""
    _require_reason(reason)
    asked = Requirement.objects.filter(pk=requirement_id, dropped_at=None)
    if asked.update(dropped_at=at):
        bus.publish(
            "regulation.paper_not_required",
            by=by,
            at=at,
            requirement=requirement_id,
            reason=reason.strip(),
        )


def send_paper(
    *,
    holder_id: int,
    city_id: int,
    vertical: str,
    kind: str,
    number: str,
    expires_on: date,
    scan: Scan,
    by: Actor,
    at: datetime,
) -> Paper:
    """Hand in a paper to be checked.  It takes the place of one that waits; one that was
    accepted holds until the new one is.

    The same paper again changes nothing.  Raises `NotAskedFor`, and `PaperRanOut` for one whose
    last day is over.
    """
    asked = Requirement.objects.filter(city=city_id, vertical=vertical, kind=kind, dropped_at=None)
    asked = asked.filter(asked_of=Requirement.Of.WORKER)
    requirement = asked.select_related("city").first()
    if requirement is None:
        raise NotAskedFor(kind)
    if expires_on < requirement.city.now(at).date():
        raise PaperRanOut(str(expires_on))
    paper = Paper(
        holder_id=holder_id,
        requirement=requirement,
        number=number,
        expires_on=expires_on,
        format=scan.format,
        digest=scan.digest,
        sent_at=at,
    )
    known = Paper.objects.filter(
        holder=holder_id,
        requirement=requirement,
        number=number,
        expires_on=expires_on,
        digest=scan.digest,
        state__in=[SENT, ACCEPTED],
    )
    if same := known.first():
        return same
    # The file is written before the transaction, and goes again if nothing came of it.
    paper.scan.save("", ContentFile(scan.content), save=False)
    try:
        kept = _write(paper, known, by, at)
    except BaseException:
        paper.scan.storage.delete(str(paper.scan.name))
        raise
    if kept is not paper:
        paper.scan.storage.delete(str(paper.scan.name))
    return kept


@transaction.atomic
def accept_paper(*, paper_id: int, by: Actor, at: datetime) -> None:
    """Say that a paper is good.  Whoever decides first has decided; the same again is harmless.

    Raises `NoSuchPaper`, `AlreadyDecided` and `PaperRanOut`.
    """
    paper = _locked(paper_id)
    if paper.state == ACCEPTED:
        return
    if paper.state != SENT:
        raise AlreadyDecided(paper.state)
    if queries.ends_at(paper) <= at:
        raise PaperRanOut(str(paper.expires_on))
    before = Paper.objects.filter(
        holder=paper.holder_id, requirement=paper.requirement_id, state=ACCEPTED
    )
    before.update(state=REPLACED)
    _decide(paper, ACCEPTED, "", by, at)


@transaction.atomic
def refuse_paper(*, paper_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Say that a paper will not do, and why.  The same again is harmless; the first reason stands.

    Raises `NoSuchPaper`, `AlreadyDecided`, and `ValueError` without a reason.
    """
    _require_reason(reason)
    paper = _locked(paper_id)
    if paper.state == REFUSED:
        return
    if paper.state != SENT:
        raise AlreadyDecided(paper.state)
    _decide(paper, REFUSED, reason.strip(), by, at)


@transaction.atomic
def revoke_paper(*, paper_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Accept a paper no longer, and say why.  The same again is harmless.

    Raises `NoSuchPaper`, `AlreadyDecided` for one that was not accepted, and `ValueError`.
    """
    _require_reason(reason)
    paper = _locked(paper_id)
    if paper.state == REVOKED:
        return
    if paper.state != ACCEPTED:
        raise AlreadyDecided(paper.state)
    _decide(paper, REVOKED, reason.strip(), by, at)


def remind(*, at: datetime) -> int:
    """Tell of every paper that runs out soon, once at each threshold.  Return how many were told.

    Any number may remind at once: each threshold is told once.
    """
    by, told = Actor.system("regulation"), 0
    soon = Paper.objects.filter(queries.running_out(at)).select_related("requirement__city")
    for paper in soon.order_by("pk"):
        left = (paper.expires_on - paper.requirement.city.now(at).date()).days
        due = min((days for days in REMINDERS if left <= days), default=None)
        if left >= 0 and due is not None:
            told += _remind(paper, due, left, by, at)
    return told


@transaction.atomic
def _remind(paper: Paper, days: int, left: int, by: Actor, at: datetime) -> bool:
    untold = Q(reminded_days=None) | Q(reminded_days__gt=days)
    if not Paper.objects.filter(untold, pk=paper.pk, state=ACCEPTED).update(reminded_days=days):
        return False
    _tell("regulation.paper_runs_out", paper, by, at, days=days, left=left)
    return True


@transaction.atomic
def _write(paper: Paper, known: QuerySet[Paper], by: Actor, at: datetime) -> Paper:
    # The holder's row is the lock: papers of one person are written one after the other.
    User.objects.select_for_update(no_key=True).get(pk=paper.holder_id)
    if same := known.first():
        return same
    waiting = Paper.objects.filter(
        holder=paper.holder_id, requirement=paper.requirement_id, state=SENT
    )
    waiting.update(state=REPLACED, decided_at=at)
    paper.save()
    _tell("regulation.paper_sent", paper, by, at)
    return paper


def _locked(paper_id: int) -> Paper:
    paper = Paper.objects.locked().filter(pk=paper_id).first()
    if paper is None:
        raise NoSuchPaper(str(paper_id))
    return paper


def _decide(paper: Paper, state: str, reason: str, by: Actor, at: datetime) -> None:
    paper.state, paper.reason, paper.decided_at = state, reason, at
    paper.save(update_fields=["state", "reason", "decided_at"])
    more = {"reason": reason} if reason else {}
    _tell(f"regulation.paper_{state.lower()}", paper, by, at, **more)


def _tell(topic: str, paper: Paper, by: Actor, at: datetime, **more: str | int) -> None:
    bus.publish(
        topic,
        by=by,
        at=at,
        paper=paper.pk,
        holder=paper.holder_id,
        kind=paper.requirement.kind,
        vertical=paper.requirement.vertical,
        city=paper.requirement.city_id,
        **more,
    )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise ValueError("whoever it concerns is owed a reason")
