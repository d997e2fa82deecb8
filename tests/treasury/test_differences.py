"""Differences as officers' work."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.kernel.actors import Actor, Kind
from apps.ledger import operations as ledger
from apps.ledger import queries as books
from apps.ledger.models import Journal
from apps.treasury import operations
from apps.treasury.models import Difference, GatewayLine
from apps.treasury.operations.differences import due
from tests.factories import UserFactory
from tests.races import at_once
from tests.treasury import seeded
from tests.treasury.seeded import BY

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 27, 12, tzinfo=UTC)  # a Friday
State = Difference.State


def officer():
    return Actor(Kind.OFFICER, str(UserFactory(is_staff=True).pk))


@pytest.fixture
def unbooked():
    """CLP 500 that came in at the gateway, and that the books do not know."""
    line = seeded._line(1, "charge", 500, "ch_1", "pi_1", AT - timedelta(hours=2))
    operations.keep_lines(lines=[line], by=BY, at=AT)
    ledger.post(
        key="capture:other", kind="capture", about=None, currency="CLP", by=BY, at=AT,
        lines=[("clearing:cards", 10), ("platform:fees", -10)],
    )  # fmt: skip
    operations.reconcile(by=BY, at=AT)
    return Difference.objects.get()


def state(one):
    one.refresh_from_db()
    return one.state


def test_a_deadline_counts_working_days():
    assert due("AMOUNT", AT) == date(2026, 12, 1)
    assert due("LATE", AT) == date(2026, 12, 4)


def test_a_correction_is_booked_by_two_officers_and_not_by_one(unbooked):
    first, second = officer(), officer()
    words = {"counter": "platform:fees", "reason": "paid outside the app"}
    operations.propose(difference_id=unbooked.pk, by=first, at=AT, **words)

    with pytest.raises(operations.SameOfficer):
        operations.approve(difference_id=unbooked.pk, by=first, at=AT)
    assert not Journal.objects.filter(kind="correction").exists()

    operations.approve(difference_id=unbooked.pk, by=second, at=AT)

    assert state(unbooked) == State.CORRECTED
    assert unbooked.correction.key == f"correction:{unbooked.ref}:1"
    assert books.balance("clearing:cards", "CLP").minor == 510
    assert books.balance("platform:fees", "CLP").minor == -510
    assert [one.what for one in unbooked.events.all()] == ["opened", "proposed", "corrected"]


def test_the_database_takes_no_correction_of_one_officer(unbooked):
    same = UserFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        Difference.objects.update(proposed_by=same, approved_by=same)


def test_a_correction_needs_an_account_that_is_there_and_a_reason(unbooked):
    ask = {"difference_id": unbooked.pk, "by": officer(), "at": AT}
    with pytest.raises(LookupError):
        operations.propose(counter="provider:999:payable", reason="why", **ask)
    with pytest.raises(LookupError):
        operations.propose(counter="clearing:cards", reason="why", **ask)
    with pytest.raises(ValueError, match="says why"):
        operations.propose(counter="platform:fees", reason=" ", **ask)
    assert state(unbooked) == State.OPEN


def test_what_was_corrected_stays_so_until_it_differs_by_something_else(unbooked):
    words = {"counter": "platform:fees", "reason": "paid outside the app"}
    operations.propose(difference_id=unbooked.pk, by=officer(), at=AT, **words)
    operations.approve(difference_id=unbooked.pk, by=officer(), at=AT)

    operations.reconcile(by=BY, at=AT)
    assert state(unbooked) == State.CORRECTED

    GatewayLine.objects.update(amount_minor=700, net_minor=700 - 14)
    operations.reconcile(by=BY, at=AT)
    assert state(unbooked) == State.OPEN
    assert (unbooked.found_minor, unbooked.approved_by) == (700, None)


def test_what_is_not_there_any_more_ends_by_itself_and_opens_again_when_it_is_back(unbooked):
    GatewayLine.objects.update(kind="stripe_fee")
    operations.reconcile(by=BY, at=AT)
    assert state(unbooked) == State.GONE
    assert unbooked.reason == "Both sides say the same now."

    GatewayLine.objects.update(kind="charge")
    operations.reconcile(by=BY, at=AT)
    assert state(unbooked) == State.OPEN
    assert [one.what for one in unbooked.events.all()] == ["opened", "gone", "reopened"]


def test_an_explained_difference_says_why_and_is_nobody_elses_any_more(unbooked):
    with pytest.raises(ValueError, match="says why"):
        operations.explain(difference_id=unbooked.pk, reason="", by=officer(), at=AT)
    operations.explain(difference_id=unbooked.pk, reason="a test charge", by=officer(), at=AT)

    assert state(unbooked) == State.EXPLAINED
    with pytest.raises(operations.NotPossible):
        operations.take(difference_id=unbooked.pk, by=officer(), at=AT)


def test_a_refused_correction_is_open_again(unbooked):
    operations.propose(
        difference_id=unbooked.pk, counter="platform:fees", reason="why", by=officer(), at=AT
    )
    operations.refuse(difference_id=unbooked.pk, reason="not ours", by=officer(), at=AT)

    assert (state(unbooked), unbooked.proposed_by, unbooked.counter) == (State.OPEN, None, "")


@pytest.mark.django_db(transaction=True)
def test_two_who_approve_at_once_book_it_once(unbooked):
    operations.propose(
        difference_id=unbooked.pk, counter="platform:fees", reason="why", by=officer(), at=AT
    )
    seconds = [officer(), officer()]

    at_once(
        *(lambda by=by: operations.approve(difference_id=unbooked.pk, by=by, at=AT)
          for by in seconds)
    )  # fmt: skip

    assert Journal.objects.filter(kind="correction").count() == 1
