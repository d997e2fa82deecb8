"""D15, of disputes: what a bank takes back after the provider has been paid out.

The gateway's file is not compared here: the auditor's sums of it know no disputes.  The books are
recomputed all the same, and every account is named with its peso.
"""

from datetime import timedelta

import pytest

from apps.disputes.models import Dispute
from apps.kernel import clock
from apps.ledger.auditing import audit as recompute
from apps.settlement import operations as settlement
from tests.disputes.city import decide, disputed, events
from tests.factories import CITY
from tests.payments.city import FARE, balances, relay
from tests.payments.test_inbox import SECRET, knock

pytestmark = [pytest.mark.proof("--faults"), pytest.mark.django_db(transaction=True)]
EARNED, FEE = 2208, 1500


def pay_out(town, days: int = 0) -> int | None:
    payout = settlement.settle(
        provider_id=town.provider.pk,
        currency="CLP",
        day=clock.now().date() + timedelta(days=days),
        by=CITY,
        at=clock.now(),
    )
    relay()
    return payout.amount_minor if payout else None


def test_a_dispute_lost_after_the_payout_is_a_debt_and_taken_from_what_is_earned_next(
    town, settings
):
    settings.STRIPE_WEBHOOK_SECRET = SECRET
    payable = f"provider:{town.provider.pk}:payable"
    # The bank transfers only what lies there: somebody else's fare is there too.
    other = town.authorised(minor=20_000)
    town.capture(other, 20_000, [("city:la-serena:permits", 20_000)])
    relay()
    payment = disputed(town)
    assert pay_out(town) == EARNED
    decide(town, payment, "losing_evidence")
    for told in events(town, payment, "charge.dispute."):
        assert knock(told).status_code == 200
    relay()

    lost = Dispute.objects.get()
    assert (lost.state, lost.lost_minor) == ("LOST", FARE)
    # Everybody gave their part back; the provider, who has it already, owes it.
    assert balances() == {
        "bank:payouts": -EARNED,
        payable: EARNED,
        "city:la-serena:permits": -20_000,
        "clearing:cards": 20_000 - FEE,
        "gateway:fees": FEE,
    }
    assert pay_out(town, days=1) is None

    # The next fare pays the debt to the last peso, and the one after it is paid out.
    town.captured()
    assert payable not in balances()
    assert pay_out(town, days=2) is None
    town.captured()
    assert pay_out(town, days=3) == EARNED
    assert balances()["bank:payouts"] == -2 * EARNED
    assert recompute() == []
