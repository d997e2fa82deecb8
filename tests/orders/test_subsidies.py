"""What the city pays of a ride: everybody else gets theirs, and the books say who paid."""

from datetime import timedelta

import pytest
from django.db.models import Sum

from apps.bus import operations as bus
from apps.ledger.models import Entry
from apps.orders.models import Order
from apps.payments.models import Attempt, Payment
from apps.pricing.models import Payee
from tests import rides
from tests.factories import NOON
from tests.policies import enforced

pytestmark = pytest.mark.django_db


@pytest.fixture
def town():
    return rides.town()


def parts(quote):
    return {payee: quote.part_of(payee) for payee in (Payee.PROVIDER, Payee.PLATFORM, Payee.TAX)}


def subsidy_journal():
    entries = Entry.objects.filter(journal__kind="subsidy").values("account__code")
    return dict(entries.annotate(sum=Sum("amount_minor")).values_list("account__code", "sum"))


@pytest.mark.parametrize("share_bp", [100, 5_000, 9_900])
def test_the_rider_pays_less_and_nobody_else_gets_less(town, share_bp):
    whole = town.quote()
    enforced("subsidy", {"share_bp": share_bp})
    order = town.confirm()
    quote = order.quote
    assert parts(quote) == parts(whole)

    order = town.drive(order)

    paid = Attempt.objects.get(kind=Attempt.Kind.CAPTURE)
    by_city = whole.total_minor - quote.total_minor
    assert (order.charged_minor, paid.amount_minor) == (quote.total_minor, quote.total_minor)
    journal = subsidy_journal()
    assert journal.pop("city:la-serena:subsidies") == by_city
    received = dict(paid.split)
    for account, minor in journal.items():
        received[account] = received.get(account, 0) - minor
    assert received == {
        f"provider:{order.provider_id}:payable": whole.part_of(Payee.PROVIDER),
        "platform:fees": whole.part_of(Payee.PLATFORM),
        "tax:la-serena:vat": whole.part_of(Payee.TAX),
        "city:la-serena:fees": whole.part_of(Payee.CITY),
    }


def test_a_ride_that_the_city_pays_whole_asks_no_bank(town):
    whole = town.quote()
    enforced("subsidy", {"share_bp": 10_000})
    order = town.place()
    assert (order.total_minor, Payment.objects.count()) == (0, 0)

    while bus.relay(at=NOON):
        pass
    order.refresh_from_db()
    assert order.stage == "searching"

    town.on_shift()
    order = town.drive(town.accept(town.offer(order)))

    assert (order.state, order.charged_minor) == (Order.State.COMPLETED, 0)
    journal = subsidy_journal()
    assert journal[f"provider:{order.provider_id}:payable"] == -whole.part_of(Payee.PROVIDER)
    assert sum(journal.values()) == 0


def test_called_off_the_city_pays_nothing(town):
    enforced("subsidy", {"share_bp": 10_000})
    order = town.place()

    town.step(order, "cancel", town.rider.acting("consumer"), NOON + timedelta(seconds=5))

    assert subsidy_journal() == {}
