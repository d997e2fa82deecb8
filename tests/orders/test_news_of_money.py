"""What people hear of money: receipts, debts in cash, payouts; each once, and only they."""

from datetime import date, timedelta

import pytest
from django.db import connection

from apps.kernel.actors import Kind
from apps.notifications import queries, words
from apps.notifications.models import Notice, Sending
from apps.parties import operations as parties
from apps.parties.models import Membership
from apps.payments import operations as payments
from apps.payments.models import Payment
from apps.pricing.models import Tariff
from apps.settlement.models import Payout
from apps.settlement.telling import tell_team
from tests import factories, rides
from tests.factories import CITY, NOON, OFFICER
from tests.payments.test_cash import allow, drop_off, on_board, ride

pytestmark = pytest.mark.django_db


@pytest.fixture
def town():
    town = rides.town()
    Tariff.objects.update(valid=factories.FOR_GOOD)
    allow(town)
    return town


def heard(user, *kinds):
    told = reversed(queries.inbox(user.pk).filter(kind__in=kinds))
    return [words.said(one, language="en", now=NOON).title for one in told]


MONEY = ("receipt_ready", "cash_owed", "cash_settled")


def test_a_receipt_is_told_when_the_ride_is_paid(town):
    order = ride(town)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE bus_delivery SET done_at = NULL")
    rides.relay_all(NOON)

    assert heard(town.rider, *MONEY) == ["Your receipt: CLP\u00a02,608"]
    told = Notice.objects.get(kind="receipt_ready")
    assert told.link == f"/orders/{order.ref}/"
    assert heard(town.worker.user, *MONEY) == []
    # Nobody is written a mail for every ride unless they want it.
    assert not Sending.objects.filter(notice=told).exists()


@pytest.mark.parametrize("settle", [payments.note_paid, payments.let_go])
def test_a_debt_in_cash_is_told_by_mail_too_and_so_is_its_end(town, settle):
    order = drop_off(town, on_board(town), reason="not_paid")
    owed = Notice.objects.get(kind="cash_owed")
    assert Sending.objects.get(notice=owed).channel == "MAIL"
    assert heard(town.rider, *MONEY) == ["CLP\u00a02,608 were not paid in cash"]

    payment = Payment.objects.get(holder=order.basket.ref)
    settle(payment_id=payment.pk, reason="At the desk", by=OFFICER, at=NOON)
    rides.relay_all(NOON)

    assert heard(town.rider, *MONEY)[1:] == ["You owe nothing any more"]


def test_a_ride_called_off_for_nothing_has_no_receipt(town):
    order = town.place(in_cash=True)
    town.step(order, "cancel", town.rider.acting(Kind.CONSUMER))
    rides.relay_all(NOON)

    assert heard(town.rider, *MONEY) == []


def test_a_payout_is_told_to_those_to_whom_the_money_is_shown_and_to_nobody_else(town):
    provider = town.worker.provider
    owner, accountant, driver, stranger = (factories.UserFactory() for _ in range(4))
    for user, role in (
        (owner, Membership.Role.OWNER),
        (accountant, Membership.Role.ACCOUNTANT),
        (driver, Membership.Role.WORKER),
    ):
        parties.add_member(provider_id=provider.pk, user_id=user.pk, role=role, by=OFFICER, at=NOON)
    payout = Payout.objects.create(
        provider=provider,
        amount_minor=5000,
        currency="CLP",
        day=date(2027, 4, 30),
        last_entry=1,
        settled_at=NOON,
    )
    for at in (NOON, NOON + timedelta(hours=1)):
        tell_team(kind="payout_paid", payout_id=payout.pk, by=CITY, at=at)

    title = ["CLP\u00a05,000 are on the way to your account"]
    assert heard(owner, "payout_paid") == heard(accountant, "payout_paid") == title
    assert heard(driver, "payout_paid") == heard(stranger, "payout_paid") == []
    said = words.said(Notice.objects.get(user=owner), language="en", now=NOON)
    assert said.text == f"{provider.name}, for everything booked until Fri\u00a030\u00a0Apr"
    assert set(Sending.objects.values_list("channel", flat=True)) == {"MAIL"}
