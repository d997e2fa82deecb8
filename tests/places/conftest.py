from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from apps.places import loading
from apps.places.demo import la_serena
from apps.places.management.commands.load_demo_city import demo_extract

# Apart from where other tests look: for them ways are straight lines, and sums are exact.
WITH_STREETS = Path(settings.DATA_DIR) / "with-streets"


@pytest.fixture(scope="session")
def built_streets() -> Path:
    """The demo city's streets, built once and kept for the next run."""
    with override_settings(DATA_DIR=WITH_STREETS):
        extract = demo_extract(WITH_STREETS)
        loading.activate(la_serena.SLUG, loading.build(extract, la_serena.SLUG))
    return extract


@pytest.fixture
def la_serena_streets(built_streets, settings) -> Path:
    """The demo city's streets in force."""
    settings.DATA_DIR = WITH_STREETS
    return built_streets
