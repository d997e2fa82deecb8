"""Differences as officers' work: taken, explained, or corrected by a journal of two officers."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext_noop

from apps.bus import operations as bus
from apps.kernel.actors import Actor, Kind
from apps.ledger import operations as ledger
from apps.ledger.models import Account
from apps.parties.models import User
from apps.payments.operations import CLEARING
from apps.treasury.accounts import BANK_IN_TRANSIT, BANK_PAYOUTS, FEES
from apps.treasury.models import Difference, DifferenceEvent

if TYPE_CHECKING:
    from apps.treasury.operations.matching import Finding

State = Difference.State
What = DifferenceEvent.What

# Working days until somebody has an answer.
DAYS = {
    Difference.Kind.NOT_BOOKED: 2,
    Difference.Kind.NOT_AT_GATEWAY: 2,
    Difference.Kind.AMOUNT: 2,
    Difference.Kind.DUPLICATE: 2,
}
OTHER_DAYS = 5
AGREED = gettext_noop("Both sides say the same now.")

# What tells whether a difference is still the one that was explained or corrected.
FACTS = ("expected_minor", "expected_currency", "found_minor", "found_currency")
LINKS = ("line_id", "journal_id", "bank_line_id")


class NotPossible(Exception):
    """The difference is not in a state in which this can be done."""


class SameOfficer(Exception):
    """Whoever proposed a correction does not approve it."""


def due(kind: str, at: datetime) -> date:
    """The day until which it has an answer; Saturdays and Sundays do not count."""
    day, left = at.date(), DAYS.get(Difference.Kind(kind), OTHER_DAYS)
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return day


def keep(
    findings: Sequence["Finding"], *, since: datetime, by: Actor, at: datetime
) -> dict[str, int]:
    """Bring the differences up to what a run found.  Return how many it found of each kind."""
    known = {
        (one.kind, one.subject): one
        for one in Difference.objects.locked().filter(
            subject__in=[finding.subject for finding in findings]
        )
    }
    fresh: list[Difference] = []
    again: list[Difference] = []
    for finding in findings:
        facts = {name: getattr(finding, name) for name in (*FACTS, *LINKS)}
        one = known.get((finding.kind, finding.subject))
        if one is None:
            fresh.append(
                Difference(
                    kind=finding.kind,
                    subject=finding.subject,
                    happened_at=finding.happened_at,
                    opened_at=at,
                    due_on=due(finding.kind, at),
                    **facts,
                )
            )
            continue
        is_same = all(getattr(one, name) == facts[name] for name in FACTS)
        if is_same and one.state != State.GONE:
            continue
        for name, value in facts.items():
            setattr(one, name, value)
        if one.state in (State.GONE, State.EXPLAINED, State.CORRECTED, State.PROPOSED):
            one.state, one.due_on, one.counter = State.OPEN, due(one.kind, at), ""
            one.proposed_by = one.approved_by = None
        again.append(one)
    Difference.objects.bulk_create(fresh, batch_size=1000)
    Difference.objects.bulk_update(
        again,
        [*FACTS, *LINKS, "state", "due_on", "counter", "proposed_by", "approved_by"],
        batch_size=1000,
    )
    found = {(finding.kind, finding.subject) for finding in findings}
    gone = [
        one
        for one in Difference.objects.locked().filter(
            state__in=[State.OPEN, State.PROPOSED], happened_at__gte=since
        )
        if (one.kind, one.subject) not in found
    ]
    Difference.objects.filter(pk__in=[one.pk for one in gone]).update(
        state=State.GONE, reason=AGREED, proposed_by=None, approved_by=None
    )
    _note_all(
        [
            *((one, What.OPENED, "") for one in fresh),
            *((one, What.REOPENED, "") for one in again),
            *((one, What.GONE, AGREED) for one in gone),
        ],
        by,
        at,
    )
    return dict(Counter(finding.kind for finding in findings))


@transaction.atomic
def take(*, difference_id: int, by: Actor, at: datetime) -> None:
    """Make it one officer's work.  Taking what is one's own is harmless.  Raises `NotPossible`."""
    one = _open(difference_id)
    officer = _officer(by)
    if one.owner_id == officer.pk:
        return
    one.owner = officer
    one.save(update_fields=["owner"])
    _done(one, What.TAKEN, "", by, at)


@transaction.atomic
def explain(*, difference_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Say why the two sides differ and nothing is to be booked.

    It is opened again when they differ by something else.  Raises `NotPossible`, `ValueError`
    without a reason.
    """
    one = _open(difference_id)
    one.state, one.reason = State.EXPLAINED, _said(reason)
    one.owner = one.owner or _officer(by)
    one.save(update_fields=["state", "reason", "owner"])
    _done(one, What.EXPLAINED, one.reason, by, at)


@transaction.atomic
def propose(*, difference_id: int, counter: str, reason: str, by: Actor, at: datetime) -> None:
    """Propose to move what differs from or to another account; a second officer approves it.

    Raises `NotPossible` also where the sides differ in no sum of one currency, `LookupError` when
    there is no such account in that currency, `ValueError` without a reason.
    """
    one = _open(difference_id)
    if one.state == State.PROPOSED:
        raise NotPossible("a correction waits already")
    account, minor, currency = to_move(one)
    if counter == account or not Account.objects.filter(code=counter, currency=currency).exists():
        raise LookupError(counter)
    assert minor
    one.state, one.reason, one.counter = State.PROPOSED, _said(reason), counter
    one.proposed_by = one.owner = _officer(by)
    one.save(update_fields=["state", "reason", "counter", "proposed_by", "owner"])
    _done(one, What.PROPOSED, f"{account} / {counter}: {one.reason}", by, at)


@transaction.atomic
def approve(*, difference_id: int, by: Actor, at: datetime, reason: str = "") -> None:
    """Book the correction that another officer proposed.  Raises `NotPossible`, `SameOfficer`."""
    one = _proposed(difference_id)
    officer = _officer(by)
    if one.proposed_by_id == officer.pk:
        raise SameOfficer(officer.pk)
    account, minor, currency = to_move(one)
    turn = one.events.filter(what=What.CORRECTED).count() + 1
    one.correction = ledger.post(
        key=f"correction:{one.ref}:{turn}",
        kind="correction",
        about=one.journal.about if one.journal else None,
        lines=[(account, minor), (one.counter, -minor)],
        currency=currency,
        by=by,
        at=at,
    )
    one.state, one.approved_by = State.CORRECTED, officer
    one.save(update_fields=["state", "approved_by", "correction"])
    _done(one, What.CORRECTED, f"{one.correction.key} {reason}".strip()[:500], by, at)


@transaction.atomic
def refuse(*, difference_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Send a proposed correction back.  Raises `NotPossible`, `ValueError` without a reason."""
    one = _proposed(difference_id)
    one.state, one.counter, one.proposed_by = State.OPEN, "", None
    one.save(update_fields=["state", "counter", "proposed_by"])
    _done(one, What.REFUSED, _said(reason), by, at)


def to_move(one: Difference) -> tuple[str, int, str]:
    """Which account is wrong, by how many minor units of which currency.

    Raises `NotPossible` for days, which no journal moves, and for two currencies.
    """
    kind = Difference.Kind
    if one.kind in (kind.LATE, kind.CURRENCY):
        raise NotPossible("no journal mends this: it is explained")
    minor = (one.found_minor or 0) - (one.expected_minor or 0)
    if not minor:
        raise NotPossible("no sum differs")
    currency = one.found_currency or one.expected_currency
    if one.kind == kind.FEE:
        return FEES, minor, currency
    if one.kind in (kind.BANK_ONLY, kind.BANK_AMOUNT, kind.NOT_AT_BANK):
        return BANK_IN_TRANSIT, minor, currency
    key = one.journal.key if one.journal else ""
    is_transfer = key.startswith("transfer:") and one.kind == kind.NOT_AT_GATEWAY
    return BANK_PAYOUTS if is_transfer else CLEARING, minor, currency


def _open(difference_id: int) -> Difference:
    one = Difference.objects.locked().get(pk=difference_id)
    if one.state not in (State.OPEN, State.PROPOSED):
        raise NotPossible(one.state)
    return one


def _proposed(difference_id: int) -> Difference:
    one = Difference.objects.locked().get(pk=difference_id)
    if one.state != State.PROPOSED:
        raise NotPossible(one.state)
    return one


def _officer(by: Actor) -> User:
    if by.kind != Kind.OFFICER:
        raise NotPossible("an officer does this")
    return User.objects.get(pk=int(by.id))


def _said(reason: str) -> str:
    if not reason.strip():
        raise ValueError("an officer who steps in says why")
    return reason.strip()[:500]


def _note_all(done: list[tuple[Difference, str, str]], by: Actor, at: datetime) -> None:
    DifferenceEvent.objects.bulk_create(
        [
            DifferenceEvent(difference=one, what=what, words=words, by=str(by), at=at)
            for one, what, words in done
        ],
        batch_size=2000,
    )


def _done(one: Difference, what: str, words: str, by: Actor, at: datetime) -> None:
    _note_all([(one, what, words)], by, at)
    bus.publish(f"treasury.{what}", by=by, at=at, difference=one.pk, ref=str(one.ref))
