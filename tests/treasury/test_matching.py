"""The gateway's lines held against the books."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from apps.ledger import operations as ledger
from apps.ledger import queries as books
from apps.ledger.models import Journal
from apps.payments.models import Attempt, Card, Payment
from apps.treasury import operations
from apps.treasury.models import Difference, GatewayLine
from tests.factories import ProviderFactory, UserFactory
from tests.races import at_once
from tests.treasury import seeded
from tests.treasury.seeded import BY

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
State = Difference.State


@pytest.fixture
def people():
    payer = UserFactory(name="Camila Rojas")
    card = Card.objects.create(
        user=payer, reference="pm_1", brand="visa", last4="4242",
        expires_month=1, expires_year=2030, added_at=AT,
    )  # fmt: skip
    return payer, card, ProviderFactory(name="Marco Tapia")


def differences(**where):
    found = Difference.objects.filter(**where)
    return {(one.kind, one.subject) for one in found}


def read_all(at=AT):
    operations.advance(held={}, at=at)


def test_sixty_errors_in_two_thousand_lines_are_found_and_named_and_none_besides(people):
    world = seeded.sow(people=people, count=2_000, errors=60, at=AT)
    read_all()

    run = operations.reconcile(by=BY, at=AT)

    assert differences() == world.errors
    assert len(world.errors) == 60
    assert run.differences == {
        "NOT_AT_GATEWAY": 9, "NOT_BOOKED": 9, "AMOUNT": 9, "FEE": 9, "CURRENCY": 8,
        "DUPLICATE": 8, "LATE": 8,
    }  # fmt: skip
    assert (run.lines, run.matched) == (2_008, 1_991)


def test_a_second_run_finds_the_same_and_opens_nothing_twice(people):
    world = seeded.sow(people=people, count=200, errors=14, at=AT)
    read_all()
    operations.reconcile(by=BY, at=AT)

    operations.reconcile(by=BY, at=AT + timedelta(minutes=3))

    assert differences(state=State.OPEN) == world.errors
    assert sum(one.events.count() for one in Difference.objects.all()) == 14


def test_without_errors_everything_matches(people):
    seeded.sow(people=people, count=100, errors=1, at=AT)
    GatewayLine.objects.all()
    read_all()
    run = operations.reconcile(by=BY, at=AT)

    # The one error is a line that the gateway does not have.
    assert run.matched == run.lines == 99


def test_what_only_the_gateway_knew_is_booked_and_clearing_is_what_it_holds(people):
    world = seeded.sow(people=people, count=100, errors=1, at=AT)
    missing = next(iter(world.errors))[1]
    payout = seeded._line(500, "payout", -2_000, "po_1", "", AT - timedelta(days=1))
    charge = seeded._line(501, "stripe_fee", -30, "", "", AT - timedelta(days=1))
    operations.keep_lines(lines=[payout, charge], by=BY, at=AT)
    operations.reconcile(by=BY, at=AT)

    operations.book_known(by=BY, at=AT)
    assert operations.book_known(by=BY, at=AT) == 0

    holds = sum(GatewayLine.objects.values_list("net_minor", flat=True))
    # What is in the books and not at the gateway is all that the two differ by.
    lost = next(one for one in world.postings if f"journal:{one.key}" == missing)
    lost_minor = dict(lost.lines).get("clearing:cards", 0)
    assert books.balance("clearing:cards", "CLP").minor == holds + lost_minor
    assert books.balance("bank:in-transit", "CLP").minor == 2_000
    assert books.balance("bank:payouts", "CLP").minor == 0


def test_a_line_that_says_otherwise_than_before_is_refused_and_nothing_kept():
    one = seeded._line(1, "charge", 500, "ch_1", "pi_1", AT)
    operations.keep_lines(lines=[one], by=BY, at=AT)
    fresh = seeded._line(2, "charge", 500, "ch_2", "pi_2", AT)
    other = seeded.replace(one, amount_minor=501)

    with pytest.raises(operations.Contradicted, match="txn_1"):
        operations.keep_lines(lines=[fresh, other], by=BY, at=AT)

    assert list(GatewayLine.objects.values_list("reference", "amount_minor")) == [("txn_1", 500)]
    assert operations.keep_lines(lines=[one, fresh], by=BY, at=AT) == 1


def test_what_is_an_hour_old_may_still_be_on_its_way(people):
    young = seeded._line(1, "charge", 500, "ch_1", f"pi_{uuid4()}", AT - timedelta(minutes=59))
    operations.keep_lines(lines=[young], by=BY, at=AT)

    assert operations.reconcile(by=BY, at=AT).differences == {}
    assert operations.reconcile(by=BY, at=AT + timedelta(minutes=1)).differences == {
        "NOT_BOOKED": 1
    }


def test_a_dispute_is_matched_with_its_fee_and_a_refund_that_failed_with_what_came_back(people):
    payer, card, _provider = people
    day = AT - timedelta(days=1)
    payment = Payment.objects.create(
        holder=uuid4(), payer=payer, card=card, amount_minor=900, currency="CLP",
        state="CAPTURED", opened_at=day,
    )  # fmt: skip
    attempt = Attempt.objects.create(
        kind="REFUND", payment=payment, amount_minor=200, reference="re_9", noted_at=day,
        asked_at=day, answered_at=day,
    )  # fmt: skip
    for key, kind, lines in (
        ("dispute-moved:txn_1", "dispute",
         [("disputes:open", 900), ("gateway:fees", 15), ("clearing:cards", -915)]),
        (f"refund-failed:{attempt.key}", "refund_failed",
         [("clearing:cards", 200), ("platform:fees", -200)]),
    ):  # fmt: skip
        ledger.post(key=key, kind=kind, about=None, lines=lines, currency="CLP", by=BY, at=day)
    taken = seeded.replace(
        seeded._line(1, "adjustment", -900, "dp_1", "", day), fee_minor=15, net_minor=-915
    )
    back = seeded._line(2, "refund_failure", 200, "re_9", "", day)
    operations.keep_lines(lines=[taken, back], by=BY, at=AT)
    read_all()

    run = operations.compare(by=BY, at=AT)

    assert (run.differences, run.matched) == ({}, 2)
    assert books.balance("gateway:fees", "CLP").minor == 15
    assert books.balance("clearing:cards", "CLP").minor == -715


def test_what_is_weeks_old_waits_for_the_whole_comparison():
    old = seeded._line(1, "charge", 500, "ch_1", "pi_1", AT - timedelta(days=20))
    operations.keep_lines(lines=[old], by=BY, at=AT)

    assert operations.compare(by=BY, at=AT).differences == {}
    assert operations.compare(by=BY, at=AT, is_whole=True).differences == {"NOT_BOOKED": 1}
    # And what is too old for a short one does not end by it.
    operations.compare(by=BY, at=AT)
    assert Difference.objects.get().state == State.OPEN


@pytest.mark.django_db(transaction=True)
def test_two_comparisons_at_once_open_each_difference_once_and_book_each_fee_once(people):
    world = seeded.sow(people=people, count=200, errors=14, at=AT)
    fee = seeded._line(900, "stripe_fee", -30, "", "", AT - timedelta(days=1))
    operations.keep_lines(lines=[fee], by=BY, at=AT)
    read_all()

    gave = at_once(*[lambda: operations.compare(by=BY, at=AT)] * 3)

    assert [run.differences for run in gave] == [gave[0].differences] * 3
    assert differences() == world.errors
    assert sum(one.events.count() for one in Difference.objects.all()) == 14
    assert Journal.objects.filter(key="gateway-fee:txn_900").count() == 1
