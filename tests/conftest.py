from collections.abc import Iterator

import psycopg
import pytest
from django.db import connections
from django.utils import translation
from hypothesis import settings

from tests import engines
from tests.browser import browser, new_page, site  # noqa: F401

# For whoever searches longer than a run of the tests may: --hypothesis-profile=proof.
settings.register_profile("proof", deadline=None, print_blob=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Browsers last: their loop stays open, and asynchronous tests want one of their own.

    Where several processes share the work, one takes all that wants the whole platform, for it
    comes up once; the rest goes by file.
    """
    for item in items:
        group = "journeys" if _is_journey(item) else f"{item.path}{_wants_browser(item)}"
        item.add_marker(pytest.mark.xdist_group(group))
    yield
    # The plugins have an order of their own: this one is the last word.
    items.sort(key=lambda item: _is_journey(item) or _wants_browser(item))


def _is_journey(item: pytest.Item) -> bool:
    return item.path.parent.name == "journeys"


def _wants_browser(item: pytest.Item) -> bool:
    return "browser" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker) -> Iterator[None]:
    """Our own way to a test database: a copy of a migrated template."""
    engines.make_database()
    with django_db_blocker.unblock():
        yield
        connections.close_all()


@pytest.fixture(autouse=True)
def no_language_stays_behind() -> Iterator[None]:
    """A page asked for in Spanish leaves its thread in Spanish; the next test begins anew."""
    yield
    translation.deactivate()


@pytest.fixture
def as_the_application(transactional_db) -> Iterator[psycopg.Connection]:
    """A connection of the role that pages and workers use, which owns no table."""
    with psycopg.connect(engines.engines.installation.database_url("app")) as connection:
        yield connection
