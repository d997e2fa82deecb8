from collections.abc import Iterator

import pytest

from apps.audit import operations as audit
from apps.kernel import clock
from tests.factories import CITY
from tests.payments import city
from tests.sandbox.bank import KEY, Bank


@pytest.fixture(scope="session")
def money_bank(tmp_path_factory) -> Iterator[Bank]:
    with Bank(tmp_path_factory.mktemp("bank"), STRIPE_API_KEY=KEY) as bank:
        yield bank


@pytest.fixture(autouse=True)
def sealed_lately(transactional_db) -> None:
    """The logs are sealed each minute, or no money would leave: here they just were."""
    told = {"event": 0, "topic": "tests.began", "by": CITY, "at": clock.now(), "source": "task"}
    audit.keep(events=[told])
    audit.seal_all(at=clock.now())


@pytest.fixture
def bank(money_bank, settings) -> Bank:
    """The city's payments go to a sandbox bank in a process of its own."""
    settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = KEY, money_bank.url
    return money_bank


@pytest.fixture
def town(bank, transactional_db) -> city.Town:
    return city.town(bank)
