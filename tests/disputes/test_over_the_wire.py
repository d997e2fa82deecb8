"""The bank's own process tells the city's own server, over a line that does what lines do."""

from collections.abc import Callable

import pytest

from apps.disputes.models import Dispute
from apps.payments import tasks
from apps.payments.models import GatewayEvent
from tests.disputes.city import decide, disputed
from tests.payments import city
from tests.payments.city import balances, relay
from tests.races import eventually
from tests.sandbox.bank import KEY, SECRET, Bank


@pytest.fixture
def town(tmp_path, live_server, settings):
    settings.STRIPE_WEBHOOK_SECRET = f"whsec_old,{SECRET}"
    url = f"{live_server.url}/hooks/stripe/"
    with Bank(tmp_path, STRIPE_API_KEY=KEY, SANDBOX_WEBHOOK_URL=url) as bank:
        settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = KEY, bank.url
        yield city.town(bank)


def until(is_so: Callable[[], bool]) -> None:
    """Relay until it is so: a process and a server of their own tell one another meanwhile."""

    def relayed() -> bool:
        relay()
        return is_so()

    eventually(relayed)


def heard(town) -> bool:
    """Whether the bank has nothing left to send."""
    return all(one["status"] == "delivered" for one in town.bank.control("deliveries"))


def ended() -> bool:
    return Dispute.objects.filter(state="LOST").exists()


@pytest.mark.parametrize(
    "faults", [{}, {"duplicate": "3"}, {"reorder": "2"}, {"duplicate": "2", "reorder": "2"}]
)
def test_however_it_is_told_the_books_are_the_same(town, faults):
    town.bank.control("faults", **faults or {"drop": "0"})
    decide(town, disputed(town), "losing_evidence")
    until(lambda: heard(town) and ended())
    assert balances() == {"clearing:cards": -1500, "gateway:fees": 1500}
    assert GatewayEvent.objects.filter(type="charge.dispute.created").count() == 1


def test_what_was_dropped_for_days_is_found_in_the_list(town):
    town.bank.control("faults", drop="1")
    decide(town, disputed(town), "losing_evidence")
    town.bank.advance(3 * 86_400)
    relay()
    assert not Dispute.objects.exists()
    tasks.find_missing_events()
    relay()
    assert balances() == {"clearing:cards": -1500, "gateway:fees": 1500}
    found = GatewayEvent.objects.filter(type__startswith="charge.dispute.")
    assert set(found.values_list("way", flat=True)) == {"FOUND"}
