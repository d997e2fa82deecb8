from collections.abc import Iterator

import pytest

from tests.payments import city
from tests.sandbox.bank import KEY, Bank


@pytest.fixture(scope="session")
def money_bank(tmp_path_factory) -> Iterator[Bank]:
    with Bank(tmp_path_factory.mktemp("bank"), STRIPE_API_KEY=KEY) as bank:
        yield bank


@pytest.fixture
def bank(money_bank, settings) -> Bank:
    """The city's payments go to a sandbox bank in a process of its own."""
    settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = KEY, money_bank.url
    return money_bank


@pytest.fixture
def town(bank, transactional_db) -> city.Town:
    return city.town(bank)
