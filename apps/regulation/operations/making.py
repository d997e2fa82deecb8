"""Propose and decide: the way in which everything becomes a rule that two officers answer for.

Policies use it, and whatever lies above and is decided in the same way.  Whoever calls holds the
row, tells the city, and says itself what follows.
"""

from datetime import datetime

from apps.regulation.models import InTheMaking

State = InTheMaking.State


class NotInTheMaking(Exception):
    """It was proposed, approved or rejected before: drafts can be changed, nothing else."""


class FourEyes(Exception):
    """Whoever drafted or proposed a policy does not decide on it."""


class BeginsTooLate(Exception):
    """A later version is planned already, or it would end before it begins."""


def propose(row: InTheMaking, *, officer_id: int, at: datetime) -> bool:
    """Freeze a locked draft and ask for the second pair of eyes.  False when that was done before.

    Raises `NotInTheMaking`.
    """
    if row.state == State.PROPOSED:
        return False
    if row.state != State.DRAFT:
        raise NotInTheMaking(str(row))
    row.state, row.proposed_by_id, row.proposed_at = State.PROPOSED, officer_id, at
    row.save(update_fields=["state", "proposed_by", "proposed_at"])
    return True


def may_decide(row: InTheMaking, verdict: str, *, officer_id: int) -> bool:
    """Whether a locked row waits for this verdict of this officer.  False when it was said before.

    Raises `NotInTheMaking` when something else was said, and `FourEyes`.
    """
    if row.state == verdict:
        return False
    if row.state != State.PROPOSED:
        raise NotInTheMaking(str(row))
    if officer_id in row.hands:
        raise FourEyes
    return True


def decide(row: InTheMaking, verdict: str, *said: str, officer_id: int, at: datetime) -> None:
    """Write down the verdict on a row that `may_decide` lets through, with the fields named."""
    row.state, row.decided_by_id, row.decided_at = State(verdict), officer_id, at
    row.save(update_fields=["state", "decided_by", "decided_at", *said])
