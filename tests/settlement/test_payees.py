"""Cities, tax authorities and the platform are paid from the same books in the same way."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.bus.models import Event
from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.ledger import operations as ledger
from apps.payments import operations as payments
from apps.payments.gateway import Answer
from apps.payments.models import Transfer
from apps.settlement import operations, queries, tasks
from apps.settlement.models import Payee, Payout
from tests.factories import CITY, OFFICER, CityFactory
from tests.payments.city import balances, relay
from tests.settlement.test_nights import lines

pytestmark = pytest.mark.django_db(transaction=True)
NIGHT = datetime(2026, 10, 23, 6, 10, tzinfo=UTC)


@pytest.fixture
def home(transactional_db):
    return CityFactory(slug="la-serena")


def owe(code, minor, key):
    ledger.post(
        key=key,
        kind="capture",
        about=None,
        lines=[("clearing:cards", minor), (code, -minor)],
        currency="CLP",
        by=CITY,
        at=NIGHT,
    )


# The other of the two pairs of eyes.
SECOND = Actor(Kind.OFFICER, "5")


def propose(found, bank_account, schedule="NIGHTLY", by=OFFICER, at=NIGHT):
    return operations.set_payee(
        payee_id=found.pk,
        bank_account=bank_account,
        schedule=schedule,
        reason="treasury's letter",
        by=by,
        at=at,
    )


def approve(found, account, by=SECOND, at=NIGHT):
    return operations.approve_payee(
        payee_id=found.pk, account=account, reason="I rang them up", by=by, at=at
    )


def paid_to(found, bank_account, schedule="NIGHTLY", at=NIGHT):
    """One officer says where somebody is paid, and another agrees."""
    propose(found, bank_account, schedule, at=at)
    approve(found, bank_account, at=at)


def payee(city, prefix, schedule="NIGHTLY"):
    operations.ensure_payees(city)
    found = Payee.objects.get(prefix=prefix)
    paid_to(found, "DE89 3704 0044 0532 0130 00", schedule)
    operations.keep_reference(
        payee_id=found.pk,
        bank_account="DE89370400440532013000",
        reference="acct_city",
        by=CITY,
        at=NIGHT,
    )
    found.refresh_from_db()
    return found


def test_each_account_of_the_city_has_a_payout_with_a_statement_of_its_own(home):
    city = payee(home, "city:la-serena:")
    owe("city:la-serena:fees", 150, "capture:1")
    owe("city:la-serena:permit-fees", 9000, "capture:2")

    payouts = operations.settle_all(at=NIGHT)

    assert [(one.payee, one.provider, one.account, one.amount_minor) for one in payouts] == [
        (city, None, "city:la-serena:fees", 150),
        (city, None, "city:la-serena:permit-fees", 9000),
    ]
    assert [[line.amount.minor for line in lines(one)] for one in payouts] == [[150], [9000]]
    assert operations.settle_all(at=NIGHT) == payouts


def test_an_officer_reads_the_citys_statement(home, admin_client):
    payee(home, "city:la-serena:")
    owe("city:la-serena:fees", 150, "capture:1")
    (payout,) = operations.settle_all(at=NIGHT)

    answer = admin_client.get(f"/admin/settlement/payout/{payout.pk}/statement/")

    assert answer.content.decode().splitlines()[1].endswith("capture,,150,150,CLP")


def test_nobody_is_paid_before_an_officer_has_said_where_to(home):
    operations.ensure_payees(home)
    owe("tax:la-serena:vat", 15, "capture:1")

    assert operations.settle_all(at=NIGHT) == []
    assert queries.owed_to(Payee.objects.get(prefix="tax:la-serena:"))[0][1].minor == 15


def test_what_the_city_owes_for_subsidies_is_taken_from_its_fees(home):
    payee(home, "city:la-serena:")
    owe("city:la-serena:fees", 150, "capture:1")
    owe("city:la-serena:subsidies", -40, "capture:2")

    (payout,) = operations.settle_all(at=NIGHT)

    assert payout.amount_minor == 110
    assert [line.kind for line in lines(payout)] == ["capture", "subsidy_netted"]
    assert "city:la-serena:subsidies" not in balances()


def test_a_month_is_paid_on_its_first_day_or_as_soon_as_somebody_runs(home):
    payee(home, "tax:la-serena:", "MONTHLY")
    owe("tax:la-serena:vat", 15, "capture:1")
    assert [one.amount_minor for one in operations.settle_due(at=NIGHT)] == [15]
    owe("tax:la-serena:vat", 20, "capture:2")

    assert operations.settle_due(at=NIGHT + timedelta(days=2)) == []
    (payout,) = operations.settle_due(at=NIGHT + timedelta(days=9))
    assert (payout.amount_minor, payout.day) == (20, date(2026, 11, 1))


@pytest.mark.parametrize(
    "number", ["", "DE89 3704 0044 0532 0130 01", "12'; --", "x" * 60, "ñandú12"]
)
def test_what_is_no_bank_account_is_refused(home, number):
    found = operations.ensure_payees(home)[0]

    with pytest.raises(operations.NotABankAccount):
        propose(found, number)


def test_until_another_officer_agrees_the_account_before_it_stays(home):
    city = payee(home, "city:la-serena:")
    propose(city, "0123456789")

    city.refresh_from_db()
    assert (city.bank_account, city.reference) == ("DE89370400440532013000", "acct_city")
    with pytest.raises(operations.FourEyes):
        approve(city, "0123456789", by=OFFICER)
    for other in ("0123456780", "DE89370400440532013000"):
        with pytest.raises(operations.NotPossible):
            approve(city, other)

    approve(city, "0123-4567-89")
    city.refresh_from_db()
    assert (city.bank_account, city.reference, city.proposed_account) == ("0123456789", "", "")
    with pytest.raises(operations.NotPossible):
        approve(city, "0123456789")


def test_the_database_itself_wants_two_officers(home):
    city = payee(home, "city:la-serena:")

    with pytest.raises(IntegrityError), transaction.atomic():
        Payee.objects.filter(pk=city.pk).update(approved_by=str(OFFICER))


def test_the_account_that_is_in_force_needs_nobody_again(home):
    city = payee(home, "city:la-serena:")
    propose(city, "0123456789")
    propose(city, "DE89 3704 0044 0532 0130 00", schedule="MONTHLY")

    city.refresh_from_db()
    assert (city.proposed_account, city.schedule, city.reference) == ("", "MONTHLY", "acct_city")


def test_the_citys_part_of_a_ride_reaches_its_bank(town):
    found = next(
        one
        for city in queries.City.objects.all()
        for one in operations.ensure_payees(city)
        if one.prefix.startswith("city:")
    )
    paid_to(found, "0123456789", at=clock.now())
    tasks.open_payee_accounts()
    town.captured()

    operations.settle_all(at=clock.now())
    relay()

    payout = Payout.objects.get(payee=found)
    found.refresh_from_db()
    transfer = Transfer.objects.get(holder=payout.ref)
    sent = town.bank.client().v1.transfers.retrieve(transfer.reference)
    assert (payout.state, sent.amount, sent.destination) == ("PAID", 150, found.reference)
    assert balances()["bank:payouts"] == -2358
    assert "city:la-serena:fees" not in balances()


def move(found, bank_account="GB82 WEST 1234 5698 7654 32"):
    paid_to(found, bank_account)


def keep(found, reference="acct_new", bank_account="GB82WEST12345698765432"):
    operations.keep_reference(
        payee_id=found.pk, bank_account=bank_account, reference=reference, by=CITY, at=NIGHT
    )


def test_what_is_due_waits_while_the_gateway_does_not_know_the_new_bank_account(home):
    city = payee(home, "city:la-serena:")
    owe("city:la-serena:fees", 150, "capture:1")
    (payout,) = operations.settle_all(at=NIGHT)
    move(city)

    operations.send(ref=payout.ref, by=CITY, at=NIGHT)
    payout.refresh_from_db()
    assert (payout.state, Transfer.objects.count()) == ("DUE", 0)

    keep(city)
    told = Event.objects.filter(topic="settlement.released")
    assert [one.body["ref"] for one in told] == [str(payout.ref)]
    operations.send(ref=payout.ref, by=CITY, at=NIGHT)
    assert Transfer.objects.get(holder=payout.ref).destination == "acct_new"


def test_what_a_closed_bank_account_returned_goes_to_the_new_one(home):
    city = payee(home, "city:la-serena:")
    owe("city:la-serena:fees", 150, "capture:1")
    (payout,) = operations.settle_all(at=NIGHT)
    operations.send(ref=payout.ref, by=CITY, at=NIGHT)
    attempt = Transfer.objects.get(holder=payout.ref).attempts.get()
    payments.record(
        attempt_id=attempt.pk, answer=Answer(False, "", "account_closed"), by=CITY, at=NIGHT
    )
    operations.note_transfer(ref=payout.ref, by=CITY, at=NIGHT)
    move(city)
    keep(city)

    operations.retry_payout(payout_id=payout.pk, reason="a new account", by=OFFICER, at=NIGHT)
    operations.send(ref=payout.ref, by=CITY, at=NIGHT)

    transfer = Transfer.objects.get(holder=payout.ref)
    assert (transfer.destination, transfer.state) == ("acct_new", "OPENED")


def test_a_night_that_comes_back_takes_what_is_owed_since_then_too(home):
    payee(home, "city:la-serena:")
    owe("city:la-serena:fees", 150, "capture:1")
    owe("city:la-serena:subsidies", -40, "capture:2")
    operations.settle_all(at=NIGHT)
    owe("city:la-serena:fees", 30, "capture:3")
    owe("city:la-serena:subsidies", -10, "capture:4")

    operations.settle_all(at=NIGHT + timedelta(hours=1))

    assert balances()["city:la-serena:fees"] == -20
    assert "city:la-serena:subsidies" not in balances()
