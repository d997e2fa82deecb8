import logging
from collections.abc import Iterator

import pytest
from django.db import connections
from rest_framework.throttling import SimpleRateThrottle

from tests.sandbox.bank import KEY, Bank


@pytest.fixture(scope="package")
def known_bank(tmp_path_factory) -> Iterator[Bank]:
    with Bank(tmp_path_factory.mktemp("bank"), STRIPE_API_KEY=KEY) as bank:
        yield bank


@pytest.fixture
def bank(known_bank, settings) -> Bank:
    """The city's payments go to a sandbox bank in a process of its own."""
    settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = KEY, known_bank.url
    return known_bank


@pytest.fixture
def quickly(monkeypatch) -> Iterator[None]:
    """Thousands of questions in a minute: none too many, none told of, one line to the database."""
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"anon": None, "user": None})
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", None)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
