"""D15: money that comes back after it was paid out.

What a provider owes then is a debt on their account, and is taken from what they earn next, to the
last peso; nobody absorbs it in silence.  Holds Spree #14622 (a returned payout is settled all the
same) and pretix #343 (what is given back once takes nothing else away).
"""

from datetime import timedelta

import pytest
from django.db.models import Sum

from apps.kernel import clock
from apps.ledger import queries as books
from apps.payments.models import PayoutAccount
from apps.settlement import operations as settlement
from apps.settlement.models import Payout
from tests.factories import CITY, OFFICER
from tests.payments.city import balances, fresh, relay
from tests.races import at_once

pytestmark = [
    pytest.mark.proof("--faults"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("audited"),
]
EARNED = 2208  # of each fare


def owed(town) -> int:
    """What the city owes the provider; below nothing, what the provider owes."""
    return -books.balance(f"provider:{town.provider.pk}:payable", "CLP").minor


def pay_out(town, days: int = 0) -> Payout | None:
    payout = settlement.settle(
        provider_id=town.provider.pk,
        currency="CLP",
        day=clock.now().date() + timedelta(days=days),
        by=CITY,
        at=clock.now(),
    )
    relay()
    if payout:
        payout.refresh_from_db()
    return payout


def test_a_returned_payout_is_owed_again_and_settled_once(town):
    """Spree #14622: what the bank returned stood there as settled."""
    town.captured()
    PayoutAccount.objects.create(provider=town.provider, reference="acct_gone")
    returned = pay_out(town)
    assert (returned.state, returned.failure) == (Payout.State.FAILED, "account_closed")
    assert owed(town) == EARNED
    assert "bank:payouts" not in balances()

    PayoutAccount.objects.all().delete()
    later = pay_out(town, days=1)
    assert (later.state, later.amount_minor) == (Payout.State.PAID, EARNED)
    with pytest.raises(settlement.SettledSince):
        settlement.retry_payout(
            payout_id=returned.pk, reason="the account is right now", by=OFFICER, at=clock.now()
        )
    assert (owed(town), balances()["bank:payouts"]) == (0, -EARNED)


def test_of_an_officer_and_the_night_one_pays_what_was_returned(town):
    town.captured()
    PayoutAccount.objects.create(provider=town.provider, reference="acct_gone")
    returned = pay_out(town)
    PayoutAccount.objects.all().delete()

    def again() -> None:
        settlement.retry_payout(
            payout_id=returned.pk, reason="once more", by=OFFICER, at=clock.now()
        )

    results = at_once(*[again] * 4, *[lambda: pay_out(town, days=1)] * 4)
    relay()
    surprising = [
        one
        for one in results
        if isinstance(one, Exception)
        and not isinstance(one, settlement.SettledSince | settlement.NotPossible)
    ]
    assert surprising == []
    assert (owed(town), balances()["bank:payouts"]) == (0, -EARNED)


def test_a_refund_after_the_payout_is_a_debt_and_is_taken_from_the_next_one(town):
    payment = town.captured()
    assert pay_out(town).amount_minor == EARNED
    town.refund(payment, 450)
    relay()
    assert fresh(payment).refunded_minor == 450
    assert owed(town) == -450
    # Nothing is paid to whoever owes.
    assert pay_out(town, days=1) is None
    assert owed(town) == -450

    town.captured()
    recovered = pay_out(town, days=2)
    assert (recovered.state, recovered.amount_minor) == (Payout.State.PAID, EARNED - 450)
    assert owed(town) == 0
    assert balances()["bank:payouts"] == -(2 * EARNED - 450)


def test_a_debt_larger_than_the_next_earnings_is_carried_on_until_it_is_paid(town):
    first, second = town.captured(), town.captured()
    assert pay_out(town).amount_minor == 2 * EARNED
    for payment in (first, second):
        town.refund(payment, EARNED)
    relay()
    assert owed(town) == -2 * EARNED
    for day in (1, 2):
        town.captured()
        assert pay_out(town, days=day) is None
        assert owed(town) == (day - 2) * EARNED
    town.captured()
    assert pay_out(town, days=3).amount_minor == EARNED
    assert owed(town) == 0
    # Three fares' worth has left, of five that were earned and two that went back.
    assert Payout.objects.aggregate(sum=Sum("amount_minor"))["sum"] == 3 * EARNED


def test_a_returned_payout_pays_a_debt_before_it_leaves_again(town):
    payment = town.captured()
    PayoutAccount.objects.create(provider=town.provider, reference="acct_gone")
    returned = pay_out(town)
    town.refund(payment, 450)
    relay()
    PayoutAccount.objects.all().delete()
    # More than is owed by now: as it was it cannot leave again.
    with pytest.raises((settlement.NotPossible, settlement.SettledSince)):
        settlement.retry_payout(
            payout_id=returned.pk, reason="once more", by=OFFICER, at=clock.now()
        )
    assert pay_out(town, days=1).amount_minor == EARNED - 450
    assert (owed(town), balances()["bank:payouts"]) == (0, -(EARNED - 450))
