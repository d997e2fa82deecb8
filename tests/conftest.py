from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.cache import cache
from django.db import connections
from django.test import TransactionTestCase
from django.utils import translation
from hypothesis import HealthCheck, settings

from apps.regulation import in_force
from apps.web.context import CITY_KEY
from tests import engines
from tests.browser import browser, new_page, site  # noqa: F401
from tests.emptying import Emptying

# The same commit gives the same answer, and a busy machine gives it, too.
settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("steady")
# For whoever searches for what nobody has found yet: --hypothesis-profile=proof.
settings.register_profile("proof", deadline=None, print_blob=True, derandomize=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers last: their loop stays open, and asynchronous tests want one of their own.

    Where several processes share the work, each takes its part in this order, too.
    """
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker) -> Iterator[None]:
    """Our own way to a test database: a copy of a migrated template, and back to it."""
    engines.make_database()
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        emptying = Emptying()
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: emptying.empty())
        yield
        emptying.close()
        connections.close_all()


@pytest.fixture(autouse=True)
def no_language_stays_behind() -> Iterator[None]:
    """A page asked for in Spanish leaves its thread in Spanish; the next test begins anew."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def no_rule_stays_behind() -> None:
    """A process keeps the policies in memory, and the last test's city had others."""
    in_force.forget()


@pytest.fixture(autouse=True)
def no_city_stays_behind() -> None:
    """Pages know their city for a minute, and the last test's was another or none."""
    cache.delete(CITY_KEY)


@pytest.fixture
def own_data(settings, tmp_path) -> Path:
    """A folder for cities that only this test knows."""
    settings.DATA_DIR = tmp_path / "data"
    return settings.DATA_DIR


@pytest.fixture
def as_the_application(transactional_db) -> Iterator[psycopg.Connection]:
    """A connection of the role that pages and workers use, which owns no table."""
    with psycopg.connect(engines.engines.installation.database_url("app")) as connection:
        yield connection
